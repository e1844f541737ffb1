// ebb-worker-stub-container: a container worker that only prepares, seals itself and waits; for tests of what is left when it dies, and of the seal.
//
// Speaks as much of the workers' protocol as it needs, like the probe: Blank; then for Load, whose name is "STATE:ROOT", it brings a sandbox of that root
// into that state, seals itself, says what it found as lines of Log, and Ready. States: prepared, running, frozen, and sealed, which also tries
// what the seal forbids and what it must not.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "base/fd.h"
#include "container/sandbox.h"
#include "container/seal_worker.h"
#include "io/fd_passing.h"
#include "sandbox/attempts.h"
#include "wire/frame.h"
#include "wire/worker.pb.h"

namespace {

using namespace ebb;
using wire::FrameType;

constexpr size_t kLoadBytesMax = 64 * 1024;
constexpr int kPatienceMs = 60'000;

class Worker {
 public:
  Worker(Fd channel, std::string id) : channel_(std::move(channel)), id_(std::move(id)), reader_(kLoadBytesMax) {}

  int run() {
    wire::pb::Blank blank;
    blank.set_engine("container");
    say(FrameType::kBlank, blank.SerializeAsString());
    for (std::optional<wire::Frame> frame = next(); frame; frame = next()) {
      wire::pb::Load load;
      if (frame->type != FrameType::kLoad || !load.ParseFromString(frame->body)) continue;
      const size_t colon = load.model_name().find(':');
      if (const Status done = bring(load.model_name().substr(0, colon), load.model_name().substr(colon + 1)); !done) log("BROKEN: " + done.error().message);
      say(FrameType::kReady, wire::pb::Ready{}.SerializeAsString());
    }
    return 0;
  }

 private:
  std::optional<wire::Frame> next() {
    for (;;) {
      Result<std::optional<wire::Frame>> frame = reader_.next();
      if (!frame) return std::nullopt;
      if (frame->has_value()) return std::move(*frame);
      pollfd readable{.fd = channel_.get(), .events = POLLIN, .revents = 0};
      (void)::poll(&readable, 1, -1);
      char buffer[4096];
      std::vector<Fd> none;
      const ssize_t count = io::receive_some_with_fds(channel_.get(), buffer, none);
      if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return std::nullopt;
      if (count > 0) reader_.feed(std::string_view(buffer, static_cast<size_t>(count)));
    }
  }

  Status bring(const std::string& state, const std::string& root) {
    const Result<container::Runtime> runtime = container::detect_runtime();
    if (!runtime) return fail(runtime.error());
    Result<container::Sandbox> sandbox = container::Sandbox::prepare({.id = id_,
                                                                      .root = root,
                                                                      .host_id_base = 4'000'000,
                                                                      .uid = 1000,
                                                                      .gid = 1000,
                                                                      .groups = {},
                                                                      .memory_bytes = uint64_t{64} << 20U,
                                                                      .tmp_bytes = uint64_t{8} << 20U,
                                                                      .pids_max = 32,
                                                                      .cpu_millis = 0,
                                                                      .mounts = {},
                                                                      .hostname = "function"},
                                                                     *runtime);
    if (!sandbox) return fail(sandbox.error());
    sandbox_.emplace(std::move(*sandbox));
    log(std::to_string(sandbox_->init_pid()));
    if (Status sealed = container::seal_container_worker(); !sealed) return sealed;
    if (state == "prepared") return {};
    if (Status ran = sandbox_->run({.argv = {"sh", "-c", "trap '' TERM; while true; do :; done"}, .env = {"PATH=/bin"}, .cwd = "/"}); !ran) return ran;
    if (state == "frozen") return sandbox_->freeze();
    if (state == "sealed") return try_all();
    return {};
  }

  // Every verb of a sandbox from behind the seal, and then the attempts.
  Status try_all() {
    if (Status done = sandbox_->freeze(); !done) return done;
    if (Status done = sandbox_->thaw(); !done) return done;
    const Result<Fd> listening = sandbox_->listen(9001);
    if (!listening) return fail(listening.error());
    if (const Result<Fd> connected = sandbox_->connect(9001); !connected) return fail(connected.error());
    if (Status done = sandbox_->signal(SIGKILL); !done) return done;
    pollfd ended{.fd = sandbox_->events_fd(), .events = POLLIN, .revents = 0};
    (void)::poll(&ended, 1, kPatienceMs);
    const std::optional<container::Exited> exited = sandbox_->next_event();
    if (!exited || exited->signal != SIGKILL) return fail(ErrorKind::kInternal, "the function's end was not told");
    log(sandbox_->why_it_ended(*exited).detail);
    const sandbox::Scene scene{.channel = listening->get(), .model = -1, .parent = ::getppid()};
    for (const sandbox::Outcome& outcome : sandbox::try_everything(scene, sandbox::Since::kSealed))
      log(outcome.line());
    return {};
  }

  void log(const std::string& line) {
    wire::pb::Log body;
    body.set_line(line);
    say(FrameType::kLog, body.SerializeAsString());
  }
  void say(FrameType type, const std::string& body) {
    const std::string bytes = wire::encode_frame(type, 0, body);
    (void)!::write(channel_.get(), bytes.data(), bytes.size());
  }

  Fd channel_;
  std::string id_;
  wire::FrameReader reader_;
  std::optional<container::Sandbox> sandbox_;
};

}  // namespace

int main(int argc, char** argv) { return argc == 2 ? Worker(Fd(3), argv[1]).run() : 2; }
