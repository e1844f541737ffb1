// The order that makes a rename durable: the bytes, their sync, the rename, the folder's sync.
#include "io/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "io/write_whole.h"

namespace ebb::io {

namespace {

Status write_synced(const std::string& name, std::string_view bytes) {
  const Fd fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(errno_error(fmt::format("cannot write {}", name), errno));
  if (const int wrong = write_whole(fd.get(), bytes); wrong != 0) return fail(errno_error(fmt::format("cannot write {}", name), wrong));
  if (::fsync(fd.get()) != 0) return fail(errno_error(fmt::format("cannot sync {}", name), errno));
  return {};
}

std::filesystem::path folder_of(const std::filesystem::path& file) { return file.has_parent_path() ? file.parent_path() : std::filesystem::path("."); }

Status make_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return {};
  const int why = errno;
  // What exists is found out only now: on a read-only file system mkdir says EROFS for a folder that is there.
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return fail(errno_error(fmt::format("cannot make the folder {}", folder), why));
  if (!S_ISDIR(info.st_mode)) return fail(ErrorKind::kIo, fmt::format("{} is not a folder", folder));
  return {};
}

}  // namespace

Result<std::string> read_small_file(const std::filesystem::path& file, size_t bytes_max) {
  // Non-blocking, so that opening a pipe does not wait for its writer.
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail(errno_error(fmt::format("cannot read {}", file.string()), errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(errno_error(fmt::format("cannot read {}", file.string()), errno));
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::kIo, fmt::format("{} is not a file", file.string()));
  // Not sized by fstat: files of /proc say 0.
  std::string bytes(bytes_max + 1, '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t count = ::read(fd.get(), bytes.data() + have, bytes.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(fmt::format("cannot read {}", file.string()), errno));
    if (count == 0) break;
    have += static_cast<size_t>(count);
  }
  if (have > bytes_max) return fail(ErrorKind::kTooLarge, fmt::format("{} is larger than {} bytes", file.string(), bytes_max));
  bytes.resize(have);
  return bytes;
}

Status write_file_atomic(const std::filesystem::path& file, std::string_view bytes) {
  const std::string half = fmt::format("{}.{}.new", file.string(), ::getpid());
  Status written = write_synced(half, bytes);
  if (written && ::rename(half.c_str(), file.c_str()) != 0) written = fail(errno_error(fmt::format("cannot replace {}", file.string()), errno));
  if (!written) {
    ::unlink(half.c_str());
    return written;
  }
  return sync_folder(folder_of(file));
}

Status make_folders(const std::filesystem::path& folder) {
  std::filesystem::path made;
  for (const std::filesystem::path& part : folder) {
    made /= part;
    if (part.empty() || part == "/") continue;
    if (Status done = make_folder(made.string()); !done) return done;
  }
  return {};
}

Status sync_folder(const std::filesystem::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(errno_error(fmt::format("cannot open the folder {}", folder.string()), errno));
  if (::fsync(fd.get()) != 0) return fail(errno_error(fmt::format("cannot sync the folder {}", folder.string()), errno));
  return {};
}

Result<Fd> lock_file(const std::filesystem::path& file) {
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(errno_error(fmt::format("cannot open {}", file.string()), errno));
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return fail(ErrorKind::kUnavailable, fmt::format("{} is locked by another process", file.string()));
    return fail(errno_error(fmt::format("cannot lock {}", file.string()), errno));
  }
  return fd;
}

Result<uint64_t> free_bytes(const std::filesystem::path& path) {
  struct statvfs disk {};
  if (::statvfs(path.c_str(), &disk) != 0) return fail(errno_error(fmt::format("cannot look at the disk of {}", path.string()), errno));
  return uint64_t{disk.f_bavail} * disk.f_frsize;
}

}  // namespace ebb::io
