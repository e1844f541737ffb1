// The list of system calls of function containers: what ordinary programs need, and no other.
//
// Not in it: what reaches other processes' memory, makes namespaces or mounts, loads into the kernel, or is young and rich (io_uring, bpf,
// userfaultfd). Those that programs know well are refused with EPERM; what is on neither list does not exist (ENOSYS), so that libraries fall back.
// Calls of another architecture (int 0x80, x32) end the caller.
#include <sched.h>
#include <sys/socket.h>

#include "container/oci_config.h"

namespace ebb::container {

namespace {

constexpr int kNoPermission = 1;
constexpr int kNoSuchCall = 38;
constexpr int kNoSuchFamily = 97;

constexpr const char* kAllowed[] = {
    // files
    "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64",
    "fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr",
    "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "inotify_add_watch", "inotify_init",
    "inotify_init1", "inotify_rm_watch", "ioctl", "lchown", "lgetxattr", "link", "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr",
    "lstat", "mkdir", "mkdirat", "mknod", "mknodat", "newfstatat", "open", "openat", "openat2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev",
    "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "removexattr", "rename", "renameat", "renameat2", "rmdir", "sendfile", "setxattr",
    "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "tee", "truncate", "umask", "unlink", "unlinkat", "utime",
    "utimensat", "utimes", "vmsplice", "write", "writev", "name_to_handle_at",
    // memory
    "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mlockall", "mmap", "mprotect", "mremap", "msync", "munlock", "munlockall",
    "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect", "remap_file_pages", "get_mempolicy", "mbind", "set_mempolicy", "map_shadow_stack",
    // processes, threads, signals
    "alarm", "arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork", "futex", "futex_requeue", "futex_wait", "futex_waitv",
    "futex_wake", "get_robust_list", "get_thread_area", "getcpu", "getegid", "geteuid", "getgid", "getgroups", "getitimer", "getpgid", "getpgrp", "getpid",
    "getppid", "getpriority", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "ioprio_get", "ioprio_set", "kill", "pause",
    "pidfd_open", "pidfd_send_signal", "prctl", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
    "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
    "sched_yield", "seccomp", "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsuid", "setgid", "setgroups", "setitimer", "setpgid",
    "setpriority", "setregid", "setresgid", "setresuid", "setreuid", "setrlimit", "setsid", "setuid", "sigaltstack", "tgkill", "time", "times", "tkill",
    "uname", "vfork", "wait4", "waitid", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self",
    // time and waiting
    "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd",
    "eventfd2", "getrandom", "gettimeofday", "nanosleep", "pipe", "pipe2", "poll", "ppoll", "pselect6", "select", "signalfd", "signalfd4", "sysinfo",
    "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // sockets, and what processes of one container share
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg",
    "sendto", "setsockopt", "shutdown", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt", "shmget",
    "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents",
    "io_setup", "io_submit"};

constexpr const char* kRefused[] = {"acct",
                                    "add_key",
                                    "adjtimex",
                                    "bpf",
                                    "chroot",
                                    "clock_adjtime",
                                    "clock_settime",
                                    "delete_module",
                                    "fanotify_init",
                                    "finit_module",
                                    "fsconfig",
                                    "fsmount",
                                    "fsopen",
                                    "fspick",
                                    "init_module",
                                    "io_uring_enter",
                                    "io_uring_register",
                                    "io_uring_setup",
                                    "ioperm",
                                    "iopl",
                                    "kcmp",
                                    "kexec_file_load",
                                    "kexec_load",
                                    "keyctl",
                                    "lookup_dcookie",
                                    "migrate_pages",
                                    "modify_ldt",
                                    "mount",
                                    "mount_setattr",
                                    "move_mount",
                                    "move_pages",
                                    "nfsservctl",
                                    "open_by_handle_at",
                                    "open_tree",
                                    "perf_event_open",
                                    "pidfd_getfd",
                                    "pivot_root",
                                    "process_madvise",
                                    "process_mrelease",
                                    "process_vm_readv",
                                    "process_vm_writev",
                                    "ptrace",
                                    "quotactl",
                                    "quotactl_fd",
                                    "reboot",
                                    "request_key",
                                    "setdomainname",
                                    "sethostname",
                                    "setns",
                                    "settimeofday",
                                    "swapoff",
                                    "swapon",
                                    "sysfs",
                                    "syslog",
                                    "umount2",
                                    "unshare",
                                    "userfaultfd",
                                    "uselib",
                                    "ustat",
                                    "vhangup",
                                    "memfd_secret"};

// What a client of the network, or of another process in the container, opens. Everything else would be a part of the kernel that no function needs.
constexpr int kFamilies[] = {AF_UNIX, AF_INET, AF_INET6};

constexpr uint64_t kNewSpaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr uint64_t kPlainPersonalities[] = {0x0, 0x0008, 0x20000, 0x20008, 0x40000, 0xffffffff};
constexpr uint64_t kInit = 1;  // process 1, ebb-init, has the function's user: its limits are not for the function to set

json::object allow(json::array names) { return {{"names", std::move(names)}, {"action", "SCMP_ACT_ALLOW"}}; }
json::object refuse(json::array names, int error) { return {{"names", std::move(names)}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", error}}; }

json::object with(json::object rule, json::object condition) {
  rule["args"] = {std::move(condition)};
  return rule;
}

json::object condition(int index, std::string_view comparison, uint64_t value, uint64_t value_two = 0) {
  return {{"index", index}, {"op", comparison}, {"value", value}, {"valueTwo", value_two}};
}

template <size_t Count>
json::array names(const char* const (&list)[Count]) {
  json::array all;
  for (const char* name : list)
    all.push_back(json::string(name));
  return all;
}

}  // namespace

json::object oci_seccomp() {
  json::array rules{allow(names(kAllowed)), refuse(names(kRefused), kNoPermission)};
  for (const int family : kFamilies)
    rules.push_back(with(allow({"socket", "socketpair"}), condition(0, "SCMP_CMP_EQ", static_cast<uint64_t>(family))));
  rules.push_back(with(refuse({"socket", "socketpair"}, kNoSuchFamily), condition(0, "SCMP_CMP_GT", AF_INET6)));
  for (uint64_t family = AF_INET + 1; family < AF_INET6; ++family)
    rules.push_back(with(refuse({"socket", "socketpair"}, kNoSuchFamily), condition(0, "SCMP_CMP_EQ", family)));
  for (const uint64_t each : kPlainPersonalities)
    rules.push_back(with(allow({"personality"}), condition(0, "SCMP_CMP_EQ", each)));
  // Flags of clone3 lie behind a pointer, where no filter sees them: "no such call" makes every C library use clone.
  rules.push_back(with(allow({"clone"}), condition(0, "SCMP_CMP_MASKED_EQ", kNewSpaces, 0)));
  rules.push_back(refuse({"clone3"}, kNoSuchCall));
  rules.push_back(with(allow({"prlimit64"}), condition(0, "SCMP_CMP_NE", kInit)));
  return {
    {"defaultAction", "SCMP_ACT_ERRNO"}, {"defaultErrnoRet", kNoSuchCall},
#if defined(__x86_64__)
        {"architectures", {"SCMP_ARCH_X86_64"}},
#else
        {"architectures", {"SCMP_ARCH_AARCH64"}},
#endif
    {
      "syscalls", std::move(rules)
    }
  };
}

}  // namespace ebb::container
