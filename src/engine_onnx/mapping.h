// A file that is mapped as a whole, read-only and shared with all who map it.
#pragma once

#include <span>

#include "base/result.h"

namespace ebb::engine_onnx {

class Mapping {
 public:
  Mapping() = default;
  // The descriptor is needed no more afterwards. Errors: kIo; kInvalid: it is empty.
  static Result<Mapping> of(int file);
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  std::span<const char> bytes() const { return bytes_; }
  // Its pages count as ours no more until they are looked at again.
  void forget();

 private:
  explicit Mapping(std::span<const char> bytes) : bytes_(bytes) {}

  std::span<const char> bytes_;
};

}  // namespace ebb::engine_onnx
