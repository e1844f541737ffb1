// The list of sandbox/seal.cc, and what sockets and their loop need besides.
#include "container/seal_worker.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>

#include "sandbox/confine.h"

namespace ebb::container {

namespace {

// None of them makes a socket or a process, or takes a path. connect() and bind() are not here: sockets come connected and bound from ebb-init.
// fcntl and ioctl only as far as they change the descriptor itself: they could also name whom the kernel is to signal.
constexpr sandbox::MoreCalls kSockets[] = {
    {SCMP_SYS(accept)},
    {SCMP_SYS(accept4)},
    {SCMP_SYS(epoll_create1)},
    {SCMP_SYS(epoll_ctl)},
    {SCMP_SYS(epoll_pwait)},
    {SCMP_SYS(epoll_wait)},
    {SCMP_SYS(eventfd2)},
    {SCMP_SYS(fcntl), {{1, F_GETFD}}},
    {SCMP_SYS(fcntl), {{1, F_SETFD}}},
    {SCMP_SYS(fcntl), {{1, F_GETFL}}},
    {SCMP_SYS(fcntl), {{1, F_SETFL}}},
    {SCMP_SYS(fcntl), {{1, F_DUPFD_CLOEXEC}}},
    {SCMP_SYS(getpeername)},
    {SCMP_SYS(getsockname)},
    {SCMP_SYS(getsockopt)},
    {SCMP_SYS(ioctl), {{1, FIONBIO}}},
    {SCMP_SYS(ioctl), {{1, FIONREAD}}},
    {SCMP_SYS(pread64)},
    {SCMP_SYS(pwrite64)},
    {SCMP_SYS(readv)},
    {SCMP_SYS(recvfrom)},
    {SCMP_SYS(sendmsg)},
    {SCMP_SYS(sendto)},
    {SCMP_SYS(setsockopt)},
    {SCMP_SYS(shutdown)},
    {SCMP_SYS(timerfd_create)},
    {SCMP_SYS(timerfd_settime)},
};

constexpr int kDescriptorsMax = 4'096;

}  // namespace

Status seal_container_worker() {
  (void)sandbox::give_up_rights(kDescriptorsMax);
  return sandbox::seal_and_or_fail(kSockets);
}

}  // namespace ebb::container
