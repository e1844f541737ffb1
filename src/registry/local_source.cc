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

std::unexpected<Error> cannot(const char* what, const std::string& path) {
  Error error = errno_error(fmt::format("cannot {} '{}'", what, path), errno);
  error.param = "source";
  return fail(error);
}

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
  if (S_ISDIR(info->st_mode)) return info;
  if (!S_ISREG(info->st_mode)) return refused(path, "is not a regular file");
  if (info->st_size == 0) return refused(path, "is empty");
  return info;
}

}  // namespace

Result<LocalSource> open_local_source(const std::string& path) {
  if (!path.starts_with('/')) return refused(path, "is not an absolute path");
  if (path.find('\0') != std::string::npos) return refused(path.c_str(), "has a NUL byte behind it");
  const Fd place(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!place) return cannot("open", path);
  const Result<struct stat> info = checked(place.get(), path);
  if (!info) return fail(info.error());
  const bool is_folder = S_ISDIR(info->st_mode);
  const size_t slash = path.find_last_of('/');
  // The very thing that was looked at, whatever stands at the path by now.
  Fd opened(::open(fmt::format("/proc/self/fd/{}", place.get()).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | (is_folder ? O_DIRECTORY : 0)));
  if (!opened) return cannot("read", path);
  LocalSource source;
  if (is_folder) {
    source.folder = std::move(opened);
    return source;
  }
  source.file = std::move(opened);
  source.bytes = static_cast<uint64_t>(info->st_size);
  source.name = path.substr(slash + 1);
  source.folder = Fd(::open(path.substr(0, slash + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!source.folder) return cannot("read the folder of", path);
  return source;
}

}  // namespace ebb::registry
