// Files of the host, the container's own read-only ones, devices, and the kernel's files.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <string>

#include "container/attempts.h"
#include "sandbox/attempt.h"

namespace ebb::container {

namespace {

using sandbox::call;

long open_file(const std::string& path, int flags = O_RDONLY) {
  const long fd = call(SYS_openat, AT_FDCWD, path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
  if (fd >= 0) ::close(static_cast<int>(fd));
  return fd;
}

// One byte of it: a file that is masked opens, and is empty.
long read_file(const std::string& path) {
  const long fd = call(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fd;
  char byte = 0;
  const long count = call(SYS_read, fd, &byte, 1);
  ::close(static_cast<int>(fd));
  return count == 0 ? -ENOENT : count;
}

// One entry of a folder besides the two that all have.
long list_folder(const char* path) {
  const long fd = call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fd;
  char entries[4096];
  long bytes = call(SYS_getdents64, fd, entries, sizeof entries);
  ::close(static_cast<int>(fd));
  constexpr long kTwoEntries = 48;
  return bytes > kTwoEntries ? bytes : -ENOENT;
}

long write_file(const std::string& path, const char* text) {
  const long fd = call(SYS_openat, AT_FDCWD, path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  const long count = call(SYS_write, fd, text, std::char_traits<char>::length(text));
  ::close(static_cast<int>(fd));
  return count;
}

long make_device(const char* path, mode_t type, unsigned major_number, unsigned minor_number) {
  return call(SYS_mknod, path, type | 0600, makedev(major_number, minor_number));
}

// A descriptor that a runtime forgot is a way out (CVE-2024-21626).
long use_leaked_descriptors(const Targets& targets) {
  constexpr int kLast = 4096;
  for (int fd = STDERR_FILENO + 1; fd < kLast; ++fd) {
    if (call(SYS_fcntl, fd, F_GETFD) < 0) continue;
    const std::string up = "../../../../../../../../../../.." + targets.secret;
    if (const long opened = call(SYS_openat, fd, up.c_str(), O_RDONLY); opened >= 0) return opened;
    return fd;  // nothing should be there at all
  }
  return -EBADF;
}

constexpr Attempt kFiles[] = {
    {"a file of the host", Denial::kAbsent, [](const Targets& t) { return open_file(t.secret); }},
    {"the same upwards", Denial::kAbsent, [](const Targets& t) { return open_file("../../../../../../../../../.." + t.secret); }},
    {"the same by /proc/self/root", Denial::kAbsent, [](const Targets& t) { return open_file("/proc/self/root" + t.secret); }},
    {"the same by /proc/self/cwd", Denial::kAbsent, [](const Targets& t) { return open_file("/proc/self/cwd/../../.." + t.secret); }},
    {"the same by /proc/1/root", Denial::kRefused, [](const Targets& t) { return open_file("/proc/1/root" + t.secret); }},
    {"the same by /proc/1/cwd", Denial::kRefused, [](const Targets& t) { return open_file("/proc/1/cwd/../../.." + t.secret); }},
    {"a leaked descriptor", Denial::kAbsent, use_leaked_descriptors},
    {"/etc/shadow", Denial::kAbsent, [](const Targets&) { return open_file("/etc/shadow"); }},
    {"the stage of the runtime", Denial::kAbsent, [](const Targets&) { return open_file("/tmp/config.json"); }},
    {"/proc/1/exe, to write (CVE-2019-5736)", Denial::kRefused, [](const Targets&) { return open_file("/proc/1/exe", O_WRONLY); }},
    {"/proc/self/exe, to write", Denial::kRefused, [](const Targets&) { return open_file("/proc/self/exe", O_WRONLY); }},
    {"/.ebb/init, to write", Denial::kRefused, [](const Targets&) { return open_file("/.ebb/init", O_WRONLY); }},
    {"/.ebb/init, to replace", Denial::kRefused, [](const Targets&) { return call(SYS_rename, "/bin/sh", "/.ebb/init"); }},
    {"a new file in /", Denial::kRefused, [](const Targets&) { return open_file("/new", O_WRONLY | O_CREAT); }},
    {"a new file in /bin", Denial::kRefused, [](const Targets&) { return open_file("/bin/new", O_WRONLY | O_CREAT); }},
    {"/bin/sh, to write", Denial::kRefused, [](const Targets&) { return open_file("/bin/busybox", O_WRONLY); }},
    {"/etc/hosts, to write", Denial::kRefused, [](const Targets&) { return open_file("/etc/hosts", O_WRONLY); }},
    {"a mounted file, to write", Denial::kRefused, [](const Targets& t) { return open_file(t.mounted, O_WRONLY); }},
    {"a mounted file, to truncate", Denial::kRefused, [](const Targets& t) { return call(SYS_truncate, t.mounted.c_str(), 0); }},
    {"a mounted file, its mode", Denial::kRefused, [](const Targets& t) { return call(SYS_chmod, t.mounted.c_str(), 04777); }},
    {"a mounted file, its owner", Denial::kRefused, [](const Targets& t) { return call(SYS_chown, t.mounted.c_str(), 0, 0); }},
    {"a mounted file, its times", Denial::kRefused, [](const Targets& t) { return call(SYS_utimensat, AT_FDCWD, t.mounted.c_str(), nullptr, 0); }},
    {"a mounted file, an attribute", Denial::kRefused, [](const Targets& t) { return call(SYS_setxattr, t.mounted.c_str(), "user.x", "x", 1, 0); }},
    {"a mounted file, to remove", Denial::kRefused, [](const Targets& t) { return call(SYS_unlink, t.mounted.c_str()); }},
    {"a device node of the disk", Denial::kRefused, [](const Targets&) { return make_device("/tmp/disk", S_IFBLK, 254, 0); }},
    {"a device node of memory", Denial::kRefused, [](const Targets&) { return make_device("/tmp/mem", S_IFCHR, 1, 1); }},
    {"a device node in /dev", Denial::kRefused, [](const Targets&) { return make_device("/dev/mem", S_IFCHR, 1, 1); }},
    {"/dev/mem", Denial::kAbsent, [](const Targets&) { return open_file("/dev/mem"); }},
    {"/dev/kmsg", Denial::kAbsent, [](const Targets&) { return open_file("/dev/kmsg"); }},
    {"/dev/vda", Denial::kAbsent, [](const Targets&) { return open_file("/dev/vda"); }},
    {"/dev/sda", Denial::kAbsent, [](const Targets&) { return open_file("/dev/sda"); }},
    {"/dev/kvm", Denial::kAbsent, [](const Targets&) { return open_file("/dev/kvm"); }},
    {"/dev/fuse", Denial::kAbsent, [](const Targets&) { return open_file("/dev/fuse"); }},
    {"/dev/net/tun", Denial::kAbsent, [](const Targets&) { return open_file("/dev/net/tun"); }},
    {"/dev/loop-control", Denial::kAbsent, [](const Targets&) { return open_file("/dev/loop-control"); }},
    {"/dev/vsock", Denial::kAbsent, [](const Targets&) { return open_file("/dev/vsock"); }},
    {"/dev/userfaultfd", Denial::kAbsent, [](const Targets&) { return open_file("/dev/userfaultfd"); }},
    {"/dev/tty", Denial::kAbsent, [](const Targets&) { return open_file("/dev/tty"); }},
    {"a container engine's socket", Denial::kAbsent, [](const Targets&) { return open_file("/run/docker.sock"); }},
    {"a setuid file in /tmp, run by another", Denial::kRefused,
     [](const Targets&) {  // nosuid: the mode may be set, and means nothing
       struct stat about {};
       ::close(static_cast<int>(call(SYS_openat, AT_FDCWD, "/tmp/suid", O_WRONLY | O_CREAT, 0700)));
       return call(SYS_chown, "/tmp/suid", 12345, 12345) == 0 ? call(SYS_stat, "/tmp/suid", &about) : -EPERM;
     }},
};

constexpr Attempt kKernel[] = {
    {"core_pattern", Denial::kRefused, [](const Targets&) { return write_file("/proc/sys/kernel/core_pattern", "|/tmp/x"); }},
    {"the kernel's path of modprobe", Denial::kEither, [](const Targets&) { return write_file("/proc/sys/kernel/modprobe", "/tmp/x"); }},
    {"sysctl of memory", Denial::kRefused, [](const Targets&) { return write_file("/proc/sys/vm/overcommit_memory", "1"); }},
    {"sysctl of user namespaces", Denial::kRefused, [](const Targets&) { return write_file("/proc/sys/user/max_user_namespaces", "0"); }},
    {"sysctl of its own network", Denial::kRefused, [](const Targets&) { return write_file("/proc/sys/net/ipv4/ip_forward", "1"); }},
    {"sysctl of its own host name", Denial::kRefused, [](const Targets&) { return write_file("/proc/sys/kernel/hostname", "x"); }},
    {"sysrq", Denial::kEither, [](const Targets&) { return write_file("/proc/sysrq-trigger", "h"); }},
    {"interrupts' affinity", Denial::kRefused, [](const Targets&) { return write_file("/proc/irq/default_smp_affinity", "1"); }},
    {"its own oom score, lower", Denial::kRefused, [](const Targets&) { return write_file("/proc/self/oom_score_adj", "-1000"); }},
    {"its own map of users", Denial::kRefused, [](const Targets&) { return write_file("/proc/self/uid_map", "0 0 1"); }},
    {"/proc/kcore", Denial::kAbsent, [](const Targets&) { return read_file("/proc/kcore"); }},
    {"/proc/kallsyms", Denial::kAbsent, [](const Targets&) { return read_file("/proc/kallsyms"); }},
    {"/proc/keys", Denial::kAbsent, [](const Targets&) { return read_file("/proc/keys"); }},
    {"/proc/modules", Denial::kAbsent, [](const Targets&) { return read_file("/proc/modules"); }},
    {"/proc/interrupts", Denial::kAbsent, [](const Targets&) { return read_file("/proc/interrupts"); }},
    {"/proc/timer_list", Denial::kAbsent, [](const Targets&) { return read_file("/proc/timer_list"); }},
    {"/proc/slabinfo", Denial::kAbsent, [](const Targets&) { return read_file("/proc/slabinfo"); }},
    {"/proc/acpi", Denial::kAbsent, [](const Targets&) { return list_folder("/proc/acpi"); }},
    {"/sys", Denial::kAbsent, [](const Targets&) { return list_folder("/sys"); }},
    {"its cgroup's processes", Denial::kAbsent, [](const Targets&) { return open_file("/sys/fs/cgroup/cgroup.procs", O_WRONLY); }},
    {"a release agent (CVE-2022-0492)", Denial::kAbsent, [](const Targets&) { return open_file("/sys/fs/cgroup/memory/release_agent", O_WRONLY); }},
    {"the kernel's event helper", Denial::kAbsent, [](const Targets&) { return open_file("/sys/kernel/uevent_helper", O_WRONLY); }},
    {"the kernel's debug files", Denial::kAbsent, [](const Targets&) { return open_file("/sys/kernel/debug"); }},
    {"a cgroup file system", Denial::kRefused, [](const Targets&) { return call(SYS_mount, "none", "/tmp", "cgroup2", 0, nullptr); }},
    {"a proc file system", Denial::kRefused, [](const Targets&) { return call(SYS_mount, "none", "/tmp", "proc", 0, nullptr); }},
    {"the root, to write", Denial::kRefused, [](const Targets&) { return call(SYS_mount, nullptr, "/", nullptr, MS_REMOUNT | MS_BIND, nullptr); }},
    {"/proc/sys, to write", Denial::kRefused, [](const Targets&) { return call(SYS_mount, nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND, nullptr); }},
    {"the mask over /proc/kcore, off", Denial::kRefused, [](const Targets&) { return call(SYS_umount2, "/proc/kcore", MNT_DETACH); }},
    {"mount_setattr", Denial::kRefused, [](const Targets&) { return call(SYS_mount_setattr, AT_FDCWD, "/", 0, nullptr, 0); }},
    {"move_mount", Denial::kRefused, [](const Targets&) { return call(SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/proc", 0); }},
    {"io_uring_enter", Denial::kRefused, [](const Targets&) { return call(SYS_io_uring_enter, 0, 0, 0, 0, nullptr, 0); }},
    {"io_uring_register", Denial::kRefused, [](const Targets&) { return call(SYS_io_uring_register, 0, 0, nullptr, 0); }},
    {"finit_module", Denial::kRefused, [](const Targets&) { return call(SYS_finit_module, 0, "", 0); }},
    {"delete_module", Denial::kRefused, [](const Targets&) { return call(SYS_delete_module, "x", 0); }},
    {"swapon", Denial::kRefused, [](const Targets&) { return call(SYS_swapon, "/tmp/x", 0); }},
    {"swapoff", Denial::kRefused, [](const Targets&) { return call(SYS_swapoff, "/tmp/x"); }},
    {"acct", Denial::kRefused, [](const Targets&) { return call(SYS_acct, "/tmp/x"); }},
    {"clock_settime", Denial::kRefused, [](const Targets&) { return call(SYS_clock_settime, 0, nullptr); }},
    {"adjtimex", Denial::kRefused, [](const Targets&) { return call(SYS_adjtimex, nullptr); }},
    {"setdomainname", Denial::kRefused, [](const Targets&) { return call(SYS_setdomainname, "x", 1); }},
    {"ioperm", Denial::kRefused, [](const Targets&) { return call(SYS_ioperm, 0x60, 1, 1); }},
    {"vhangup", Denial::kRefused, [](const Targets&) { return call(SYS_vhangup); }},
    {"a personality with executable data", Denial::kRefused, [](const Targets&) { return call(SYS_personality, 0x0400000); }},
    {"nfsservctl", Denial::kRefused, [](const Targets&) { return call(SYS_nfsservctl, 0, nullptr, nullptr); }},
};

}  // namespace

std::span<const Attempt> attempts_on_files() { return kFiles; }
std::span<const Attempt> attempts_on_kernel() { return kKernel; }

}  // namespace ebb::container
