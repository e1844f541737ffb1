// Messages of fixed sizes. What comes is checked as if it came from the function.
#include "container/init_link.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "io/clock.h"

namespace ebb::container {

namespace {

struct Received {
  Reply reply;
  Fd attached;
  pid_t pid = 0;  // whoever sent it, where the socket tells
};

// nullopt: the other end is gone, or what it said has not the size of a reply.
std::optional<Received> receive(const Fd& socket) {
  Received got;
  iovec data{.iov_base = &got.reply, .iov_len = sizeof got.reply};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(ucred))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count = 0;
  do
    count = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  for (cmsghdr* header = count < 0 ? nullptr : CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    for (size_t i = 0; header->cmsg_type == SCM_RIGHTS && CMSG_LEN((i + 1) * sizeof(int)) <= header->cmsg_len; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      got.attached = Fd(fd);  // the last of several; the others are closed
    }
    if (header->cmsg_type == SCM_CREDENTIALS) {
      ucred sender{};
      std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
      got.pid = sender.pid;
    }
  }
  got.reply.text[sizeof got.reply.text - 1] = 0;
  if (count != static_cast<ssize_t>(sizeof got.reply)) return std::nullopt;
  return got;
}

bool is_internet_socket(const Fd& fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return fd && ::getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && (domain == AF_INET || domain == AF_INET6);
}

void set_option(const Fd& socket, int option, int value) { ::setsockopt(socket.get(), SOL_SOCKET, option, &value, sizeof value); }

// 0: sent; else errno.
int send_message(const Fd& socket, Order order, std::string_view strings, int attached) {
  iovec parts[] = {{.iov_base = &order, .iov_len = sizeof order}, {.iov_base = const_cast<char*>(strings.data()), .iov_len = strings.size()}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  if (attached >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &attached, sizeof attached);
  }
  ssize_t sent = 0;
  do
    sent = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

}  // namespace

bool wait_readable(int fd, milliseconds patience) {
  const io::SystemClock clock;
  const MonoTime until = clock.mono() + patience;
  for (;;) {
    const auto left = std::max(milliseconds(0), std::chrono::ceil<milliseconds>(until - clock.mono()));
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&readable, 1, static_cast<int>(left.count()));
    if (ready >= 0 || errno != EINTR) return ready == 1;
  }
}

Result<InitLink::TheirEnds> InitLink::open() {
  std::array<int, 2> orders{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders.data()) != 0) return fail(errno_error("a socket to ebb-init", errno));
  TheirEnds theirs;
  orders_ = Fd(orders[0]);
  theirs.orders = Fd(orders[1]);
  std::array<int, 2> events{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, events.data()) != 0) return fail(errno_error("a socket to ebb-init", errno));
  events_ = Fd(events[0]);
  theirs.events = Fd(events[1]);
  set_option(orders_, SO_PASSCRED, 1);
  return theirs;
}

Result<pid_t> InitLink::greet(milliseconds patience) {
  if (!wait_readable(orders_.get(), patience)) return fail(ErrorKind::kTimeout, "ebb-init does not answer");
  const std::optional<Received> hello = receive(orders_);
  if (!hello || hello->reply.sequence != 0 || hello->pid <= 0) return fail(ErrorKind::kUnavailable, "ebb-init did not start in the container");
  set_option(orders_, SO_PASSCRED, 0);
  return hello->pid;
}

Result<InitLink::Answer> InitLink::ask(OrderKind kind, uint32_t value, milliseconds patience, std::string_view strings, int attached) {
  const Result<uint32_t> order = send(kind, value, strings, attached);
  if (!order) return fail(order.error());
  return answer_to(*order, patience);
}

Result<uint32_t> InitLink::send(OrderKind kind, uint32_t value, std::string_view strings, int attached) {
  const Order order{.kind = kind, .sequence = ++sequence_, .value = value};
  if (const int error = send_message(orders_, order, strings, attached); error != 0) {
    if (error == EAGAIN) return fail(ErrorKind::kTimeout, "ebb-init takes no more orders");
    return fail(ErrorKind::kUnavailable, "the container is gone");
  }
  return order.sequence;
}

Result<InitLink::Answer> InitLink::answer_to(uint32_t order, milliseconds patience) {
  const io::SystemClock clock;
  const MonoTime until = clock.mono() + patience;
  for (;;) {
    if (!wait_readable(orders_.get(), std::chrono::ceil<milliseconds>(until - clock.mono())))
      return fail(ErrorKind::kTimeout, fmt::format("ebb-init did not answer within {} ms", patience.count()));
    std::optional<Received> got = receive(orders_);
    if (!got) return fail(ErrorKind::kUnavailable, "the container is gone");
    if (got->reply.sequence != order) continue;  // an answer that came too late
    return Answer{.reply = got->reply, .socket = is_internet_socket(got->attached) ? std::move(got->attached) : Fd()};
  }
}

InitLink::Heard InitLink::next_event(ExitEvent& event) {
  ssize_t count = 0;
  do
    count = ::recv(events_.get(), &event, sizeof event, MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  if (count == static_cast<ssize_t>(sizeof event)) return Heard::kExit;
  return count < 0 && errno == EAGAIN ? Heard::kNothing : Heard::kGone;
}

void InitLink::close() {
  orders_.reset();
  events_.reset();
}

}  // namespace ebb::container
