// No new privileges, no capabilities, resource limits, Landlock, and a seccomp list of what is denied.
//
// The list denies rather than allows: the resolver and TLS of the system make calls that nobody can list for every distribution. What
// counts is denied: other processes, new programs, namespaces, mounts, the kernel's risky interfaces, and for a local file all sockets.
#include "registry/fetch_confine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

#include "base/fd.h"

namespace ebb::registry {

namespace {

// Newer than the headers of older distributions.
struct LandlockAttributes {
  uint64_t handled_fs = 0;
  uint64_t handled_net = 0;
  uint64_t scoped = 0;
};
constexpr uint64_t kFsAll = (1ULL << 13U) - 1;  // of the first version
constexpr uint64_t kFsRefer = 1ULL << 13U;
constexpr uint64_t kFsTruncate = 1ULL << 14U;
constexpr uint64_t kFsIoctl = 1ULL << 15U;
constexpr uint64_t kNetBind = 1ULL << 0U;
constexpr uint64_t kNetConnect = 1ULL << 1U;
constexpr uint64_t kScopeAll = 3;  // abstract sockets and signals

constexpr uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
// Libraries of the name service are mapped executable, which Landlock counts as reading.
constexpr std::array<const char*, 19> kSystemFiles = {"/etc/ssl",
                                                      "/etc/pki",
                                                      "/etc/ca-certificates",
                                                      "/usr/share/ca-certificates",
                                                      "/usr/lib/ssl",
                                                      "/etc/resolv.conf",
                                                      "/etc/hosts",
                                                      "/etc/nsswitch.conf",
                                                      "/etc/gai.conf",
                                                      "/etc/host.conf",
                                                      "/etc/services",
                                                      "/etc/protocols",
                                                      "/etc/ld.so.cache",
                                                      "/run/systemd/resolve",
                                                      "/run/resolvconf",
                                                      "/run/NetworkManager",
                                                      "/usr/lib",
                                                      "/usr/lib64",
                                                      "/dev/urandom"};

Error refused(const char* layer) { return errno_error(fmt::format("the fetcher cannot be confined: {}", layer), errno); }

Status drop_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(refused("no_new_privs"));
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0) return fail(refused("capabilities"));
  return {};
}

Status limit_resources(uint64_t file_bytes_max) {
  const auto limit = [](__rlimit_resource which, uint64_t most) {
    const rlimit value{.rlim_cur = most, .rlim_max = most};
    return ::setrlimit(which, &value) == 0;
  };
  bool done = limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, 64) && limit(RLIMIT_FSIZE, file_bytes_max) && limit(RLIMIT_MEMLOCK, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // The mapping of a header or of a whole ONNX model (2 GiB), the library's buffers, and a resolver thread.
  done = done && limit(RLIMIT_AS, 4ULL << 30U);
#endif
  if (!done) return fail(refused("limits"));
  return {};
}

bool allow(int ruleset, int place, uint64_t rights) {
  const landlock_path_beneath_attr rule{.allowed_access = rights, .parent_fd = place};
  return ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

void allow_system_files(int ruleset) {
  for (const char* path : kSystemFiles) {
    const Fd place(::open(path, O_PATH | O_CLOEXEC));
    struct stat info {};
    if (!place || ::fstat(place.get(), &info) != 0) continue;
    allow(ruleset, place.get(), S_ISDIR(info.st_mode) ? kRead : kRead & ~static_cast<uint64_t>(LANDLOCK_ACCESS_FS_READ_DIR));
  }
}

// False: this kernel has no Landlock, or not enough of it.
Result<bool> restrict_files(const FetchRights& rights) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 2) return false;  // before version 2 nothing can be renamed between folders
  LandlockAttributes attributes{.handled_fs = kFsAll | kFsRefer};
  if (version >= 3) attributes.handled_fs |= kFsTruncate;
  if (version >= 5) attributes.handled_fs |= kFsIoctl;
  if (version >= 4) attributes.handled_net = rights.network ? kNetBind : kNetBind | kNetConnect;
  if (version >= 6) attributes.scoped = kScopeAll;
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0)));
  if (!ruleset) return fail(refused("landlock"));
  const uint64_t store = kRead | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                         kFsRefer | kFsTruncate;
  if (!allow(ruleset.get(), rights.store, store & attributes.handled_fs)) return fail(refused("landlock"));
  if (rights.source >= 0 && !allow(ruleset.get(), rights.source, kRead)) return fail(refused("landlock"));
  if (rights.network) allow_system_files(ruleset.get());
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return fail(refused("landlock"));
  return true;
}

constexpr auto kDenied = std::to_array<int>({
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(open_tree),
    SCMP_SYS(move_mount),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(syslog),
    SCMP_SYS(personality),
    SCMP_SYS(memfd_create),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
});

struct FilterFree {
  void operator()(void* filter) const { seccomp_release(filter); }
};

bool deny_sockets(scmp_filter_ctx filter, bool network) {
  if (!network)
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 0) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(connect), 0) == 0;
  // Left over: internet, local (name service) and route netlink (which addresses this machine has).
  bool done = true;
  for (int family = 0; family < 46; ++family) {
    if (family == AF_INET || family == AF_INET6 || family == AF_UNIX || family == AF_NETLINK) continue;
    done = done && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family))) == 0;
  }
  return done && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GE, 46)) == 0;
}

Status deny_calls(bool network) {
  const std::unique_ptr<void, FilterFree> filter(seccomp_init(SCMP_ACT_ALLOW));
  bool done = filter != nullptr && seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0;
  for (const int call : kDenied)
    done = done && seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0) == 0;
  // Threads yes (the resolver's), processes no. The C library falls back from clone3, whose flags cannot be seen here, to clone.
  done = done && seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
  done = done && seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0;
  done = done && deny_sockets(filter.get(), network);
  if (!network) {
    for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)})
      done = done && seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) == 0;
  }
  if (!done) return fail(ErrorKind::kInternal, "the fetcher cannot be confined: the seccomp list cannot be made");
  if (const int loaded = seccomp_load(filter.get()); loaded != 0) {
    errno = -loaded;
    return fail(refused("seccomp"));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> confine_fetcher(const FetchRights& rights) {
  std::vector<std::string> missing;
  std::signal(SIGXFSZ, SIG_IGN);  // too large a file is an error to report, not a death
  if (Status done = drop_privileges(); !done) return fail(done.error());
  if (Status done = limit_resources(rights.file_bytes_max); !done) return fail(done.error());
  const Result<bool> files = restrict_files(rights);
  if (!files) return fail(files.error());
  if (!*files) missing.emplace_back("landlock");
  if (::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
    missing.emplace_back("seccomp");
  } else if (Status done = deny_calls(rights.network); !done) {
    return fail(done.error());
  }
  return missing;
}

}  // namespace ebb::registry
