// Other processes, ebb-init among them; rights that the function has not; and the network.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <cstring>
#include <string>

#include "container/attempts.h"
#include "sandbox/attempt.h"

namespace ebb::container {

namespace {

using sandbox::call;

constexpr pid_t kInit = 1;

long open_proc(pid_t pid, const char* name, int flags = O_RDONLY) {
  const long fd = call(SYS_openat, AT_FDCWD, fmt::format("/proc/{}/{}", pid, name).c_str(), flags | O_CLOEXEC);
  if (fd >= 0) ::close(static_cast<int>(fd));
  return fd;
}

long other_memory(long call_number, pid_t whose) {
  char byte = 0;
  const iovec ours{.iov_base = &byte, .iov_len = 1};
  const iovec theirs{.iov_base = &byte, .iov_len = 1};
  return call(call_number, whose, &ours, 1, &theirs, 1, 0);
}

// Into a namespace of ebb-init's by its file, or of one's own, which would need no file of another's.
long enter(const char* file) {
  const long fd = call(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  const long result = call(SYS_setns, fd, 0);
  ::close(static_cast<int>(fd));
  return result;
}

long clone_into(unsigned long flags) { return sandbox::in_two(call(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0)); }

long lock_memory(size_t bytes) {
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const long result = call(SYS_mlock, pages, bytes);
  ::munmap(pages, bytes);
  return result == -ENOMEM ? -EPERM : result;  // what the limit says
}

// An id that its user namespace does not have is no valid argument.
long absent_id(long result) { return result == -EINVAL ? -ESRCH : result; }

constexpr Attempt kProcesses[] = {
    {"ebb-init's memory", Denial::kRefused, [](const Targets&) { return open_proc(kInit, "mem", O_RDWR); }},
    {"ebb-init's environment", Denial::kRefused, [](const Targets&) { return open_proc(kInit, "environ"); }},
    {"ebb-init's map", Denial::kRefused, [](const Targets&) { return open_proc(kInit, "maps"); }},
    {"ebb-init's sockets", Denial::kRefused, [](const Targets&) { return open_proc(kInit, "fd/3"); }},
    {"ebb-init's oom score", Denial::kRefused, [](const Targets&) { return open_proc(kInit, "oom_score_adj", O_WRONLY); }},
    {"ebb-init's system call", Denial::kRefused, [](const Targets&) { return open_proc(kInit, "syscall"); }},
    {"ptrace of ebb-init", Denial::kRefused, [](const Targets&) { return call(SYS_ptrace, PTRACE_SEIZE, kInit, 0, 0); }},
    {"process_vm_readv of ebb-init", Denial::kRefused, [](const Targets&) { return other_memory(SYS_process_vm_readv, kInit); }},
    {"process_vm_writev of ebb-init", Denial::kRefused, [](const Targets&) { return other_memory(SYS_process_vm_writev, kInit); }},
    {"ebb-init's limits", Denial::kRefused,
     [](const Targets&) {
       const rlimit few{.rlim_cur = 5, .rlim_max = 5};
       return call(SYS_prlimit64, kInit, RLIMIT_NOFILE, &few, nullptr);
     }},
    {"a process outside, its files", Denial::kAbsent, [](const Targets& t) { return open_proc(t.outside, "status"); }},
    {"a process outside, a signal", Denial::kAbsent, [](const Targets& t) { return call(SYS_kill, t.outside, 0); }},
    {"a process outside, a queued signal", Denial::kAbsent,
     [](const Targets& t) {
       siginfo_t info{};
       info.si_code = SI_QUEUE;
       return call(SYS_rt_sigqueueinfo, t.outside, SIGUSR1, &info);
     }},
    {"a process outside, by descriptor", Denial::kAbsent, [](const Targets& t) { return call(SYS_pidfd_open, t.outside, 0); }},
    {"a process outside, its processors", Denial::kAbsent,
     [](const Targets& t) {
       const unsigned long first = 1;
       return call(SYS_sched_setaffinity, t.outside, sizeof first, &first);
     }},
    {"a process outside, its priority", Denial::kAbsent, [](const Targets& t) { return call(SYS_setpriority, PRIO_PROCESS, t.outside, 19); }},
    {"a process outside, its limits", Denial::kAbsent,
     [](const Targets& t) {
       rlimit old{};
       return call(SYS_prlimit64, t.outside, RLIMIT_NOFILE, nullptr, &old);
     }},
    {"a process outside, its session", Denial::kAbsent, [](const Targets& t) { return call(SYS_getsid, t.outside); }},
    {"shared memory of the host", Denial::kAbsent, [](const Targets& t) { return call(SYS_shmget, t.shared_memory_key, 0, 0600); }},
    {"a message queue", Denial::kRefused,
     [](const Targets&) {
       const long made = call(SYS_mq_open, "x", O_RDWR | O_CREAT, 0600, nullptr);
       return made == -EMFILE ? -EPERM : made;  // what the limit of none says
     }},
    {"ebb-init's mount namespace", Denial::kRefused, [](const Targets&) { return enter("/proc/1/ns/mnt"); }},
    {"its own user namespace, entered", Denial::kRefused, [](const Targets&) { return enter("/proc/self/ns/user"); }},
    {"its own network namespace, entered", Denial::kRefused, [](const Targets&) { return enter("/proc/self/ns/net"); }},
    {"a new mount namespace", Denial::kRefused, [](const Targets&) { return call(SYS_unshare, CLONE_NEWNS); }},
    {"a new network namespace", Denial::kRefused, [](const Targets&) { return call(SYS_unshare, CLONE_NEWNET); }},
    {"a new process namespace", Denial::kRefused, [](const Targets&) { return call(SYS_unshare, CLONE_NEWPID); }},
    {"a new cgroup namespace", Denial::kRefused, [](const Targets&) { return call(SYS_unshare, CLONE_NEWCGROUP); }},
    {"a child in a new mount namespace", Denial::kRefused, [](const Targets&) { return clone_into(CLONE_NEWNS); }},
    {"a child in a new process namespace", Denial::kRefused, [](const Targets&) { return clone_into(CLONE_NEWPID); }},
    {"a child in new user and mount namespaces", Denial::kRefused, [](const Targets&) { return clone_into(CLONE_NEWUSER | CLONE_NEWNS); }},
    {"another user", Denial::kEither, [](const Targets&) { return absent_id(call(SYS_setresuid, 54321, 54321, 54321)); }},
    {"another group", Denial::kEither, [](const Targets&) { return absent_id(call(SYS_setresgid, 54321, 54321, 54321)); }},
    {"other groups", Denial::kRefused,
     [](const Targets&) {
       const gid_t group = 54321;
       return call(SYS_setgroups, 1, &group);
     }},
    {"an ambient capability", Denial::kRefused, [](const Targets&) { return call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0); }},
    {"its bounding set", Denial::kRefused, [](const Targets&) { return call(SYS_prctl, PR_CAPBSET_DROP, 0, 0, 0, 0); }},
    {"its secure bits", Denial::kRefused, [](const Targets&) { return call(SYS_prctl, 28 /* PR_SET_SECUREBITS */, 0, 0, 0, 0); }},
    {"a higher priority", Denial::kRefused, [](const Targets&) { return call(SYS_setpriority, PRIO_PROCESS, 0, -20); }},
    {"a real-time schedule", Denial::kRefused,
     [](const Targets&) {
       const int priority = 1;
       return call(SYS_sched_setscheduler, 0, SCHED_FIFO, &priority);
     }},
    {"a real-time disk schedule", Denial::kRefused, [](const Targets&) { return call(SYS_ioprio_set, 1, 0, 1 << 13); }},
    {"much locked memory", Denial::kRefused, [](const Targets&) { return lock_memory(size_t{4} << 20U); }},
};

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
};

long connect_socket(const Address& address, size_t size) {
  const int made = ::socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const long result = call(SYS_connect, made, &address.any, size);
  ::close(made);
  return result;
}

long connect_v4(const char* where, uint16_t port) {
  Address address{};
  address.v4.sin_family = AF_INET;
  address.v4.sin_port = htons(port);
  ::inet_pton(AF_INET, where, &address.v4.sin_addr);
  return connect_socket(address, sizeof address.v4);
}

long connect_v6(const char* where, uint16_t port) {
  Address address{};
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(port);
  ::inet_pton(AF_INET6, where, &address.v6.sin6_addr);
  return connect_socket(address, sizeof address.v6);
}

long connect_local(const std::string& name, bool abstract_name) {
  Address address{};
  address.local.sun_family = AF_UNIX;
  std::memcpy(address.local.sun_path + (abstract_name ? 1 : 0), name.data(), std::min(name.size(), sizeof address.local.sun_path - 2));
  return connect_socket(address, sizeof(sa_family_t) + name.size() + 1);
}

long send_datagram(const char* where) {
  Address address{};
  address.v4.sin_family = AF_INET;
  address.v4.sin_port = htons(53);
  ::inet_pton(AF_INET, where, &address.v4.sin_addr);
  const int made = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const long result = call(SYS_sendto, made, "x", 1, 0, &address.any, sizeof address.v4);
  ::close(made);
  return result;
}

long configure(unsigned long request, const char* device) {
  const int made = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq change{};
  std::strncpy(change.ifr_name, device, IFNAMSIZ - 1);
  change.ifr_flags = 0;
  change.ifr_addr.sa_family = request == SIOCSIFADDR ? AF_INET : 0;
  const long result = call(SYS_ioctl, made, request, &change);
  ::close(made);
  return result;
}

long set_option(int level, int option, int value) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const long result = call(SYS_setsockopt, made, level, option, &value, sizeof value);
  ::close(made);
  return result;
}

constexpr Attempt kNetwork[] = {
    {"the host's loopback", Denial::kAbsent, [](const Targets& t) { return connect_v4("127.0.0.1", t.port); }},
    {"the host's loopback, any address of it", Denial::kAbsent, [](const Targets& t) { return connect_v4("127.255.255.254", t.port); }},
    {"the host's loopback, IPv6", Denial::kAbsent, [](const Targets& t) { return connect_v6("::1", t.port); }},
    {"the host's abstract socket", Denial::kAbsent, [](const Targets& t) { return connect_local(t.abstract_socket, true); }},
    {"the host's bus", Denial::kAbsent, [](const Targets&) { return connect_local("/run/dbus/system_bus_socket", false); }},
    {"the metadata service", Denial::kAbsent, [](const Targets&) { return connect_v4("169.254.169.254", 80); }},
    {"a private address", Denial::kAbsent, [](const Targets&) { return connect_v4("10.0.0.1", 80); }},
    {"a public address", Denial::kAbsent, [](const Targets&) { return connect_v4("192.0.2.1", 443); }},
    {"a public address, IPv6", Denial::kAbsent, [](const Targets&) { return connect_v6("2001:db8::1", 443); }},
    {"a datagram to a public address", Denial::kAbsent, [](const Targets&) { return send_datagram("192.0.2.1"); }},
    {"a datagram to everybody", Denial::kAbsent, [](const Targets&) { return send_datagram("224.0.0.1"); }},
    {"the loopback device, down", Denial::kRefused, [](const Targets&) { return configure(SIOCSIFFLAGS, "lo"); }},
    {"the loopback device, another address", Denial::kRefused, [](const Targets&) { return configure(SIOCSIFADDR, "lo"); }},
    {"a route", Denial::kRefused,
     [](const Targets&) {
       char route[256] = {};
       const int made = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
       const long result = call(SYS_ioctl, made, SIOCADDRT, route);
       ::close(made);
       return result;
     }},
    {"a mark on its packets", Denial::kRefused, [](const Targets&) { return set_option(SOL_SOCKET, SO_MARK, 1); }},
    {"a transparent proxy", Denial::kRefused, [](const Targets&) { return set_option(IPPROTO_IP, IP_TRANSPARENT, 1); }},
    {"the tables of packets", Denial::kRefused, [](const Targets&) { return set_option(IPPROTO_IP, 64 /* IPT_SO_SET_REPLACE */, 1); }},
};

}  // namespace

std::span<const Attempt> attempts_on_processes() { return kProcesses; }
std::span<const Attempt> attempts_on_network() { return kNetwork; }

}  // namespace ebb::container
