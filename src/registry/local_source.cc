// Looks through an O_PATH descriptor first, since opening a device or a FIFO for reading may block or have effects.
#include "registry/local_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "registry/files.h"

namespace ebb::registry {

namespace {

auto refused(const std::string& path, const std::string& why) { return fail(ErrorKind::kInvalid, fmt::format("'{}' {}", path, why), "source"); }

std::string target_of(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : std::string();
}

Result<struct stat> checked(int place, const std::string& path) {
  const Result<struct stat> info = look_at(place);
  if (!info) return info;
  if (S_ISLNK(info->st_mode)) {
    const std::string target = target_of(path);
    if (target.empty()) return refused(path, "is a symbolic link to nothing");
    return refused(path, fmt::format("is a symbolic link: name the file itself, {}", target));
  }
  if (S_ISDIR(info->st_mode)) return refused(path, "is a directory: name the .gguf file in it");
  if (!S_ISREG(info->st_mode)) return refused(path, "is not a regular file");
  if (info->st_size == 0) return refused(path, "is empty");
  return info;
}

}  // namespace

Result<LocalSource> open_local_source(const std::string& path) {
  if (!path.starts_with('/')) return refused(path, "is not an absolute path");
  if (path.find('\0') != std::string::npos) return refused(path.c_str(), "has a NUL byte behind it");
  const Fd place(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!place) {
    Error error = errno_error(fmt::format("cannot open '{}'", path), errno);
    error.param = "source";
    return fail(error);
  }
  const Result<struct stat> info = checked(place.get(), path);
  if (!info) return fail(info.error());
  // The very file that was looked at, whatever stands at the path by now.
  Fd file(::open(fmt::format("/proc/self/fd/{}", place.get()).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    Error error = errno_error(fmt::format("cannot read '{}'", path), errno);
    error.param = "source";
    return fail(error);
  }
  return LocalSource{.file = std::move(file), .bytes = static_cast<uint64_t>(info->st_size)};
}

}  // namespace ebb::registry
