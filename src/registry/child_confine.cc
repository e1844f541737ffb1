// Mounts first, since that takes rights which are gone afterwards.
#include "registry/child_confine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace ebb::registry {

namespace {

bool holds(int capability) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> held{};
  if (::syscall(SYS_capget, &header, held.data()) != 0) return false;
  return (held[static_cast<size_t>(capability) / 32].effective & (1U << (static_cast<unsigned>(capability) % 32))) != 0;
}

bool write_file(const char* path, const std::string& text) {
  const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// A user namespace in which the user stays who they are: it gives an ordinary user the right to mount, for themselves.
bool own_users() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  return ::unshare(CLONE_NEWUSER) == 0 && write_file("/proc/self/uid_map", fmt::format("{} {} 1", user, user)) && write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/gid_map", fmt::format("{} {} 1", group, group));
}

bool set_mount(const char* path, unsigned flags, uint64_t set, uint64_t clear) {
  mount_attr attributes{.attr_set = set, .attr_clr = clear, .propagation = 0, .userns_fd = 0};
  return ::syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attributes, sizeof(attributes)) == 0;
}

// Everything read-only but the folder, in which no device works and no program gets rights by its mode.
bool only_folder_writable(const std::string& folder) {
  if (!holds(CAP_SYS_ADMIN) && !own_users()) return false;
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0) return false;
  const char* const path = folder.c_str();
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && ::mount(path, path, nullptr, MS_BIND, nullptr) == 0 &&
         set_mount("/", AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0) && set_mount(path, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, MOUNT_ATTR_RDONLY);
}

Status drop(const ChildRights& rights) {
  if (!rights.as_owner) return drop_privileges();
  return drop_privileges({CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_MKNOD, CAP_SETFCAP});
}

// Programs in Go reserve much more address space than they use, and open epoll, pipes, and a few files for each layer.
Status limit(const ChildRights& rights) {
  return limit_resources({.file_bytes_max = rights.file_bytes_max,
                          .memory_bytes_max = rights.program ? 0 : 2ULL << 30U,
                          .data_bytes_max = rights.program ? 4ULL << 30U : 0,
                          .files_max = 256});
}

// What the kernel itself executes to start a program that is dynamically linked.
constexpr std::array<const char*, 3> kLoaders = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib64/ld64.so.2"};

// What the owner of the machine says of registries, and certificates that they trust beyond the system's. skopeo insists on reading the first.
constexpr std::array<const char*, 3> kRegistryFiles = {"/etc/containers/registries.conf.d", "/etc/containers/certs.d", "/etc/docker/certs.d"};

std::vector<Fd> open_all(std::span<const char* const> paths) {
  std::vector<Fd> opened;
  for (const char* path : paths) {
    Fd place(::open(path, O_PATH | O_CLOEXEC));
    if (place) opened.push_back(std::move(place));
  }
  return opened;
}

}  // namespace

Status keep_rights_of_children() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &none);  // it holds a credential
  return keep_capabilities({CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_MKNOD, CAP_SETFCAP, CAP_SYS_ADMIN});
}

bool holds_ownership() {
  for (const int capability : {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_MKNOD, CAP_SETFCAP, CAP_SYS_ADMIN}) {
    if (!holds(capability)) return false;
  }
  return true;
}

Result<std::vector<std::string>> confine_child(const ChildRights& rights) {
  std::vector<std::string> missing;
  std::signal(SIGXFSZ, SIG_IGN);  // too large a file is an error to report, not a death
  if (!rights.changes.empty() && !only_folder_writable(rights.changes)) missing.emplace_back("mounts");
  // Also for its place in the new namespace: where it stood is a mount of the old one.
  if (!rights.changes.empty() && ::chdir(rights.changes.c_str()) != 0) return fail(errno_error("cannot enter the staging folder", errno));
  if (Status done = drop(rights); !done) return fail(done.error());
  if (Status done = limit(rights); !done) return fail(done.error());
  std::vector<PathRight> paths = rights.paths;
  const std::vector<Fd> system = rights.network.allowed || rights.program ? open_system_files() : std::vector<Fd>();
  for (const Fd& file : system)
    paths.push_back({.place = file.get()});
  const std::vector<Fd> registry = rights.program && rights.network.allowed ? open_all(kRegistryFiles) : std::vector<Fd>();
  for (const Fd& file : registry)
    paths.push_back({.place = file.get()});
  const std::vector<Fd> loaders = rights.program ? open_all(kLoaders) : std::vector<Fd>();
  for (const Fd& file : loaders)
    paths.push_back({.place = file.get(), .use = PathUse::kExecute});
  const Result<bool> files = restrict_files(paths, rights.network);
  if (!files) return fail(files.error());
  if (!*files) missing.emplace_back("landlock");
  const bool changes = !rights.changes.empty();
  const Result<bool> calls = deny_calls({.network = rights.network.allowed,
                                         .code = rights.network.allowed || rights.program,
                                         .program = rights.program,
                                         .links = changes,
                                         .nodes = changes,
                                         .attributes = changes});
  if (!calls) return fail(calls.error());
  if (!*calls) missing.emplace_back("seccomp");
  return missing;
}

}  // namespace ebb::registry
