// mmap and its end.
#include "engine_onnx/mapping.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace ebb::engine_onnx {

Result<Mapping> Mapping::of(int file) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) return fail(errno_error("the model's file", errno));
  if (!S_ISREG(facts.st_mode) || facts.st_size == 0) return fail(ErrorKind::kInvalid, "the model's file is empty");
  const auto bytes = static_cast<size_t>(facts.st_size);
  void* const at = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) return fail(errno_error("mapping the model's file", errno));
  return Mapping(std::span(static_cast<const char*>(at), bytes));
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

void Mapping::forget() { ::madvise(const_cast<char*>(bytes_.data()), bytes_.size(), MADV_DONTNEED); }

Mapping::~Mapping() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace ebb::engine_onnx
