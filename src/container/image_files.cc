// openat2, which the kernel keeps inside of the root.
#include "container/image_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace ebb::container {

Result<ImageFiles> ImageFiles::open(const std::string& root) {
  Fd folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail(errno_error(root, errno));
  return ImageFiles(std::move(folder));
}

Fd ImageFiles::open_inside(const std::string& path, int flags) const {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how)));
}

Result<std::optional<std::string>> ImageFiles::read(const std::string& path, size_t bytes_max) const {
  const Fd file = open_inside(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0) return fail(errno_error(fmt::format("{} of the image", path), errno));
  if (!S_ISREG(about.st_mode)) return fail(ErrorKind::kInvalid, fmt::format("{} of the image is no file", path));
  if (static_cast<uint64_t>(about.st_size) > bytes_max)
    return fail(ErrorKind::kInvalid, fmt::format("{} of the image has more than {} bytes", path, bytes_max));
  std::string text(static_cast<size_t>(about.st_size), '\0');
  const ssize_t count = ::read(file.get(), text.data(), text.size());
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

bool ImageFiles::has(const std::string& path) const {
  const Fd file = open_inside(path, O_PATH);
  struct stat about {};
  return file && ::fstat(file.get(), &about) == 0 && S_ISREG(about.st_mode);
}

Result<std::vector<std::string>> ImageFiles::names(const std::string& path, size_t names_max) const {
  Fd folder = open_inside(path, O_RDONLY | O_DIRECTORY);
  if (!folder && (errno == ENOENT || errno == ENOTDIR)) return std::vector<std::string>();
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(folder ? ::fdopendir(folder.get()) : nullptr, ::closedir);
  if (!stream) return fail(errno_error(fmt::format("{} of the image", path), errno));
  (void)folder.release();  // the stream's now
  std::vector<std::string> names;
  while (const dirent* const entry = ::readdir(stream.get())) {
    std::string name(static_cast<const char*>(entry->d_name));
    if (name == "." || name == "..") continue;
    if (names.size() == names_max) return fail(ErrorKind::kInvalid, fmt::format("{} of the image has more than {} entries", path, names_max));
    names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace ebb::container
