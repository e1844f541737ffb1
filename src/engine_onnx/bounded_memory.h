// Memory for tensors, with a bound: a model is a program of whoever made it and may ask for all that there is.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <atomic>
#include <cstdint>

namespace ebb::engine_onnx {

// An allocator of the library's kind. Past the bound it throws as the library's own do, which becomes an error of that run. Any thread.
class BoundedMemory final : public OrtAllocator {
 public:
  explicit BoundedMemory(int64_t bytes_max);
  BoundedMemory(const BoundedMemory&) = delete;
  BoundedMemory& operator=(const BoundedMemory&) = delete;
  ~BoundedMemory() = default;

  int64_t bytes_max() const { return bytes_max_.load(std::memory_order_relaxed); }
  // What is held already stays.
  void set_bytes_max(int64_t bytes_max) { bytes_max_.store(bytes_max, std::memory_order_relaxed); }
  int64_t held() const { return held_.load(std::memory_order_relaxed); }

 private:
  void* take(size_t bytes);
  void give_back(void* block);

  Ort::MemoryInfo info_;
  std::atomic<int64_t> bytes_max_;
  std::atomic<int64_t> held_ = 0;
};

}  // namespace ebb::engine_onnx
