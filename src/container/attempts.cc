// Running the attempts, and judging what came of them.
#include "container/attempts.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "sandbox/attempt.h"

namespace ebb::container {

namespace {

// Of the workers' attempts, what no function may do either. A function may fork, open its own files, and make threads and sockets.
constexpr std::string_view kAlsoOfWorkers[] = {"clone with CLONE_NEWUSER",
                                               "clone of a thread with CLONE_NEWNET",
                                               "clone3",
                                               "ptrace TRACEME",
                                               "process_madvise",
                                               "pidfd_getfd",
                                               "kcmp",
                                               "capset",
                                               "prctl PR_SET_MM",
                                               "RLIMIT_NOFILE raised",
                                               "RLIMIT_CORE raised",
                                               "chroot",
                                               "memfd_secret",
                                               "open_by_handle_at",
                                               "fanotify_init",
                                               "mount",
                                               "umount2",
                                               "pivot_root",
                                               "open_tree",
                                               "fsopen",
                                               "unshare of a user namespace",
                                               "setns",
                                               "bpf",
                                               "io_uring_setup",
                                               "userfaultfd",
                                               "perf_event_open",
                                               "add_key",
                                               "request_key",
                                               "keyctl",
                                               "modify_ldt",
                                               "iopl",
                                               "init_module",
                                               "kexec_load",
                                               "reboot",
                                               "sethostname",
                                               "settimeofday",
                                               "quotactl",
                                               "syslog"};

bool is_denied(Denial denial, long result) {
  const auto among = [result](std::initializer_list<int> errors) {
    return std::any_of(errors.begin(), errors.end(), [&](int each) { return result == -each; });
  };
  const bool refused = among({EPERM, EACCES, ENOSYS, EROFS, ETXTBSY});
  const bool absent = among({ENOENT, ENOTDIR, ESRCH, EBADF, ENODEV, ENXIO, ENETUNREACH, ECONNREFUSED, EADDRNOTAVAIL});
  return (refused && denial != Denial::kAbsent) || (absent && denial != Denial::kRefused);
}

void try_those_of_workers(std::vector<Outcome>& outcomes) {
  const sandbox::Scene scene{.channel = STDIN_FILENO, .model = -1, .parent = 1};
  for (const std::span<const sandbox::Attempt> group :
       {sandbox::attempts_on_files(), sandbox::attempts_on_processes(), sandbox::attempts_on_the_kernel(), sandbox::attempts_to_undo()}) {
    for (const sandbox::Attempt& attempt : group) {
      if (std::find(std::begin(kAlsoOfWorkers), std::end(kAlsoOfWorkers), attempt.name) == std::end(kAlsoOfWorkers)) continue;
      const long result = attempt.run(scene);
      outcomes.push_back({.name = attempt.name, .denied = is_denied(Denial::kRefused, result), .result = result});
    }
  }
}

// Whatever the kernel has: netlink, packet, vsock, the kernel's own cryptography. Of the internet's, only raw ones.
void try_socket_families(std::vector<Outcome>& outcomes) {
  constexpr int kFamilies = 46;
  for (int family = 0; family < kFamilies; ++family) {
    if (family == AF_UNIX) continue;
    const bool internet = family == AF_INET || family == AF_INET6;
    long result = -EAFNOSUPPORT;
    for (const int type : {SOCK_RAW, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
      if (result == -EAFNOSUPPORT && (type == SOCK_RAW || !internet)) result = sandbox::call(SYS_socket, family, type, internet ? IPPROTO_ICMP : 0);
    }
    outcomes.push_back({.name = fmt::format("socket of family {}{}", family, internet ? ", raw" : ""),
                        .denied = result == -EAFNOSUPPORT || is_denied(Denial::kRefused, result),
                        .result = result});
  }
}

}  // namespace

std::string Outcome::line() const {
  return fmt::format("{}: {} ({})", name, denied ? "denied" : "ALLOWED", result < 0 ? std::strerror(static_cast<int>(-result)) : std::to_string(result));
}

std::vector<Outcome> try_all(const Targets& targets) {
  std::vector<Outcome> outcomes;
  for (const std::span<const Attempt> group : {attempts_on_files(), attempts_on_kernel(), attempts_on_processes(), attempts_on_network()}) {
    for (const Attempt& attempt : group) {
      const long result = attempt.run(targets);
      outcomes.push_back({.name = attempt.name, .denied = is_denied(attempt.denial, result), .result = result});
    }
  }
  try_those_of_workers(outcomes);
  try_socket_families(outcomes);
  return outcomes;
}

}  // namespace ebb::container
