// One loop for both.
#include "io/write_whole.h"

#include <unistd.h>

#include <cerrno>

namespace ebb::io {

namespace {

template <class Write>
int repeat(std::string_view bytes, Write&& write) {
  while (!bytes.empty()) {
    const ssize_t count = write(bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return 0;
}

}  // namespace

int write_whole(int to, std::string_view bytes) {
  return repeat(bytes, [to](std::string_view rest) { return ::write(to, rest.data(), rest.size()); });
}

int write_whole_at(int to, std::string_view bytes, uint64_t offset) {
  const uint64_t end = offset + bytes.size();
  return repeat(bytes, [to, end](std::string_view rest) { return ::pwrite(to, rest.data(), rest.size(), static_cast<off_t>(end - rest.size())); });
}

}  // namespace ebb::io
