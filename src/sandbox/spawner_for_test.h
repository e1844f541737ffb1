// The server's side of a spawner and of its workers, blocking, for tests.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "io/fd_passing.h"
#include "wire/frame.h"
#include "wire/spawner.pb.h"
#include "wire/worker.pb.h"

namespace ebb::sandbox {

// Longer than anything here takes; reaching it fails the test.
inline constexpr int kPatienceMs = 60'000;

// One end of a channel. Reading gives nullopt when the other end is gone, speaks no frames, or stays silent past all patience.
class Peer {
 public:
  explicit Peer(Fd channel) : channel_(std::move(channel)), reader_(size_t{1} << 20U) {}

  bool write(std::string_view bytes) { return ::send(channel_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()); }
  template <class Message>
  bool say(wire::FrameType type, const Message& body, int attachment = -1, uint64_t stream = 0) {
    const std::string bytes = wire::encode_frame(type, stream, body.SerializeAsString());
    if (attachment < 0) return write(bytes);
    return io::send_some_with_fd(channel_.get(), bytes, attachment) == static_cast<ssize_t>(bytes.size());
  }

  std::optional<wire::Frame> next() {
    for (;;) {
      Result<std::optional<wire::Frame>> frame = reader_.next();
      if (!frame) return std::nullopt;
      if (frame->has_value()) return **frame;
      pollfd readable{.fd = channel_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&readable, 1, kPatienceMs) <= 0) return std::nullopt;
      char buffer[4096];
      std::vector<Fd> came;
      const ssize_t count = io::receive_some_with_fds(channel_.get(), buffer, came);
      if (count <= 0) return std::nullopt;
      for (Fd& fd : came)
        came_.push_back(std::move(fd));
      reader_.feed(std::string_view(buffer, static_cast<size_t>(count)));
    }
  }
  // The body of the next frame, which must be of this type; nullopt: it is not.
  template <class Message>
  std::optional<Message> expect(wire::FrameType type) {
    std::optional<wire::Frame> frame = next();
    // What the spawner says of containers comes at any time.
    if (frame && frame->type == wire::FrameType::kContainers && frame->type != type) frame = next();
    Message body;
    if (!frame || frame->type != type || !body.ParseFromString(frame->body)) return std::nullopt;
    return body;
  }
  Fd take_attachment() {
    if (came_.empty()) return {};
    Fd first = std::move(came_.front());
    came_.pop_front();
    return first;
  }
  void close() { channel_.reset(); }

 private:
  Fd channel_;
  wire::FrameReader reader_;
  std::deque<Fd> came_;
};

// Does not keep the process: it only sees its end.
inline Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }
inline bool ends(const Fd& pidfd) {
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ended, 1, kPatienceMs) == 1;
}

inline bool has_ended(const Fd& pidfd) {
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ended, 1, 0) == 1;
}

// Asks for a worker. What comes back is the answer; its channel is the spawner's next attachment.
inline std::optional<wire::pb::Spawned> spawn(Peer& spawner, const std::string& engine, uint64_t token) {
  wire::pb::Spawn spawn;
  spawn.set_engine(engine);
  spawn.set_token(token);
  spawner.say(wire::FrameType::kSpawn, spawn);
  return spawner.expect<wire::pb::Spawned>(wire::FrameType::kSpawned);
}

// The lines of Log that a probe says until it is Ready; `ready` tells whether it came so far.
inline std::vector<std::string> probe(Peer& worker, const std::string& what, int model, bool& ready) {
  wire::pb::Load load;
  load.set_model_name(what);
  worker.say(wire::FrameType::kLoad, load, model);
  std::vector<std::string> lines;
  ready = false;
  for (std::optional<wire::Frame> frame = worker.next(); frame; frame = worker.next()) {
    if (frame->type == wire::FrameType::kReady) {
      ready = true;
      break;
    }
    wire::pb::Log log;
    if (frame->type == wire::FrameType::kLog && log.ParseFromString(frame->body)) lines.push_back(log.line());
  }
  return lines;
}

}  // namespace ebb::sandbox
