// poll, recvmsg and send on one socket.
#include "worker/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <ctime>

#include "domain/limits.h"
#include "io/fd_passing.h"

namespace ebb::worker {

namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kAttachmentsMax = 3;  // a model, what was prepared from it, and a file of prefixes

}  // namespace

Channel::Channel(Fd socket) : socket_(std::move(socket)), reader_(domain::kFrameBytesMax) {}

void Channel::wait(std::optional<nanoseconds> longest) {
  pollfd wanted{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  timespec time{};
  if (longest) time = {.tv_sec = *longest / seconds(1), .tv_nsec = (*longest % seconds(1)).count()};
  // An interruption is as good as news: the caller looks and waits again.
  (void)::ppoll(&wanted, 1, longest ? &time : nullptr, nullptr);
}

Result<std::optional<wire::Frame>> Channel::next() {
  for (;;) {
    Result<std::optional<wire::Frame>> frame = reader_.next();
    if (!frame || frame->has_value()) return frame;
    char buffer[kReadBytes];
    std::vector<Fd> came;
    const ssize_t count = io::receive_some_with_fds(socket_.get(), buffer, came);
    for (Fd& fd : came)
      attachments_.push_back(std::move(fd));
    if (attachments_.size() > kAttachmentsMax) return fail(ErrorKind::kCorrupt, "more descriptors came than a worker is ever handed");
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (count <= 0) return fail(ErrorKind::kUnavailable, "the server closed the channel");
    reader_.feed(std::string_view(buffer, static_cast<size_t>(count)));
  }
}

Fd Channel::take_attachment() {
  if (attachments_.empty()) return {};
  Fd oldest = std::move(attachments_.front());
  attachments_.pop_front();
  return oldest;
}

Status Channel::write(std::string_view bytes, int attachment) {
  while (!bytes.empty()) {
    const ssize_t count =
        attachment >= 0 ? io::send_some_with_fd(socket_.get(), bytes, attachment) : ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd wanted{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
      (void)::ppoll(&wanted, 1, nullptr, nullptr);
      continue;
    }
    if (count < 0) return fail(ErrorKind::kUnavailable, "the server closed the channel");
    attachment = -1;  // it went with the first byte
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace ebb::worker
