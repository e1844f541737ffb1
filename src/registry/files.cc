// openat2 has no wrapper in the C library; the rest is errno made into Errors.
#include "registry/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>

namespace ebb::registry {

Result<Fd> open_beneath(int directory, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof(how));
  if (fd < 0) return fail(errno_error("cannot open " + path + " in the model store", errno));
  return Fd(static_cast<int>(fd));
}

Result<Fd> open_store_directory(const std::string& directory, const std::string& what) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return fail(errno_error(fmt::format("cannot make the {} {}", what, directory), errno));
  Fd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return fail(errno_error(fmt::format("cannot open the {} {}", what, directory), errno));
  return opened;
}

Result<Fd> open_or_make_directory(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) return fail(errno_error("cannot make the folder " + name, errno));
  const int fd = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fail(errno_error("cannot open the folder " + name, errno));
  return Fd(fd);
}

Result<std::vector<std::string>> names_in(int directory, size_t max) {
  // A descriptor of its own: closedir closes it, and two readers must not share a position.
  const int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return fail(errno_error("cannot list a folder of the model store", errno));
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::fdopendir(own), ::closedir);
  if (!open) {
    ::close(own);
    return fail(errno_error("cannot list a folder of the model store", errno));
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() >= max) return fail(ErrorKind::kExhausted, fmt::format("a folder of the model store has more than {} entries", max));
    names.emplace_back(name);
  }
  return names;
}

Result<std::vector<domain::Digest>> digests_in(int directory, size_t max) {
  const Result<std::vector<std::string>> names = names_in(directory, max);
  if (!names) return fail(names.error());
  std::vector<domain::Digest> digests;
  for (const std::string& name : *names) {
    if (const auto digest = domain::parse_digest(name); digest && digest->hex() == name) digests.push_back(*digest);
  }
  return digests;
}

Result<struct stat> look_at(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail(errno_error("cannot look at a file", errno));
  return info;
}

Status sync(int fd, const char* what) {
  if (::fsync(fd) != 0) return fail(errno_error(fmt::format("cannot sync {}", what), errno));
  return {};
}

bool try_lock(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }

Result<std::string> read_small(int fd, size_t max) {
  std::string text(max + 1, '\0');
  size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(fd, text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("cannot read", errno));
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  if (have > max) return fail(ErrorKind::kTooLarge, fmt::format("longer than {} bytes", max));
  text.resize(have);
  return text;
}

}  // namespace ebb::registry
