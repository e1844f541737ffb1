// ebb-worker-probe: a worker that tries what a worker must not be able to do, behind the very confinement of the engines' programs.
//
// Speaks as much of the workers' protocol as it needs: Blank; then for Load, with a model's descriptor, it seals itself, does what the
// model's name says, reports each outcome as a line of Log, and says Ready. It ends when its channel does.
//
//   all             every attempt that fails with an error, and what must still work
//   before          what must be refused before the seal too, while a model is being loaded
//   sweep           every system call by its number, but those that are allowed whatever their arguments
//   threads         as many as are allowed: one line with their number
//   lethal:<name>   one of kLethal: no Ready follows, unless the seal leaks
//   anything else   nothing
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

namespace {

using namespace ebb;
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
    const sandbox::Scene scene{.channel = channel_.get(), .model = came_.empty() ? -1 : came_.front().get(), .parent = parent_};
    if (name == "before") {
      for (const sandbox::Outcome& outcome : sandbox::try_everything(scene, sandbox::Since::kConfined))
        log(outcome.line());
    }
    if (const Status sealed = sandbox::seal_or_fail(); !sealed) return log("seal: BROKEN (" + sealed.error().message + ")");
    if (name == "all") {
      for (const sandbox::Outcome& outcome : sandbox::try_everything(scene, sandbox::Since::kSealed))
        log(outcome.line());
      for (const std::string& line : sandbox::try_legitimate())
        log(line);
    } else if (name == "sweep") {
      for (const sandbox::Outcome& outcome : sandbox::sweep(kLastSystemCall, sandbox::calls_without_conditions()))
        log(outcome.line());
    } else if (name == "threads") {
      log(std::to_string(sandbox::count_threads(sandbox::kThreadsMax + 1)));
    } else if (name.starts_with(kLethalPrefix)) {
      sandbox::try_lethal(std::string_view(name).substr(kLethalPrefix.size()));
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

int main() {
  (void)sandbox::confine();
  return Probe(Fd(3), ::getppid()).run();
}
