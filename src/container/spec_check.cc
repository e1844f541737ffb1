// Rules and sentences.
#include "container/spec_check.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "container/lifetime.h"

namespace ebb::container {

namespace {

constexpr uint32_t kIds = 65'536;
constexpr uint64_t kMemoryBytesMin = uint64_t{4} << 20U;
constexpr int kPidsMin = 2;  // ebb-init and the function
constexpr size_t kMountsMax = 64;
constexpr size_t kHostnameBytesMax = 63;
constexpr size_t kPathBytesMost = 1'024;
constexpr int kExitNotExecutable = 126;
constexpr int kExitNotFound = 127;

bool is_plain_path(std::string_view path) {
  if (path.size() < 2 || path.size() > kPathBytesMost || path.front() != '/' || path.back() == '/' || path.find('\0') != std::string_view::npos) return false;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view part = path.substr(at + 1, end - at - 1);
    if (part.empty() || part == "." || part == "..") return false;
    at = end;
  }
  return true;
}

bool is_ours(std::string_view destination) {
  for (const std::string_view taken : {"/proc", "/dev", "/sys", "/.ebb", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}) {
    if (destination == taken || (destination.starts_with(taken) && destination[taken.size()] == '/')) return true;
  }
  return destination == "/tmp" || destination == "/etc";
}

bool is_hostname(std::string_view name) {
  return !name.empty() && name.size() <= kHostnameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

Status check_mounts(const std::vector<BindMount>& mounts) {
  if (mounts.size() > kMountsMax) return fail(ErrorKind::kInvalid, fmt::format("{} mounts: there can be {}", mounts.size(), kMountsMax), "mounts");
  for (const BindMount& mount : mounts) {
    if (mount.source.empty() || mount.source.front() != '/') return fail(ErrorKind::kInvalid, fmt::format("'{}' is no absolute path", mount.source), "mounts");
    if (!is_plain_path(mount.destination))
      return fail(ErrorKind::kInvalid, fmt::format("'{}' is no absolute path without '.' and '..'", mount.destination), "mounts");
    if (is_ours(mount.destination))
      return fail(ErrorKind::kInvalid, fmt::format("nothing can be mounted at '{}': it is the sandbox's own", mount.destination), "mounts");
    const auto same = std::count_if(mounts.begin(), mounts.end(), [&](const BindMount& other) {
      return other.destination == mount.destination || other.destination.starts_with(mount.destination + "/");
    });
    if (same > 1) return fail(ErrorKind::kInvalid, fmt::format("two mounts at or below '{}'", mount.destination), "mounts");
  }
  return {};
}

std::string megabytes(uint64_t bytes) { return fmt::format("{} MiB", bytes >> 20U); }

}  // namespace

Status check_spec(const SandboxSpec& spec, const Runtime& runtime) {
  if (!is_container_id(spec.id)) return fail(ErrorKind::kInvalid, fmt::format("'{}' is no id: letters a-z, digits and '-'", spec.id), "id");
  if (spec.root.empty() || spec.root.front() != '/') return fail(ErrorKind::kInvalid, fmt::format("'{}' is no absolute path", spec.root), "root");
  if (runtime.root && (spec.host_id_base < kIds || spec.host_id_base > UINT32_MAX - kIds))
    return fail(ErrorKind::kInvalid, fmt::format("{} is no base for a range of ids that is nobody's", spec.host_id_base), "host_id_base");
  const bool ids_fit = spec.uid < kIds && spec.gid < kIds && std::all_of(spec.groups.begin(), spec.groups.end(), [](uint32_t id) { return id < kIds; });
  if (!ids_fit) return fail(ErrorKind::kInvalid, fmt::format("users and groups of a container are below {}", kIds), "uid");
  if (spec.memory_bytes < kMemoryBytesMin)
    return fail(ErrorKind::kInvalid, fmt::format("{} bytes of memory: at least {}", spec.memory_bytes, megabytes(kMemoryBytesMin)), "memory_bytes");
  if (spec.tmp_bytes == 0) return fail(ErrorKind::kInvalid, "a size for /tmp is missing", "tmp_bytes");
  if (spec.pids_max < kPidsMin) return fail(ErrorKind::kInvalid, fmt::format("{} processes: at least {}", spec.pids_max, kPidsMin), "pids_max");
  if (spec.cpu_millis < 0) return fail(ErrorKind::kInvalid, fmt::format("{} thousandths of a CPU", spec.cpu_millis), "cpu_millis");
  if (!is_hostname(spec.hostname)) return fail(ErrorKind::kInvalid, fmt::format("'{}' is no name of a host", spec.hostname), "hostname");
  return check_mounts(spec.mounts);
}

Status check_program(const Program& program, std::string_view strings) {
  if (program.argv.empty() || program.argv.front().empty())
    return fail(ErrorKind::kInvalid, "no program: the image names neither entrypoint nor command", "argv");
  if (strings.size() > kProgramBytesMax)
    return fail(ErrorKind::kInvalid, fmt::format("arguments and environment of {} bytes: at most {}", strings.size(), kProgramBytesMax), "env");
  const size_t ends = program.argv.size() + program.env.size() + 1;
  if (static_cast<size_t>(std::count(strings.begin(), strings.end(), '\0')) != ends)
    return fail(ErrorKind::kInvalid, "an argument or a variable with a zero byte", "argv");
  for (const std::string& each : program.env) {
    if (each.find('=') == std::string::npos || each.front() == '=') return fail(ErrorKind::kInvalid, fmt::format("'{}' is no NAME=value", each), "env");
  }
  return {};
}

Error run_error(const Reply& reply, const Program& program, int pids_max) {
  const std::string system = std::strerror(reply.error);
  switch (reply.failed) {
    case Failed::kFork:
      return {.kind = ErrorKind::kExhausted, .message = fmt::format("no process could be started for the function ({}): the limit is {}", system, pids_max)};
    case Failed::kFolder: {
      const bool missing = reply.error == ENOENT || reply.error == ENOTDIR;
      return {.kind = missing ? ErrorKind::kNotFound : ErrorKind::kInvalid,
              .message = fmt::format("the working folder '{}': {}", program.cwd, missing ? "there is no such folder in the image" : system),
              .param = "cwd"};
    }
    case Failed::kExecute: return {.kind = reply.error == ENOENT ? ErrorKind::kNotFound : ErrorKind::kInvalid, .message = reply.text, .param = "argv"};
    default: return {.kind = ErrorKind::kInternal, .message = fmt::format("ebb-init could not start the function: {}", system)};
  }
}

EndOfFunction end_of_function(const Exited& exited, const SandboxUsage& usage, bool init_is_gone, const Limits& limits) {
  using Why = EndOfFunction::Why;
  EndOfFunction end{.why = Why::kExit, .code = exited.code, .signal = exited.signal, .detail = {}};
  const bool badly = exited.code != 0 || exited.signal != 0;
  if (usage.oom_kills > 0 && badly) {
    end.why = Why::kOutOfMemory;
    end.detail = fmt::format("out of memory: its limit is {}, and it had {}", megabytes(limits.memory_bytes), megabytes(usage.memory_peak_bytes));
  } else if (init_is_gone) {
    end.why = Why::kLost;
    end.detail = "the container ended from outside";
  } else if (usage.pids_refused > 0 && badly) {
    end.why = Why::kOutOfPids;
    end.detail = fmt::format("out of processes: its limit is {} processes and threads, and {} more were refused", limits.pids_max, usage.pids_refused);
  } else if (exited.signal != 0) {
    end.why = Why::kSignal;
    end.detail = fmt::format("ended by signal {} ({})", exited.signal, ::sigdescr_np(exited.signal) != nullptr ? ::sigdescr_np(exited.signal) : "unknown");
  } else if (exited.code == kExitNotExecutable || exited.code == kExitNotFound) {
    end.why = Why::kCannotStart;
    end.detail = fmt::format("exit {}: a shell's word for a command that is {}", exited.code, exited.code == kExitNotFound ? "not there" : "not executable");
  } else {
    end.detail = fmt::format("exit {}", exited.code);
  }
  return end;
}

}  // namespace ebb::container
