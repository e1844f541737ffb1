// Replacements for three functions of the engine library; their names are the library's.
#include "engine_llama/tensor_memory.h"

#include <ggml-backend.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

namespace ebb::engine_llama {

namespace {

// Below this the C library's heap is as good, and does not cost a mapping.
constexpr size_t kOwnMappingMin = size_t{1} << 20U;
constexpr size_t kAlignment = 64;

struct Region {
  size_t bytes = 0;
  bool fresh = true;  // all zero: nothing was written yet
};

// A global, since the library calls plain functions; never destroyed, since it frees memory until the very end.
struct Regions {
  std::mutex mutex;
  std::map<void*, Region> by_address;
  size_t bytes = 0;
};
Regions& regions() {
  static Regions* const all = new Regions;
  return *all;
}

void* map_region(size_t size) {
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  const std::scoped_lock lock(regions().mutex);
  regions().by_address[memory] = Region{.bytes = size};
  regions().bytes += size;
  return memory;
}

// Whether it was one of ours.
bool unmap_region(void* memory) {
  const std::scoped_lock lock(regions().mutex);
  const auto found = regions().by_address.find(memory);
  if (found == regions().by_address.end()) return false;
  ::munmap(memory, found->second.bytes);
  regions().bytes -= found->second.bytes;
  regions().by_address.erase(found);
  return true;
}

// Whether the region is zero as it was mapped; from now on it counts as written.
bool take_freshness(void* memory) {
  const std::scoped_lock lock(regions().mutex);
  const auto found = regions().by_address.find(memory);
  return found != regions().by_address.end() && std::exchange(found->second.fresh, false);
}

}  // namespace

size_t tensor_memory_bytes() {
  const std::scoped_lock lock(regions().mutex);
  return regions().bytes;
}

}  // namespace ebb::engine_llama

extern "C" {

__attribute__((visibility("default"))) void* ggml_aligned_malloc(size_t size) {
  if (size == 0) return nullptr;
  if (size >= ebb::engine_llama::kOwnMappingMin) return ebb::engine_llama::map_region(size);
  void* memory = nullptr;
  return ::posix_memalign(&memory, ebb::engine_llama::kAlignment, size) == 0 ? memory : nullptr;
}

__attribute__((visibility("default"))) void ggml_aligned_free(void* memory, size_t /*size*/) {
  if (memory != nullptr && !ebb::engine_llama::unmap_region(memory)) ::free(memory);
}

// Only host memory is ever cleared here: the workers load no other back end than the CPU's.
__attribute__((visibility("default"))) void ggml_backend_buffer_clear(ggml_backend_buffer_t buffer, uint8_t value) {
  void* const memory = ggml_backend_buffer_get_base(buffer);
  const size_t size = ggml_backend_buffer_get_size(buffer);
  if (size == 0) return;
  const bool zero_already = ebb::engine_llama::take_freshness(memory) && value == 0;
  if (!zero_already) std::memset(memory, value, size);
}
}
