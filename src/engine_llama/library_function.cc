// The back end's file, by the address of a function that it tells of, and names in it.
#include "engine_llama/library_function.h"

#include <dlfcn.h>
#include <ggml-backend.h>

namespace ebb::engine_llama {

namespace {

void* open_back_end() {
  ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  EBB_CHECK(device != nullptr);
  void* const inside = ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_threadpool_new");
  Dl_info file{};
  EBB_CHECK(inside != nullptr && ::dladdr(inside, &file) != 0);
  // It is loaded, so nothing is opened: sealed workers may not.
  void* const handle = ::dlopen(file.dli_fname, RTLD_NOLOAD | RTLD_LAZY);
  EBB_CHECK(handle != nullptr);
  return handle;
}

}  // namespace

void* find_library_function(const char* name) {
  static void* const back_end = open_back_end();
  return ::dlsym(back_end, name);
}

}  // namespace ebb::engine_llama
