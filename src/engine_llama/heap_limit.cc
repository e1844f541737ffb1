// The replacements count by what the heap says that a block has.
#include "engine_llama/heap_limit.h"

#include <malloc.h>

#include <cstdlib>
#include <limits>
#include <new>

#include "base/check.h"

namespace ebb::engine_llama {

namespace {

constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

thread_local int64_t bytes_left = kNone;

class LimitReached final : public std::bad_alloc {
 public:
  const char* what() const noexcept override { return "it takes too much memory"; }
};

}  // namespace

HeapLimit::HeapLimit(size_t bytes) {
  EBB_CHECK(bytes_left == kNone);
  bytes_left = static_cast<int64_t>(bytes);
}

HeapLimit::~HeapLimit() { bytes_left = kNone; }

namespace {

void give_back(void* block) {
  if (bytes_left != kNone && block != nullptr) bytes_left += static_cast<int64_t>(malloc_usable_size(block));
  std::free(block);
}

void* take(size_t bytes) {
  void* const block = std::malloc(bytes == 0 ? 1 : bytes);
  if (block == nullptr) throw std::bad_alloc();
  if (bytes_left == kNone) return block;
  bytes_left -= static_cast<int64_t>(malloc_usable_size(block));
  if (bytes_left >= 0) return block;
  give_back(block);
  throw LimitReached();
}

}  // namespace
}  // namespace ebb::engine_llama

// The standard library's other forms come down to these.
void* operator new(size_t bytes) { return ebb::engine_llama::take(bytes); }
void operator delete(void* block) noexcept { ebb::engine_llama::give_back(block); }
void operator delete(void* block, size_t /*bytes*/) noexcept { ebb::engine_llama::give_back(block); }
