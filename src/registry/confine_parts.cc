// Rights that are given up, layer by layer.
//
// The seccomp list denies rather than allows: the resolver and TLS of the system, and tools in Go, make calls that nobody can list for every
// distribution. What counts is denied: other processes, namespaces, mounts, the kernel's risky interfaces.
#include "registry/confine_parts.h"

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

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

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
// Newer than the headers of older distributions too.
struct LandlockPort {
  uint64_t allowed_access = 0;
  uint64_t port = 0;
};
constexpr int kRulePort = 2;
constexpr int kFchmodat2 = 452;

constexpr uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr uint64_t kRead = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kStore =
    kRead | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | kFsRefer | kFsTruncate;
constexpr uint64_t kBuild = kStore | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                            LANDLOCK_ACCESS_FS_MAKE_BLOCK;

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

uint64_t access_of(PathUse use) {
  switch (use) {
    case PathUse::kRead: return kRead;
    case PathUse::kExecute: return kRead | LANDLOCK_ACCESS_FS_EXECUTE;
    case PathUse::kStore: return kStore;
    case PathUse::kBuild: return kBuild;
  }
  return 0;
}

bool allow(int ruleset, const PathRight& right, uint64_t handled) {
  struct stat info {};
  if (::fstat(right.place, &info) != 0) return false;
  uint64_t access = access_of(right.use) & handled;
  if (!S_ISDIR(info.st_mode)) access &= kReadFile | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE;
  const landlock_path_beneath_attr rule{.allowed_access = access, .parent_fd = right.place};
  return ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

bool allow_port(int ruleset, uint16_t port) {
  const LandlockPort rule{.allowed_access = kNetConnect, .port = port};
  return ::syscall(SYS_landlock_add_rule, ruleset, kRulePort, &rule, 0) == 0;
}

constexpr auto kDenied = std::to_array<int>({
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
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
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
});

constexpr auto kProgramCalls = std::to_array<int>({SCMP_SYS(execve), SCMP_SYS(execveat)});
constexpr auto kLinkCalls = std::to_array<int>({SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(link), SCMP_SYS(linkat)});
constexpr auto kNodeCalls = std::to_array<int>({SCMP_SYS(mknod), SCMP_SYS(mknodat)});
constexpr auto kAttributeCalls =
    std::to_array<int>({SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat), kFchmodat2, SCMP_SYS(chown), SCMP_SYS(fchown), SCMP_SYS(lchown),
                        SCMP_SYS(fchownat), SCMP_SYS(utime), SCMP_SYS(utimes), SCMP_SYS(futimesat), SCMP_SYS(utimensat), SCMP_SYS(setxattr),
                        SCMP_SYS(lsetxattr), SCMP_SYS(fsetxattr), SCMP_SYS(removexattr), SCMP_SYS(lremovexattr), SCMP_SYS(fremovexattr)});

struct FilterFree {
  void operator()(void* filter) const { seccomp_release(filter); }
};

bool deny(scmp_filter_ctx filter, std::span<const int> calls) {
  return std::ranges::all_of(calls, [&](int call) { return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0) == 0; });
}

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

}  // namespace

Status drop_privileges(std::initializer_list<int> kept) {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return keep_capabilities(kept);
}

Status keep_capabilities(std::initializer_list<int> kept) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(refused("no_new_privs"));
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> held{};
  if (::syscall(SYS_capget, &header, held.data()) != 0) return fail(refused("capabilities"));
  std::array<__user_cap_data_struct, 2> left{};
  for (const int capability : kept) {
    const auto word = static_cast<size_t>(capability) / 32;
    left[word].permitted |= held[word].permitted & (1U << (static_cast<unsigned>(capability) % 32));
    left[word].effective = left[word].permitted;
  }
  if (::syscall(SYS_capset, &header, left.data()) != 0) return fail(refused("capabilities"));
  return {};
}

Status limit_resources(const ResourceLimits& limits) {
  const auto limit = [](__rlimit_resource which, uint64_t most) {
    const rlimit value{.rlim_cur = most, .rlim_max = most};
    return ::setrlimit(which, &value) == 0;
  };
  bool done = limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, limits.files_max) && limit(RLIMIT_FSIZE, limits.file_bytes_max) && limit(RLIMIT_MEMLOCK, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (limits.data_bytes_max != 0) done = done && limit(RLIMIT_DATA, limits.data_bytes_max);
  if (limits.memory_bytes_max != 0) done = done && limit(RLIMIT_AS, limits.memory_bytes_max);
#endif
  if (!done) return fail(refused("limits"));
  return {};
}

std::vector<Fd> open_system_files() {
  std::vector<Fd> opened;
  for (const char* path : kSystemFiles) {
    Fd place(::open(path, O_PATH | O_CLOEXEC));
    if (place) opened.push_back(std::move(place));
  }
  return opened;
}

Result<bool> restrict_files(std::span<const PathRight> rights, const NetworkRight& network) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 2) return false;  // before version 2 nothing can be renamed between folders
  LandlockAttributes attributes{.handled_fs = kFsAll | kFsRefer};
  if (version >= 3) attributes.handled_fs |= kFsTruncate;
  if (version >= 5) attributes.handled_fs |= kFsIoctl;
  const bool connects = network.allowed && network.ports.empty();
  if (version >= 4) attributes.handled_net = connects ? kNetBind : kNetBind | kNetConnect;
  if (version >= 6) attributes.scoped = kScopeAll;
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0)));
  if (!ruleset) return fail(refused("landlock"));
  for (const PathRight& right : rights) {
    if (!allow(ruleset.get(), right, attributes.handled_fs)) return fail(refused("landlock"));
  }
  for (const uint16_t port : network.ports) {
    if (version >= 4 && network.allowed && !allow_port(ruleset.get(), port)) return fail(refused("landlock"));
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return fail(refused("landlock"));
  return true;
}

Result<bool> deny_calls(const CallRights& rights) {
  if (::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) return false;
  const std::unique_ptr<void, FilterFree> filter(seccomp_init(SCMP_ACT_ALLOW));
  bool done = filter != nullptr && seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0;
  done = done && deny(filter.get(), kDenied);
  if (!rights.program) done = done && deny(filter.get(), kProgramCalls);
  if (!rights.links) done = done && deny(filter.get(), kLinkCalls);
  if (!rights.attributes) done = done && deny(filter.get(), kAttributeCalls);
  if (!rights.nodes) done = done && deny(filter.get(), kNodeCalls);
  // Threads yes (the resolver's), processes no. The C library falls back from clone3, whose flags cannot be seen here, to clone.
  done = done && seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
  done = done && seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0;
  done = done && deny_sockets(filter.get(), rights.network);
  if (!rights.code) {
    for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)})
      done = done && seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) == 0;
  }
  if (!done) return fail(ErrorKind::kInternal, "the fetcher cannot be confined: the seccomp list cannot be made");
  if (const int loaded = seccomp_load(filter.get()); loaded != 0) {
    errno = -loaded;
    return fail(refused("seccomp"));
  }
  return true;
}

}  // namespace ebb::registry
