// Replacements for four functions of the engine library; their names are the library's.
#include "engine_llama/tensor_memory.h"

#include <dlfcn.h>
#include <ggml-backend.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace ebb::engine_llama {

namespace {

// Below this the C library's heap is as good, and does not cost a mapping.
constexpr size_t kOwnMappingMin = size_t{1} << 20U;
constexpr size_t kAlignment = 64;

struct Region {
  size_t bytes = 0;
  uint64_t number = 0;  // rises with every mapping
  bool fresh = true;    // all zero: nothing was written yet
  bool holds = false;   // data of tensors; else it is the library's own
};

// A global, since the library calls plain functions; never destroyed, since it frees memory until the very end.
struct Regions {
  std::mutex mutex;
  std::map<void*, Region> by_address;
  uint64_t next = 0;
  bool from_heap = false;
};
Regions& regions() {
  static Regions* const all = new Regions;
  return *all;
}

void* map_region(size_t size) {
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  const std::scoped_lock lock(regions().mutex);
  regions().by_address[memory] = Region{.bytes = size, .number = regions().next++};
  return memory;
}

// Whether it was one of ours.
bool unmap_region(void* memory) {
  const std::scoped_lock lock(regions().mutex);
  const auto found = regions().by_address.find(memory);
  if (found == regions().by_address.end()) return false;
  ::munmap(memory, found->second.bytes);
  regions().by_address.erase(found);
  return true;
}

// It is the memory of a buffer for tensors.
void note_buffer(void* memory) {
  const std::scoped_lock lock(regions().mutex);
  const auto found = regions().by_address.find(memory);
  if (found != regions().by_address.end()) found->second.holds = true;
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
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident;
  size_t pages = 0;
  for (const auto& [address, region] : regions().by_address) {
    if (!region.holds) continue;
    resident.resize((region.bytes + page - 1) / page);
    if (::mincore(address, region.bytes, resident.data()) != 0) continue;
    pages += static_cast<size_t>(std::ranges::count_if(resident, [](unsigned char bits) { return (bits & 1U) != 0; }));
  }
  return pages * page;
}

uint64_t tensor_memory_mark() {
  const std::scoped_lock lock(regions().mutex);
  return regions().next;
}

void take_from_heap(bool on) {
  const std::scoped_lock lock(regions().mutex);
  regions().from_heap = on;
}

static bool takes_from_heap() {
  const std::scoped_lock lock(regions().mutex);
  return regions().from_heap;
}

void give_back_tensor_memory(uint64_t since) {
  const std::scoped_lock lock(regions().mutex);
  for (const auto& [address, region] : regions().by_address) {
    if (region.number >= since && region.holds) (void)::madvise(address, region.bytes, MADV_FREE);
  }
}

}  // namespace ebb::engine_llama

extern "C" {

__attribute__((visibility("default"))) void* ggml_aligned_malloc(size_t size) {
  if (size == 0) return nullptr;
  const bool large = size >= ebb::engine_llama::kOwnMappingMin;
  const bool from_heap = ebb::engine_llama::takes_from_heap();
  if (large && !from_heap) return ebb::engine_llama::map_region(size);
  void* memory = nullptr;
  const size_t alignment = large ? ebb::engine_llama::kHugePageBytes : ebb::engine_llama::kAlignment;
  return ::posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

__attribute__((visibility("default"))) void ggml_aligned_free(void* memory, size_t /*size*/) {
  if (memory != nullptr && !ebb::engine_llama::unmap_region(memory)) ::free(memory);
}

__attribute__((visibility("default"))) void ggml_backend_buffer_set_usage(ggml_backend_buffer_t buffer, enum ggml_backend_buffer_usage usage) {
  static auto* const of_library =
      reinterpret_cast<void (*)(ggml_backend_buffer_t, enum ggml_backend_buffer_usage)>(::dlsym(RTLD_NEXT, "ggml_backend_buffer_set_usage"));
  of_library(buffer, usage);
  if (usage == GGML_BACKEND_BUFFER_USAGE_COMPUTE) ebb::engine_llama::note_buffer(ggml_backend_buffer_get_base(buffer));
}

// Only host memory is ever cleared here: the workers load no other back end than the CPU's.
__attribute__((visibility("default"))) void ggml_backend_buffer_clear(ggml_backend_buffer_t buffer, uint8_t value) {
  void* const memory = ggml_backend_buffer_get_base(buffer);
  const size_t size = ggml_backend_buffer_get_size(buffer);
  if (size == 0) return;
  ebb::engine_llama::note_buffer(memory);
  const bool zero_already = ebb::engine_llama::take_freshness(memory) && value == 0;
  if (!zero_already) std::memset(memory, value, size);
}
}
