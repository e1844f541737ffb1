// Blocks count by what the heap says that they have.
#include "engine_onnx/bounded_memory.h"

#include <malloc.h>

#include <cstdlib>
#include <new>
#include <utility>

namespace ebb::engine_onnx {

namespace {

// What the library's kernels want of every tensor.
constexpr size_t kAlignment = 64;

// The library's own allocators throw, and its kernels write to whatever they are given: a null pointer would end the process.
class BoundReached final : public std::bad_alloc {
 public:
  const char* what() const noexcept override { return "bad_alloc: the bound of memory for tensors is reached"; }
};

}  // namespace

BoundedMemory::BoundedMemory(int64_t bytes_max)
    : OrtAllocator{}, info_(Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault)), bytes_max_(bytes_max) {
  version = ORT_API_VERSION;
  Alloc = [](OrtAllocator* self, size_t bytes) { return static_cast<BoundedMemory*>(self)->take(bytes); };
  Reserve = Alloc;
  Free = [](OrtAllocator* self, void* block) { static_cast<BoundedMemory*>(self)->give_back(block); };
  Info = [](const OrtAllocator* self) { return static_cast<const OrtMemoryInfo*>(static_cast<const BoundedMemory*>(self)->info_); };
}

void* BoundedMemory::take(size_t bytes) {
  if (bytes == 0) return nullptr;
  const int64_t most = bytes_max();
  if (std::cmp_greater(bytes, most) || held() + static_cast<int64_t>(bytes) > most) throw BoundReached();
  void* block = nullptr;
  if (::posix_memalign(&block, kAlignment, bytes) != 0) throw BoundReached();
  held_.fetch_add(static_cast<int64_t>(::malloc_usable_size(block)), std::memory_order_relaxed);
  return block;
}

void BoundedMemory::give_back(void* block) {
  if (block == nullptr) return;
  held_.fetch_sub(static_cast<int64_t>(::malloc_usable_size(block)), std::memory_order_relaxed);
  std::free(block);
}

}  // namespace ebb::engine_onnx
