// Other processes, making new ones, and undoing the confinement of this one.
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include <array>
#include <ctime>

#include "sandbox/attempt.h"

namespace ebb::sandbox {

namespace {

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

constexpr Attempt kProcesses[] = {
    {"fork", [](const Scene&) { return in_two(call(SYS_fork)); }, Since::kConfined},
    {"clone without CLONE_THREAD", [](const Scene&) { return clone_with(SIGCHLD); }, Since::kConfined},
    {"vfork", [](const Scene&) { return in_two(call(SYS_vfork)); }, Since::kConfined},
    {"clone with CLONE_FS only", [](const Scene&) { return clone_with(SIGCHLD | CLONE_FS); }},
    {"clone with CLONE_NEWUSER", [](const Scene&) { return clone_with(SIGCHLD | CLONE_NEWUSER); }, Since::kConfined},
    {"clone of a thread with CLONE_NEWNET", [](const Scene&) { return clone_with(CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_NEWNET); }, Since::kConfined},
    {"clone3", [](const Scene&) { return clone3_with(0); }, Since::kConfined},
    {"execve",
     [](const Scene&) {
       char* const arguments[] = {program(), nullptr};
       return call(SYS_execve, program(), arguments, nullptr);
     },
     Since::kConfined},
    {"execveat",
     [](const Scene&) {
       char* const arguments[] = {program(), nullptr};
       return call(SYS_execveat, AT_FDCWD, program(), arguments, nullptr, 0);
     },
     Since::kConfined},
    {"execveat of the model",
     [](const Scene& s) {
       char* const arguments[] = {program(), nullptr};
       return call(SYS_execveat, s.model, "", arguments, nullptr, AT_EMPTY_PATH);
     },
     Since::kConfined},
    {"ptrace of the parent", [](const Scene& s) { return call(SYS_ptrace, PTRACE_SEIZE, s.parent, 0, 0); }, Since::kConfined},
    {"ptrace TRACEME", [](const Scene&) { return call(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }},
    {"process_vm_readv", [](const Scene& s) { return other_memory(SYS_process_vm_readv, s.parent); }, Since::kConfined},
    {"process_vm_writev", [](const Scene& s) { return other_memory(SYS_process_vm_writev, s.parent); }, Since::kConfined},
    {"process_madvise", [](const Scene&) { return call(440, -1, nullptr, 0, 0, 0); }},
    {"kill of the parent", [](const Scene& s) { return call(SYS_kill, s.parent, 0); }, Since::kConfined},
    {"kill of all", [](const Scene&) { return call(SYS_kill, -1, 0); }, Since::kConfined},
    {"tkill", [](const Scene& s) { return call(SYS_tkill, s.parent, 0); }, Since::kConfined},
    {"tgkill of the parent", [](const Scene& s) { return call(SYS_tgkill, s.parent, s.parent, 0); }, Since::kConfined},
    {"rt_sigqueueinfo",
     [](const Scene& s) {
       siginfo_t info{};
       return call(SYS_rt_sigqueueinfo, s.parent, 0, &info);
     }},
    {"pidfd_open", [](const Scene& s) { return call(SYS_pidfd_open, s.parent, 0); }, Since::kConfined},
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

constexpr Attempt kUndoing[] = {
    {"setuid to root", [](const Scene&) { return call(SYS_setuid, 0); }},
    {"setresuid to root", [](const Scene&) { return call(SYS_setresuid, 0, 0, 0); }},
    {"setgroups", [](const Scene&) { return call(SYS_setgroups, 0, nullptr); }},
    {"capset", [](const Scene&) { return take_capability(); }, Since::kConfined},
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

}  // namespace

std::span<const Attempt> attempts_on_processes() { return kProcesses; }
std::span<const Attempt> attempts_to_undo() { return kUndoing; }

}  // namespace ebb::sandbox
