// A lock with the holder's process id in it; taking it is also the trial of writing.
#include "ledger/home.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "io/files.h"

namespace ebb::ledger {

namespace {

Error with_advice(Error error, const std::filesystem::path& path) {
  // A folder above that is missing cannot be: the rest is rights, disks and what else lies there.
  if (error.kind != ErrorKind::kExhausted) error.kind = ErrorKind::kIo;
  error.message = fmt::format("the home folder {} cannot be used: {}: choose another with --home", path.string(), error.message);
  return error;
}

std::string holder(const std::filesystem::path& lock) {
  constexpr size_t kPidBytesMax = 20;
  Result<std::string> pid = io::read_small_file(lock, kPidBytesMax);
  return pid && !pid->empty() ? std::move(*pid) : "unknown";
}

Status write_pid(int lock) {
  const std::string pid = fmt::format("{}", ::getpid());
  if (::ftruncate(lock, 0) != 0) return fail(errno_error("cannot write its lock", errno));
  const ssize_t count = ::pwrite(lock, pid.data(), pid.size(), 0);
  if (count != static_cast<ssize_t>(pid.size())) return fail(errno_error("cannot write its lock", count < 0 ? errno : ENOSPC));
  return {};
}

}  // namespace

Result<Home> open_home(const std::filesystem::path& path) {
  if (path.empty()) return fail(ErrorKind::kInvalid, "the home folder has no name: choose one with --home", "home");
  if (Status made = io::make_folders(path); !made) return fail(with_advice(made.error(), path));
  const std::filesystem::path file = path / "lock";
  Result<Fd> lock = io::lock_file(file);
  if (!lock && lock.error().kind == ErrorKind::kUnavailable)
    return fail(ErrorKind::kExists,
                fmt::format("another `ebb serve` (process {}) uses the home {}: stop it, or choose another with --home", holder(file), path.string()));
  if (!lock) return fail(with_advice(lock.error(), path));
  if (Status written = write_pid(lock->get()); !written) return fail(with_advice(written.error(), path));
  return Home{.path = path, .lock = std::move(*lock)};
}

}  // namespace ebb::ledger
