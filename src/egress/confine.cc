// The list of sandbox/seal.cc, and what sockets and the C library's resolver need besides: found by running it.
#include "egress/confine.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>

namespace ebb::egress {

namespace {

// Two for each connection, one for each instance, and those of the resolver.
constexpr int kDescriptorsMax = 8'192;

// Modules of the name service are mapped executable, which Landlock counts as reading.
constexpr auto kReadable = std::to_array<const char*>({"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/host.conf",
                                                       "/etc/services", "/etc/protocols", "/etc/ld.so.cache", "/run/systemd/resolve", "/run/resolvconf",
                                                       "/run/NetworkManager", "/usr/lib", "/usr/lib64", "/lib", "/lib64"});

// No local sockets: what listens on those of this machine is no business of functions. Memory that can be written is never executable.
constexpr sandbox::MoreCalls kCalls[] = {
    {SCMP_SYS(socket), {{0, AF_INET}}},
    {SCMP_SYS(socket), {{0, AF_INET6}}},
    {SCMP_SYS(socket), {{0, AF_NETLINK}}},
    {SCMP_SYS(connect)},
    {SCMP_SYS(bind)},
    {SCMP_SYS(accept)},
    {SCMP_SYS(accept4)},
    {SCMP_SYS(getpeername)},
    {SCMP_SYS(getsockname)},
    {SCMP_SYS(getsockopt)},
    {SCMP_SYS(setsockopt)},
    {SCMP_SYS(shutdown)},
    {SCMP_SYS(recvfrom)},
    {SCMP_SYS(recvmmsg)},
    {SCMP_SYS(sendmsg)},
    {SCMP_SYS(sendmmsg)},
    {SCMP_SYS(sendto)},
    {SCMP_SYS(readv)},
    {SCMP_SYS(epoll_create1)},
    {SCMP_SYS(epoll_ctl)},
    {SCMP_SYS(epoll_pwait)},
    {SCMP_SYS(epoll_wait)},
    {SCMP_SYS(eventfd2)},
    {SCMP_SYS(timerfd_create)},
    {SCMP_SYS(timerfd_settime)},
    {SCMP_SYS(fcntl), {{1, F_GETFD}}},
    {SCMP_SYS(fcntl), {{1, F_SETFD}}},
    {SCMP_SYS(fcntl), {{1, F_GETFL}}},
    {SCMP_SYS(fcntl), {{1, F_SETFL}}},
    {SCMP_SYS(fcntl), {{1, F_DUPFD_CLOEXEC}}},
    {SCMP_SYS(ioctl), {{1, FIONBIO}}},
    {SCMP_SYS(ioctl), {{1, FIONREAD}}},
    {SCMP_SYS(open)},
    {SCMP_SYS(openat)},
    {SCMP_SYS(pread64)},
    {SCMP_SYS(lseek)},
    {SCMP_SYS(stat)},
    {SCMP_SYS(newfstatat)},
    {SCMP_SYS(statx)},
    {SCMP_SYS(access)},
    {SCMP_SYS(uname)},
    {SCMP_SYS(getuid)},
    {SCMP_SYS(geteuid)},
    {SCMP_SYS(getgid)},
    {SCMP_SYS(getegid)},
    {SCMP_SYS(getppid)},
    {SCMP_SYS(mmap), {{2, 0, PROT_WRITE}}},
};

}  // namespace

Status confine() {
  (void)sandbox::give_up_all_but_network(kDescriptorsMax, kReadable);
  return sandbox::seal_and_or_fail(kCalls);
}

}  // namespace ebb::egress
