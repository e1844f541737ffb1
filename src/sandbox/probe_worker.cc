// As much of the workers' protocol as it needs, and attempts.
#include "sandbox/probe_worker.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "io/fd_passing.h"
#include "sandbox/attempts.h"
#include "sandbox/confine.h"
#include "wire/frame.h"
#include "wire/worker.pb.h"

namespace ebb::sandbox {

namespace {

using wire::FrameType;

constexpr size_t kLoadBytesMax = 64 * 1024;
constexpr long kLastSystemCall = 1023;  // twice what kernels know today

class Probe {
 public:
  Probe(Fd channel, pid_t parent) : channel_(std::move(channel)), parent_(parent), reader_(kLoadBytesMax) {}

  int run() {
    wire::pb::Blank blank;
    blank.set_engine("probe");
    say(FrameType::kBlank, blank.SerializeAsString());
    for (std::optional<wire::Frame> frame = next(); frame; frame = next()) {
      wire::pb::Load load;
      if (frame->type == FrameType::kLoad && load.ParseFromString(frame->body)) this->load(load.model_name());
    }
    return 0;
  }

 private:
  // Waits; nullopt: the other end is gone or speaks no frames.
  std::optional<wire::Frame> next() {
    for (;;) {
      Result<std::optional<wire::Frame>> frame = reader_.next();
      if (!frame) return std::nullopt;
      if (frame->has_value()) return std::move(*frame);
      pollfd readable{.fd = channel_.get(), .events = POLLIN, .revents = 0};
      (void)::poll(&readable, 1, -1);
      char buffer[4096];
      const ssize_t count = io::receive_some_with_fds(channel_.get(), buffer, came_);
      if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return std::nullopt;
      if (count > 0) reader_.feed(std::string_view(buffer, static_cast<size_t>(count)));
    }
  }

  void load(const std::string& name) {
    constexpr std::string_view kLethalPrefix = "lethal:";
    const Scene scene{.channel = channel_.get(), .model = came_.empty() ? -1 : came_.front().get(), .parent = parent_};
    if (name == "before") {
      for (const Outcome& outcome : try_everything(scene, Since::kConfined))
        log(outcome.line());
    }
    if (const Status sealed = seal_or_fail(); !sealed) return log("seal: BROKEN (" + sealed.error().message + ")");
    if (name == "all") {
      for (const Outcome& outcome : try_everything(scene, Since::kSealed))
        log(outcome.line());
      for (const std::string& line : try_legitimate())
        log(line);
    } else if (name == "sweep") {
      for (const Outcome& outcome : sweep(kLastSystemCall, calls_without_conditions()))
        log(outcome.line());
    } else if (name == "threads") {
      log(std::to_string(count_threads(kThreadsMax + 1)));
    } else if (name.starts_with(kLethalPrefix)) {
      try_lethal(std::string_view(name).substr(kLethalPrefix.size()));
    }
    say(FrameType::kReady, wire::pb::Ready{}.SerializeAsString());
  }

  void log(const std::string& line) {
    wire::pb::Log body;
    body.set_line(line);
    say(FrameType::kLog, body.SerializeAsString());
  }

  void say(FrameType type, const std::string& body) {
    const std::string bytes = wire::encode_frame(type, 0, body);
    for (std::string_view rest = bytes; !rest.empty();) {
      const ssize_t sent = ::send(channel_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR) return;  // the next read says so too
      if (sent > 0) rest.remove_prefix(static_cast<size_t>(sent));
    }
  }

  Fd channel_;
  pid_t parent_;
  wire::FrameReader reader_;
  std::vector<Fd> came_;
};

}  // namespace

int run_probe(Fd channel) {
  Probe probe(std::move(channel), ::getppid());
  return probe.run();
}

}  // namespace ebb::sandbox
