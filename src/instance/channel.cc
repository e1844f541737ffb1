// Non-blocking reads and writes on a Unix socket, with descriptors passed along.
#include "instance/channel.h"

#include <sys/socket.h>

#include <cerrno>

#include "io/fd_passing.h"

namespace ebb::instance {

namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kAttachmentsMax = 16;
constexpr size_t kGatheredMax = 64 * 1024;

Error gone() { return Error{.kind = ErrorKind::kUnavailable, .message = "the process at the other end is gone"}; }

}  // namespace

Channel::Channel(io::Executor executor, Fd socket, size_t body_max) : socket_(executor), reader_(body_max) {
  io::ErrorCode error;
  socket_.assign(io::asio::local::stream_protocol(), socket.release(), error);
  socket_.native_non_blocking(true, error);
}

void Channel::close() {
  *alive_ = false;
  io::ErrorCode ignored;
  socket_.close(ignored);
  outgoing_.clear();
  backlog_bytes_ = 0;
}

Status Channel::send(wire::FrameType type, uint64_t stream, std::string_view body, Fd attachment) {
  if (!socket_.is_open()) return fail(gone());
  std::string frame = wire::encode_frame(type, stream, body);
  backlog_bytes_ += frame.size();
  if (attachment || outgoing_.empty() || outgoing_.back().attachment || outgoing_.back().bytes.size() + frame.size() > kGatheredMax) {
    outgoing_.push_back({.bytes = std::move(frame), .written = 0, .attachment = std::move(attachment)});
  } else {
    outgoing_.back().bytes += frame;
  }
  if (backlog_bytes_ > kChannelBacklogMax) return fail(ErrorKind::kUnavailable, "the process at the other end does not read its channel");
  if (waiting_to_write_ || gathering_) return {};
  gather();
  return write_some();
}

void Channel::gather() {
  gathering_ = true;
  io::asio::post(socket_.get_executor(), [this, alive = alive_] {
    if (!*alive) return;
    gathering_ = false;
    // A failed write is seen by the reader as the end of the stream.
    if (!waiting_to_write_) (void)write_some();
  });
}

Status Channel::write_some() {
  while (!outgoing_.empty()) {
    Outgoing& out = outgoing_.front();
    const std::string_view rest = std::string_view(out.bytes).substr(out.written);
    const ssize_t written = out.attachment ? io::send_some_with_fd(socket_.native_handle(), rest, out.attachment.get())
                                           : ::send(socket_.native_handle(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      write_when_possible();
      return {};
    }
    if (written < 0) return fail(gone());
    out.attachment.reset();  // it went with the first byte
    out.written += static_cast<size_t>(written);
    backlog_bytes_ -= static_cast<size_t>(written);
    if (out.written == out.bytes.size()) outgoing_.pop_front();
  }
  return {};
}

void Channel::write_when_possible() {
  waiting_to_write_ = true;
  socket_.async_wait(io::asio::socket_base::wait_write, [this, alive = alive_](io::ErrorCode error) {
    if (!*alive) return;
    waiting_to_write_ = false;
    // A failed write is seen by the reader as the end of the stream.
    if (!error) (void)write_some();
  });
}

Result<bool> Channel::read_some(std::vector<wire::Frame>& frames) {
  char buffer[kReadBytes];
  std::vector<Fd> came;
  const ssize_t count = io::receive_some_with_fds(socket_.native_handle(), buffer, came);
  for (Fd& fd : came)
    attachments_.push_back(std::move(fd));
  if (attachments_.size() > kAttachmentsMax) return fail(ErrorKind::kCorrupt, "bad frame: more descriptors than frames");
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return false;
  if (count <= 0) return fail(gone());
  reader_.feed(std::string_view(buffer, static_cast<size_t>(count)));
  for (;;) {
    Result<std::optional<wire::Frame>> next = reader_.next();
    if (!next) return fail(next.error());
    if (!next->has_value()) break;
    frames.push_back(std::move(**next));
  }
  return static_cast<size_t>(count) == sizeof buffer;
}

Fd Channel::take_attachment() {
  if (attachments_.empty()) return {};
  Fd oldest = std::move(attachments_.front());
  attachments_.pop_front();
  return oldest;
}

io::Task<Result<std::vector<wire::Frame>>> Channel::receive() {
  std::vector<wire::Frame> frames;
  const std::shared_ptr<bool> alive = alive_;
  for (;;) {
    if (may_have_more_) {
      Result<bool> more = read_some(frames);
      if (!more) {
        // What came whole before the end is still delivered; the next call reports the end again.
        if (!frames.empty()) co_return frames;
        co_return fail(more.error());
      }
      may_have_more_ = *more;
      if (!frames.empty()) co_return frames;
      if (may_have_more_) continue;
    }
    may_have_more_ = true;
    const auto [error] = co_await socket_.async_wait(io::asio::socket_base::wait_read, io::asio::as_tuple(io::use_awaitable));
    if (!*alive || error) co_return fail(gone());
  }
}

}  // namespace ebb::instance
