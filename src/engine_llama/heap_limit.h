// A bound on what foreign code may allocate: a model's chat template is a program, and may ask for all memory that there is.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ebb::engine_llama {

// While one lives, C++ allocations of this thread fail with a std::bad_alloc once `bytes` more are held than before. They do not nest. The program's
// operator new and delete are replaced for this; tensors and mappings are not theirs.
class HeapLimit {
 public:
  explicit HeapLimit(size_t bytes);
  ~HeapLimit();
  HeapLimit(const HeapLimit&) = delete;
  HeapLimit& operator=(const HeapLimit&) = delete;
};

}  // namespace ebb::engine_llama
