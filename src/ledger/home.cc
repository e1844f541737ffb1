// mkdir, flock, and a trial of writing.
#include "ledger/home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace ebb::ledger {

namespace {

Error with_advice(Error error) {
  error.message += ": choose another folder with --home";
  return error;
}

std::string holder(int lock) {
  char text[32] = {};
  const ssize_t count = ::pread(lock, text, sizeof text - 1, 0);
  return count > 0 ? std::string(text, static_cast<size_t>(count)) : std::string("unknown");
}

}  // namespace

Result<Home> open_home(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(with_advice(errno_error(fmt::format("the home folder {} cannot be made", path.string()), errno)));
  if (!std::filesystem::is_directory(path, error))
    return fail(with_advice({.kind = ErrorKind::kIo, .message = fmt::format("the home {} is not a folder", path.string())}));
  const std::string file = path / "lock";
  Home home{.path = path, .lock = Fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600))};
  if (!home.lock) return fail(with_advice(errno_error(fmt::format("the home folder {} cannot be written", path.string()), errno)));
  if (::flock(home.lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorKind::kExists, fmt::format("another `ebb serve` (process {}) uses the home {}: stop it, or choose another with --home",
                                                holder(home.lock.get()), path.string()));
  const std::string pid = fmt::format("{}", ::getpid());
  if (::ftruncate(home.lock.get(), 0) != 0 || ::pwrite(home.lock.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return fail(with_advice(errno_error(fmt::format("the home folder {} cannot be written", path.string()), errno)));
  return home;
}

}  // namespace ebb::ledger
