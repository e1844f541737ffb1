// The table of attempts. Constants that this machine's headers may lack are written as numbers.
#include "sandbox/attempts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

namespace ebb::sandbox {

namespace {

template <class... Arguments>
long call(long number, Arguments... arguments) {
  const long result = ::syscall(number, arguments...);
  return result < 0 ? -errno : result;
}

// For calls that return twice.
long in_two(long result) {
  if (result == 0) ::_exit(0);
  return result;
}

char* program() {
  static char path[] = "/bin/true";
  return path;
}

long clone_with(unsigned long flags) { return in_two(call(SYS_clone, flags, 0, 0, 0, 0)); }

long clone3_with(uint64_t flags) {
  std::array<uint64_t, 8> arguments{flags, 0, 0, 0, SIGCHLD, 0, 0, 0};
  return in_two(call(SYS_clone3, arguments.data(), sizeof arguments));
}

long executable_page() { return call(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

long page_made_executable(long call_number) {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const long result = call(call_number, page, 4096, PROT_READ | PROT_EXEC, -1);
  ::munmap(page, 4096);
  return result;
}

long raise_limit(int resource) {
  const rlimit wanted{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  return call(SYS_prlimit64, 0, resource, &wanted, nullptr);
}

long install_filter() {
  struct {
    unsigned short length;
    const void* filter;
  } empty{};
  return call(SYS_seccomp, 1, 0, &empty);
}

long take_capability() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct all[2] = {{.effective = ~0U, .permitted = ~0U, .inheritable = 0}, {.effective = ~0U, .permitted = ~0U, .inheritable = 0}};
  return call(SYS_capset, &header, all);
}

long other_memory(long call_number, pid_t whose) {
  char byte = 0;
  const iovec ours{.iov_base = &byte, .iov_len = 1};
  const iovec theirs{.iov_base = &byte, .iov_len = 1};
  return call(call_number, whose, &ours, 1, &theirs, 1, 0);
}

long send_descriptor(const Scene& scene) {
  iovec nothing{.iov_base = nullptr, .iov_len = 0};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &nothing;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &scene.channel, sizeof scene.channel);
  return call(SYS_sendmsg, scene.channel, &message, MSG_NOSIGNAL);
}

long send_to_address(const Scene& scene) {
  const sockaddr_un nowhere{.sun_family = AF_UNIX, .sun_path = {}};
  return call(SYS_sendto, scene.channel, "", 0, MSG_NOSIGNAL, &nowhere, sizeof(sa_family_t));
}

long connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  return call(SYS_connect, 3, &address, sizeof address);
}

struct Attempt {
  const char* name;
  long (*run)(const Scene&);
};

constexpr Attempt kFiles[] = {
    {"open", [](const Scene&) { return call(SYS_open, "/etc/passwd", O_RDONLY); }},
    {"openat", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }},
    {"openat2",
     [](const Scene&) {
       const uint64_t how[3] = {};
       return call(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how);
     }},
    {"openat of a folder", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY); }},
    {"openat O_PATH", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/", O_PATH); }},
    {"openat O_TMPFILE", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/tmp", O_RDWR | O_TMPFILE, 0600); }},
    {"creat", [](const Scene&) { return call(SYS_creat, "/tmp/ebb-probe", 0600); }},
    {"/proc/1/environ", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/proc/1/environ", O_RDONLY); }},
    {"/proc/self/mem", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR); }},
    {"/proc/<parent>/mem", [](const Scene& s) { return call(SYS_openat, AT_FDCWD, fmt::format("/proc/{}/mem", s.parent).c_str(), O_RDWR); }},
    {"/proc/<parent>/fd", [](const Scene& s) { return call(SYS_openat, AT_FDCWD, fmt::format("/proc/{}/fd", s.parent).c_str(), O_RDONLY); }},
    {"readlink /proc/self/exe",
     [](const Scene&) {
       char out[64];
       return call(SYS_readlink, "/proc/self/exe", out, sizeof out);
     }},
    {"access", [](const Scene&) { return call(SYS_access, "/", F_OK); }},
    {"stat",
     [](const Scene&) {
       char out[256];
       return call(SYS_stat, "/", out);
     }},
    {"mkdir", [](const Scene&) { return call(SYS_mkdir, "/tmp/ebb-probe", 0700); }},
    {"symlink", [](const Scene&) { return call(SYS_symlink, "/", "/tmp/ebb-probe"); }},
    {"unlink", [](const Scene&) { return call(SYS_unlink, "/tmp/ebb-probe"); }},
    {"rename", [](const Scene&) { return call(SYS_rename, "/tmp/ebb-probe", "/tmp/ebb-probe-2"); }},
    {"mknod", [](const Scene&) { return call(SYS_mknod, "/tmp/ebb-probe", S_IFIFO | 0600, 0); }},
    {"chmod", [](const Scene&) { return call(SYS_chmod, "/tmp", 0777); }},
    {"chdir", [](const Scene&) { return call(SYS_chdir, "/"); }},
    {"chroot", [](const Scene&) { return call(SYS_chroot, "/"); }},
    {"getcwd",
     [](const Scene&) {
       char out[64];
       return call(SYS_getcwd, out, sizeof out);
     }},
    {"memfd_create", [](const Scene&) { return call(SYS_memfd_create, "x", 0); }},
    {"memfd_secret", [](const Scene&) { return call(447, 0); }},
    {"name_to_handle_at", [](const Scene&) { return call(SYS_name_to_handle_at, AT_FDCWD, "/", nullptr, nullptr, 0); }},
    {"open_by_handle_at", [](const Scene&) { return call(SYS_open_by_handle_at, AT_FDCWD, nullptr, 0); }},
    {"inotify_init1", [](const Scene&) { return call(SYS_inotify_init1, 0); }},
    {"fanotify_init", [](const Scene&) { return call(SYS_fanotify_init, 0, 0); }},
    {"pwrite to the model", [](const Scene& s) { return call(SYS_pwrite64, s.model, "x", 1, 0); }},
    {"write to the model", [](const Scene& s) { return call(SYS_write, s.model, "x", 1); }},
    {"ftruncate of the model", [](const Scene& s) { return call(SYS_ftruncate, s.model, 0); }},
    {"fallocate of the model", [](const Scene& s) { return call(SYS_fallocate, s.model, 0, 0, 4096); }},
    {"fchmod of the model", [](const Scene& s) { return call(SYS_fchmod, s.model, 0777); }},
    {"shared writable map of the model", [](const Scene& s) { return call(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s.model, 0); }},
    {"the model opened again", [](const Scene& s) { return call(SYS_openat, AT_FDCWD, fmt::format("/proc/self/fd/{}", s.model).c_str(), O_RDWR); }},
    {"ioctl on the channel", [](const Scene& s) { return call(SYS_ioctl, s.channel, 0x5401, nullptr); }},
    {"dup", [](const Scene& s) { return call(SYS_dup, s.channel); }},
    {"fcntl", [](const Scene& s) { return call(SYS_fcntl, s.channel, F_GETFL); }},
};

constexpr Attempt kProcesses[] = {
    {"fork", [](const Scene&) { return in_two(call(SYS_fork)); }},
    {"clone without CLONE_THREAD", [](const Scene&) { return clone_with(SIGCHLD); }},
    {"vfork", [](const Scene&) { return in_two(call(SYS_vfork)); }},
    {"clone with CLONE_FS only", [](const Scene&) { return clone_with(SIGCHLD | CLONE_FS); }},
    {"clone with CLONE_NEWUSER", [](const Scene&) { return clone_with(SIGCHLD | CLONE_NEWUSER); }},
    {"clone of a thread with CLONE_NEWNET", [](const Scene&) { return clone_with(CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_NEWNET); }},
    {"clone3", [](const Scene&) { return clone3_with(0); }},
    {"execve",
     [](const Scene&) {
       char* const arguments[] = {program(), nullptr};
       return call(SYS_execve, program(), arguments, nullptr);
     }},
    {"execveat",
     [](const Scene&) {
       char* const arguments[] = {program(), nullptr};
       return call(SYS_execveat, AT_FDCWD, program(), arguments, nullptr, 0);
     }},
    {"execveat of the model",
     [](const Scene& s) {
       char* const arguments[] = {program(), nullptr};
       return call(SYS_execveat, s.model, "", arguments, nullptr, AT_EMPTY_PATH);
     }},
    {"ptrace of the parent", [](const Scene& s) { return call(SYS_ptrace, PTRACE_SEIZE, s.parent, 0, 0); }},
    {"ptrace TRACEME", [](const Scene&) { return call(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }},
    {"process_vm_readv", [](const Scene& s) { return other_memory(SYS_process_vm_readv, s.parent); }},
    {"process_vm_writev", [](const Scene& s) { return other_memory(SYS_process_vm_writev, s.parent); }},
    {"process_madvise", [](const Scene&) { return call(440, -1, nullptr, 0, 0, 0); }},
    {"kill of the parent", [](const Scene& s) { return call(SYS_kill, s.parent, 0); }},
    {"kill of all", [](const Scene&) { return call(SYS_kill, -1, 0); }},
    {"tkill", [](const Scene& s) { return call(SYS_tkill, s.parent, 0); }},
    {"tgkill of the parent", [](const Scene& s) { return call(SYS_tgkill, s.parent, s.parent, 0); }},
    {"rt_sigqueueinfo",
     [](const Scene& s) {
       siginfo_t info{};
       return call(SYS_rt_sigqueueinfo, s.parent, 0, &info);
     }},
    {"pidfd_open", [](const Scene& s) { return call(SYS_pidfd_open, s.parent, 0); }},
    {"pidfd_send_signal", [](const Scene& s) { return call(SYS_pidfd_send_signal, s.channel, 0, nullptr, 0); }},
    {"pidfd_getfd", [](const Scene& s) { return call(438, s.channel, 0, 0); }},
    {"kcmp", [](const Scene& s) { return call(SYS_kcmp, s.parent, ::getpid(), 0, 0, 0); }},
    {"setpriority", [](const Scene&) { return call(SYS_setpriority, PRIO_PROCESS, 0, 1); }},
    {"sched_setscheduler",
     [](const Scene&) {
       const int priority = 0;
       return call(SYS_sched_setscheduler, 0, SCHED_BATCH, &priority);
     }},
    {"sched_setaffinity of the parent",
     [](const Scene& s) {
       const unsigned long all = ~0UL;
       return call(SYS_sched_setaffinity, s.parent, sizeof all, &all);
     }},
    {"prlimit of the parent",
     [](const Scene& s) {
       rlimit old{};
       return call(SYS_prlimit64, s.parent, RLIMIT_NOFILE, nullptr, &old);
     }},
    {"prlimit of the parent, set",
     [](const Scene& s) {
       const rlimit same{.rlim_cur = 1'000'000, .rlim_max = 1'000'000};
       return call(SYS_prlimit64, s.parent, RLIMIT_RTTIME, &same, nullptr);
     }},
    {"setsid", [](const Scene&) { return call(SYS_setsid); }},
    {"setpgid", [](const Scene&) { return call(SYS_setpgid, 0, 0); }},
    {"shmget", [](const Scene&) { return call(SYS_shmget, 0, 4096, 0600); }},
    {"msgget", [](const Scene&) { return call(SYS_msgget, 0, 0600); }},
    {"semget", [](const Scene&) { return call(SYS_semget, 0, 1, 0600); }},
    {"mq_open", [](const Scene&) { return call(SYS_mq_open, "x", O_RDWR | O_CREAT, 0600, nullptr); }},
    {"timer_create", [](const Scene&) { return call(SYS_timer_create, CLOCK_MONOTONIC, nullptr, nullptr); }},
};

constexpr Attempt kKernel[] = {
    {"connect", [](const Scene&) { return connect_to("/run/dbus/system_bus_socket"); }},
    {"bind",
     [](const Scene& s) {
       const sockaddr_un nowhere{.sun_family = AF_UNIX, .sun_path = {}};
       return call(SYS_bind, s.channel, &nowhere, sizeof(sa_family_t));
     }},
    {"listen", [](const Scene& s) { return call(SYS_listen, s.channel, 1); }},
    {"sendmsg of a descriptor", send_descriptor},
    {"sendto with an address", send_to_address},
    {"socketpair",
     [](const Scene&) {
       int ends[2];
       return call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends);
     }},
    {"pipe2",
     [](const Scene&) {
       int ends[2];
       return call(SYS_pipe2, ends, 0);
     }},
    {"mount", [](const Scene&) { return call(SYS_mount, "none", "/tmp", "tmpfs", 0, nullptr); }},
    {"umount2", [](const Scene&) { return call(SYS_umount2, "/proc", MNT_DETACH); }},
    {"pivot_root", [](const Scene&) { return call(SYS_pivot_root, "/", "/"); }},
    {"open_tree", [](const Scene&) { return call(428, AT_FDCWD, "/", 0); }},
    {"fsopen", [](const Scene&) { return call(430, "tmpfs", 0); }},
    {"unshare of a user namespace", [](const Scene&) { return call(SYS_unshare, CLONE_NEWUSER); }},
    {"unshare of files", [](const Scene&) { return call(SYS_unshare, CLONE_FILES); }},
    {"setns", [](const Scene& s) { return call(SYS_setns, s.channel, 0); }},
    {"bpf",
     [](const Scene&) {
       std::array<uint64_t, 16> attributes{};
       return call(SYS_bpf, 0, attributes.data(), sizeof attributes);
     }},
    {"io_uring_setup",
     [](const Scene&) {
       std::array<uint64_t, 15> parameters{};
       return call(SYS_io_uring_setup, 1, parameters.data());
     }},
    {"io_setup",
     [](const Scene&) {
       unsigned long context = 0;
       return call(SYS_io_setup, 1, &context);
     }},
    {"userfaultfd", [](const Scene&) { return call(SYS_userfaultfd, 1); }},
    {"perf_event_open",
     [](const Scene&) {
       std::array<uint64_t, 16> attributes{0, sizeof attributes};
       return call(SYS_perf_event_open, attributes.data(), 0, -1, -1, 0);
     }},
    {"add_key", [](const Scene&) { return call(SYS_add_key, "user", "x", "x", 1, -3); }},
    {"request_key", [](const Scene&) { return call(SYS_request_key, "user", "x", nullptr, -3); }},
    {"keyctl", [](const Scene&) { return call(SYS_keyctl, 0, -3, 0); }},
    {"personality", [](const Scene&) { return call(SYS_personality, 0x0040000); }},
    {"modify_ldt", [](const Scene&) { return call(SYS_modify_ldt, 0, nullptr, 0); }},
    {"iopl", [](const Scene&) { return call(SYS_iopl, 3); }},
    {"init_module", [](const Scene&) { return call(SYS_init_module, nullptr, 0, ""); }},
    {"kexec_load", [](const Scene&) { return call(SYS_kexec_load, 0, 0, nullptr, 0); }},
    {"reboot", [](const Scene&) { return call(SYS_reboot, 0, 0, 0, nullptr); }},
    {"sethostname", [](const Scene&) { return call(SYS_sethostname, "x", 1); }},
    {"settimeofday", [](const Scene&) { return call(SYS_settimeofday, nullptr, nullptr); }},
    {"quotactl", [](const Scene&) { return call(SYS_quotactl, 0, nullptr, 0, nullptr); }},
    {"syslog", [](const Scene&) { return call(SYS_syslog, 10, nullptr, 0); }},
};

constexpr Attempt kUndoing[] = {
    {"setuid to root", [](const Scene&) { return call(SYS_setuid, 0); }},
    {"setresuid to root", [](const Scene&) { return call(SYS_setresuid, 0, 0, 0); }},
    {"setgroups", [](const Scene&) { return call(SYS_setgroups, 0, nullptr); }},
    {"capset", [](const Scene&) { return take_capability(); }},
    {"mmap PROT_EXEC", [](const Scene&) { return executable_page(); }},
    {"mprotect PROT_EXEC", [](const Scene&) { return page_made_executable(SYS_mprotect); }},
    {"pkey_mprotect PROT_EXEC", [](const Scene&) { return page_made_executable(SYS_pkey_mprotect); }},
    {"shmat PROT_EXEC", [](const Scene&) { return call(SYS_shmat, 0, nullptr, 0100000); }},
    {"prctl PR_SET_DUMPABLE", [](const Scene&) { return call(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); }},
    {"prctl PR_SET_SECCOMP", [](const Scene&) { return call(SYS_prctl, PR_SET_SECCOMP, 0, 0, 0, 0); }},
    {"prctl PR_SET_PDEATHSIG", [](const Scene&) { return call(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0); }},
    {"prctl PR_SET_NO_NEW_PRIVS off", [](const Scene&) { return call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0); }},
    {"prctl PR_CAP_AMBIENT", [](const Scene&) { return call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0); }},
    {"prctl PR_SET_MM", [](const Scene&) { return call(SYS_prctl, PR_SET_MM, 0, 0, 0, 0); }},
    {"arch_prctl", [](const Scene&) { return call(SYS_arch_prctl, 0x1011, 0); }},
    {"seccomp", [](const Scene&) { return install_filter(); }},
    {"landlock_create_ruleset", [](const Scene&) { return call(444, nullptr, 0, 1); }},
    {"landlock_restrict_self", [](const Scene&) { return call(446, -1, 0); }},
    {"RLIMIT_NOFILE raised", [](const Scene&) { return raise_limit(RLIMIT_NOFILE); }},
    {"RLIMIT_FSIZE raised", [](const Scene&) { return raise_limit(RLIMIT_FSIZE); }},
    {"RLIMIT_CORE raised", [](const Scene&) { return raise_limit(RLIMIT_CORE); }},
    {"setrlimit",
     [](const Scene&) {
       const rlimit zero{};
       return call(SYS_setrlimit, RLIMIT_CORE, &zero);
     }},
};

long open_socket(int family) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET}) {
    const long result = call(SYS_socket, family, type, 0);
    if (result != -EPERM) return result;
  }
  return -EPERM;
}

template <class Work>
std::string legitimate(std::string_view name, Work work) {
  return fmt::format("{}: {}", name, work() ? "works" : fmt::format("BROKEN ({})", std::strerror(errno)));
}

}  // namespace

bool Outcome::denied() const {
  // A descriptor that was handed over for reading only says EBADF to a writer, and that is its rule.
  if (name == "write to the model") return result == -EBADF || result == -EPERM;
  return result == -EPERM || result == -EACCES || result == -ENOSYS;
}

std::string Outcome::line() const {
  return fmt::format("{}: {} ({})", name, denied() ? "denied" : "ALLOWED", result < 0 ? std::strerror(static_cast<int>(-result)) : std::to_string(result));
}

std::vector<Outcome> try_everything(const Scene& scene) {
  std::vector<Outcome> outcomes;
  for (const std::span<const Attempt> group :
       {std::span<const Attempt>(kFiles), std::span<const Attempt>(kProcesses), std::span<const Attempt>(kKernel), std::span<const Attempt>(kUndoing)}) {
    for (const Attempt& attempt : group)
      outcomes.push_back({.name = attempt.name, .result = attempt.run(scene)});
  }
  constexpr int kFamilies = 46;
  for (int family = 0; family < kFamilies; ++family)
    outcomes.push_back({.name = fmt::format("socket of family {}", family), .result = open_socket(family)});
  return outcomes;
}

std::vector<std::string> try_legitimate() {
  std::vector<std::string> lines;
  lines.push_back(legitimate("memory", [] {
    std::vector<char> large(size_t{64} << 20U, 'x');
    return large[large.size() / 2] == 'x';
  }));
  lines.push_back(legitimate("threads", [] {
    int sum = 0;
    std::thread first([&sum] { sum = 1; });
    first.join();
    return sum == 1;
  }));
  lines.push_back(legitimate("clock", [] {
    timespec now{};
    return call(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == 0;
  }));
  lines.push_back(legitimate("random bytes", [] {
    char byte = 0;
    return call(SYS_getrandom, &byte, 1, 0) == 1;
  }));
  lines.push_back(legitimate("a wait", [] { return ::poll(nullptr, 0, 0) == 0; }));
  lines.push_back(legitimate("an exception", [] {
    try {
      throw 1;
    } catch (int one) {
      return one == 1;
    }
  }));
  lines.push_back(legitimate("names of threads", [] { return ::prctl(PR_SET_NAME, "probe") == 0; }));
  lines.push_back(legitimate("limits read", [] {
    rlimit limit{};
    return ::getrlimit(RLIMIT_STACK, &limit) == 0;
  }));
  return lines;
}

std::vector<Outcome> sweep(long last, std::span<const int> skip) {
  const pid_t self = ::getpid();
  std::vector<Outcome> outcomes;
  for (long number = 0; number <= last; ++number) {
    if (std::find(skip.begin(), skip.end(), number) != skip.end() || std::find(kProbes.begin(), kProbes.end(), number) != kProbes.end()) continue;
    const long result = call(number, -1, -1, -1, -1, -1, -1);
    if (::getpid() != self) ::_exit(1);
    outcomes.push_back({.name = fmt::format("system call {}", number), .result = result});
  }
  return outcomes;
}

int count_threads(int at_most) {
  std::mutex wait;
  std::unique_lock holding(wait);
  std::vector<pthread_t> threads;
  pthread_attr_t small;
  ::pthread_attr_init(&small);
  ::pthread_attr_setstacksize(&small, size_t{128} << 10U);
  const auto body = [](void* mutex) -> void* {
    const std::lock_guard until_released(*static_cast<std::mutex*>(mutex));
    return nullptr;
  };
  pthread_t thread{};
  while (static_cast<int>(threads.size()) < at_most && ::pthread_create(&thread, &small, body, &wait) == 0)
    threads.push_back(thread);
  holding.unlock();
  for (const pthread_t each : threads)
    ::pthread_join(each, nullptr);
  ::pthread_attr_destroy(&small);
  return static_cast<int>(threads.size());
}

void try_lethal(std::string_view name) {
#if defined(__x86_64__)
  constexpr long kX32 = 0x40000000;
  long result = 0;
  if (name == "32-bit getpid") __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
  if (name == "32-bit execve") __asm__ volatile("int $0x80" : "=a"(result) : "a"(11L), "b"(0L), "c"(0L), "d"(0L) : "memory");
  if (name == "x32 getpid") call(kX32 | SYS_getpid);
  if (name == "x32 execve") call(kX32 | 520, nullptr, nullptr, nullptr);
#else
  (void)name;
#endif
}

}  // namespace ebb::sandbox
