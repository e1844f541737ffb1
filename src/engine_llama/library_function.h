// What the engine library's back end keeps to itself and we need: its functions behind those that we define in their place, and what it hands to each
// of its threads.
//
// The back end is loaded at run time and finds some of its own functions in the program first (--export-dynamic-symbol, src/CMakeLists.txt): the
// sources that say "a replacement" in their first line define them. What they do not do themselves they leave to the library's own.
#pragma once

#include <cstddef>

#include "base/check.h"

struct ggml_threadpool;

// The beginning of the library's own struct of that name (ggml-cpu-impl.h), which is in none of its public headers.
struct ggml_compute_params {
  int ith, nth;  // this thread, and how many there are
  size_t wsize;
  void* wdata;  // of all threads together
  ggml_threadpool* threadpool;
};

namespace ebb::engine_llama {

// After init_backend(). nullptr: this back end has no such function. Any thread.
void* find_library_function(const char* name);

// The library's own function of that name, as its linker knows it. Aborts where there is none: it called ours under that name.
template <class Function>
Function* library_function(const char* name) {
  void* const found = find_library_function(name);
  EBB_CHECK(found != nullptr);
  return reinterpret_cast<Function*>(found);
}

}  // namespace ebb::engine_llama
