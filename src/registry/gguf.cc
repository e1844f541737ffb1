// Header, then facts.
#include "registry/gguf.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "registry/gguf_header.h"

namespace ebb::registry {

namespace {

struct Mapping {
  explicit Mapping(int fd, size_t bytes) : size(bytes), data(::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0)) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (data != MAP_FAILED) ::munmap(data, size);
  }
  size_t size;
  void* data;
};

}  // namespace

Result<domain::ModelFacts> read_gguf(std::span<const uint8_t> head, uint64_t file_bytes) {
  const Result<GgufHeader> header = read_header(head, file_bytes);
  if (!header) return fail(header.error());
  return facts_of(*header);
}

Result<domain::ModelFacts> read_gguf_file(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail(errno_error("cannot look at the model file", errno));
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::kInvalid, "the model is not a regular file", "source");
  const auto file_bytes = static_cast<uint64_t>(info.st_size);
  if (file_bytes == 0) return read_gguf({}, 0);
  const Mapping mapping(fd, static_cast<size_t>(std::min(file_bytes, kGgufHeaderBytesMax)));
  if (mapping.data == MAP_FAILED) return fail(errno_error("cannot map the model file", errno));
  return read_gguf({static_cast<const uint8_t*>(mapping.data), mapping.size}, file_bytes);
}

}  // namespace ebb::registry
