// What is outside a process: files, and the rest of the kernel.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "sandbox/attempt.h"

namespace ebb::sandbox {

namespace {

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

constexpr Attempt kFiles[] = {
    {"open", [](const Scene&) { return call(SYS_open, "/etc/passwd", O_RDONLY); }, Since::kConfined},
    {"openat", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }, Since::kConfined},
    {"openat2",
     [](const Scene&) {
       const uint64_t how[3] = {};
       return call(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how);
     }},
    {"openat of a folder", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY); }},
    {"openat O_PATH", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/", O_PATH); }},
    {"openat O_TMPFILE", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/tmp", O_RDWR | O_TMPFILE, 0600); }},
    {"creat", [](const Scene&) { return call(SYS_creat, "/tmp/ebb-probe", 0600); }, Since::kConfined},
    {"/proc/1/environ", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/proc/1/environ", O_RDONLY); }},
    {"/proc/self/mem", [](const Scene&) { return call(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR); }},
    {"/proc/<parent>/mem", [](const Scene& s) { return call(SYS_openat, AT_FDCWD, fmt::format("/proc/{}/mem", s.parent).c_str(), O_RDWR); }, Since::kConfined},
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

constexpr Attempt kKernel[] = {
    {"connect", [](const Scene&) { return connect_to("/run/dbus/system_bus_socket"); }, Since::kConfined},
    {"bind",
     [](const Scene& s) {
       const sockaddr_un nowhere{.sun_family = AF_UNIX, .sun_path = {}};
       return call(SYS_bind, s.channel, &nowhere, sizeof(sa_family_t));
     },
     Since::kConfined},
    {"listen", [](const Scene& s) { return call(SYS_listen, s.channel, 1); }, Since::kConfined},
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
    {"mount", [](const Scene&) { return call(SYS_mount, "none", "/tmp", "tmpfs", 0, nullptr); }, Since::kConfined},
    {"umount2", [](const Scene&) { return call(SYS_umount2, "/proc", MNT_DETACH); }, Since::kConfined},
    {"pivot_root", [](const Scene&) { return call(SYS_pivot_root, "/", "/"); }},
    {"open_tree", [](const Scene&) { return call(428, AT_FDCWD, "/", 0); }},
    {"fsopen", [](const Scene&) { return call(430, "tmpfs", 0); }},
    {"unshare of a user namespace", [](const Scene&) { return call(SYS_unshare, CLONE_NEWUSER); }, Since::kConfined},
    {"unshare of files", [](const Scene&) { return call(SYS_unshare, CLONE_FILES); }},
    {"setns", [](const Scene& s) { return call(SYS_setns, s.channel, 0); }, Since::kConfined},
    {"bpf",
     [](const Scene&) {
       std::array<uint64_t, 16> attributes{};
       return call(SYS_bpf, 0, attributes.data(), sizeof attributes);
     },
     Since::kConfined},
    {"io_uring_setup",
     [](const Scene&) {
       std::array<uint64_t, 15> parameters{};
       return call(SYS_io_uring_setup, 1, parameters.data());
     },
     Since::kConfined},
    {"io_setup",
     [](const Scene&) {
       unsigned long context = 0;
       return call(SYS_io_setup, 1, &context);
     }},
    {"userfaultfd", [](const Scene&) { return call(SYS_userfaultfd, 1); }, Since::kConfined},
    {"perf_event_open",
     [](const Scene&) {
       std::array<uint64_t, 16> attributes{0, sizeof attributes};
       return call(SYS_perf_event_open, attributes.data(), 0, -1, -1, 0);
     },
     Since::kConfined},
    {"add_key", [](const Scene&) { return call(SYS_add_key, "user", "x", "x", 1, -3); }, Since::kConfined},
    {"request_key", [](const Scene&) { return call(SYS_request_key, "user", "x", nullptr, -3); }},
    {"keyctl", [](const Scene&) { return call(SYS_keyctl, 0, -3, 0); }, Since::kConfined},
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

}  // namespace

std::span<const Attempt> attempts_on_files() { return kFiles; }
std::span<const Attempt> attempts_on_the_kernel() { return kKernel; }

}  // namespace ebb::sandbox
