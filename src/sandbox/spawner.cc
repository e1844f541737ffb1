// The loop and its verbs. How a child becomes a worker program is in start_worker.cc.
#include "sandbox/spawner.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <vector>

#include "io/fd_passing.h"
#include "sandbox/start_worker.h"
#include "wire/spawner.pb.h"

namespace ebb::sandbox {

namespace {

using wire::FrameType;

constexpr size_t kFrameMax = 64 * 1024;  // the server says little
constexpr milliseconds kDiedAtOnce{2'000};
constexpr milliseconds kRefillDelay{500};
constexpr milliseconds kOrphansEndMax{500};  // ebb-container-end may go on without us
constexpr std::string_view kContainerEngine = "container";
constexpr size_t kDescriptionBytesMax = 4'096;
constexpr std::string_view kEgressEngine = "egress";

Fd child_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_SETMASK, &set, nullptr);  // and nothing that we inherited
  return Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

void Spawner::Pool::back_off(MonoTime now) {
  pause = std::clamp(pause * 2, kRefillPauseMin, kRefillPauseMax);
  next = now + pause;
}

Spawner::Spawner(Fd server, std::string programs, const io::Clock& clock, std::string containers)
    : server_(std::move(server)),
      programs_(std::move(programs)),
      clock_(clock),
      child_signals_(child_signals()),
      reader_(kFrameMax),
      container_end_(programs_ + "/ebb-container-end") {
  if (containers.empty()) return;
  containers_ = fmt::format("{}-{}", containers, ::getpid());
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // the first processes of containers come to us when their worker ends
  end_containers(containers);          // those of a spawner before us
}

int Spawner::run() {
  wire::pb::Sandbox sandbox;
  for (const Layer& layer : try_layers()) {
    auto* out = sandbox.add_layers();
    out->set_name(layer.name);
    out->set_active(layer.active);
    out->set_detail(layer.detail);
  }
  send(FrameType::kSandbox, sandbox.SerializeAsString());
  if (!containers_.empty()) describe_containers();
  for (;;) {
    // Blanks are made only when nothing is to be read: a Spawn never waits for one.
    pollfd events[] = {{.fd = server_.get(), .events = POLLIN, .revents = 0},
                       {.fd = child_signals_.get(), .events = POLLIN, .revents = 0},
                       {.fd = describing_ ? describing_.get() : -1, .events = POLLIN, .revents = 0}};
    int ready = ::poll(events, std::size(events), 0);
    if (ready == 0) ready = ::poll(events, std::size(events), refill());
    if (ready < 0 && errno != EINTR) break;
    if (events[2].revents != 0) read_description();
    if (events[1].revents != 0) reap();
    if (events[0].revents != 0 && !take_frames()) break;
  }
  end_all();
  return 0;
}

bool Spawner::take_frames() {
  char buffer[16 * 1024];
  const ssize_t count = ::recv(server_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;
  reader_.feed(std::string_view(buffer, static_cast<size_t>(count)));
  for (;;) {
    const Result<std::optional<wire::Frame>> frame = reader_.next();
    if (!frame) return false;  // what speaks like this is not our server
    if (!frame->has_value()) return true;
    take(**frame);
  }
}

void Spawner::take(const wire::Frame& frame) {
  if (frame.type == FrameType::kSpawn) {
    wire::pb::Spawn spawn;
    if (spawn.ParseFromString(frame.body) && spawn.token() != 0) hand_over(spawn.token(), spawn.engine());
  } else if (frame.type == FrameType::kKill) {
    wire::pb::Kill kill;
    if (kill.ParseFromString(frame.body)) kill_token(kill.token());
  } else if (frame.type == FrameType::kPool) {
    wire::pb::Pool pool;
    if (pool.ParseFromString(frame.body)) resize_pool(pool.engine(), pool.blanks());
  }
}

void Spawner::hand_over(uint64_t token, const std::string& engine) {
  wire::pb::Spawned spawned;
  spawned.set_token(token);
  auto blank = std::find_if(children_.begin(), children_.end(), [&](const auto& child) { return child.second.token == 0 && child.second.engine == engine; });
  if (blank == children_.end()) {
    const Result<pid_t> started = start(engine);
    if (!started) {
      spawned.set_error(started.error().message);
      return send(FrameType::kSpawned, spawned.SerializeAsString());
    }
    blank = children_.find(*started);
  }
  blank->second.token = token;
  // This worker loads now, and making a blank would take a core from it.
  if (const auto pool = pools_.find(engine); pool != pools_.end()) pool->second.calm = clock_.mono() + kRefillDelay;
  spawned.set_pid(blank->first);
  spawned.set_container(blank->second.container);
  send(FrameType::kSpawned, spawned.SerializeAsString(), blank->second.channel.get());
  // From here on the server alone holds that end: it sees the worker's end of the stream, and the worker sees the server's.
  blank->second.channel.reset();
}

void Spawner::resize_pool(const std::string& engine, int blanks) {
  if (!is_engine_name(engine) || (!pools_.contains(engine) && pools_.size() >= kPoolsMax)) return;
  Pool& pool = pools_[engine];
  pool.wanted = std::clamp(blanks, 0, kBlanksMax);
  int kept = 0;
  for (auto child = children_.begin(); child != children_.end();) {
    const bool surplus = child->second.token == 0 && child->second.engine == engine && ++kept > pool.wanted;
    if (surplus) ::kill(child->first, SIGKILL);
    // Forgotten at once, so that its end does not look like a blank that cannot live.
    child = surplus ? children_.erase(child) : std::next(child);
  }
}

void Spawner::kill_token(uint64_t token) {
  for (const auto& [pid, child] : children_) {
    if (child.token == token) {
      ::kill(-pid, SIGKILL);
      ::kill(pid, SIGKILL);
    }
  }
}

void Spawner::reap() {
  signalfd_siginfo drained;
  while (::read(child_signals_.get(), &drained, sizeof drained) > 0) {
  }
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
    const auto child = children_.find(pid);
    if (child == children_.end()) {
      endings_.erase(pid);
      continue;
    }
    if (child->second.token != 0) {
      wire::pb::Exited exited;
      exited.set_token(child->second.token);
      if (WIFEXITED(status)) exited.set_exit_code(WEXITSTATUS(status));
      if (WIFSIGNALED(status)) exited.set_signal(WTERMSIG(status));
      send(FrameType::kExited, exited.SerializeAsString());
    } else if (const auto pool = pools_.find(child->second.engine); pool != pools_.end()) {
      // A blank that dies by itself at once would be made again without end.
      const bool lived = clock_.mono() - child->second.started >= kDiedAtOnce;
      if (lived)
        pool->second.pause = milliseconds(0);
      else
        pool->second.back_off(clock_.mono());
    }
    // Killed or sealed, it could not end its container itself.
    if (child->second.token != 0 && !child->second.container.empty()) endings_.insert(start_ending(container_end_, child->second.container, Ending::kWatch));
    children_.erase(child);
  }
}

int Spawner::refill() {
  const MonoTime now = clock_.mono();
  MonoTime due = MonoTime::max();
  for (auto& [engine, pool] : pools_) {
    const std::string& name = engine;
    const auto have =
        std::count_if(children_.begin(), children_.end(), [&](const auto& child) { return child.second.token == 0 && child.second.engine == name; });
    if (have >= pool.wanted) continue;
    if (const MonoTime next = have > 0 ? std::max(pool.next, pool.calm) : pool.next; now < next) {
      due = std::min(due, next);
      continue;
    }
    if (!start(engine)) {
      pool.back_off(now);
      due = std::min(due, pool.next);
      continue;
    }
    return 0;  // one at a time, then look at the socket again
  }
  if (due == MonoTime::max()) return -1;
  return static_cast<int>(std::chrono::ceil<milliseconds>(due - now).count());
}

void Spawner::describe_containers() {
  Describing describing = start_describing(fmt::format("{}/ebb-worker-{}", programs_, kContainerEngine));
  if (describing.pid > 0) describing_ = std::move(describing.output);
}

void Spawner::read_description() {
  char buffer[512];
  const ssize_t count = ::read(describing_.get(), buffer, sizeof buffer);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count > 0) description_.append(buffer, static_cast<size_t>(count));
  if (count > 0 && description_.size() < kDescriptionBytesMax) return;
  describing_.reset();
  wire::pb::Containers containers;
  containers.set_runtime(description_.substr(0, std::min(description_.find('\n'), kDescriptionBytesMax)));
  send(FrameType::kContainers, containers.SerializeAsString());
}

Result<pid_t> Spawner::start(const std::string& engine) {
  if (!is_engine_name(engine)) return fail(ErrorKind::kInvalid, fmt::format("there is no engine '{}'", engine));
  const bool has_container = engine == kContainerEngine && !containers_.empty();
  std::string container = has_container ? fmt::format("{}-{}", containers_, ++last_container_) : std::string();
  // What goes out for functions is started like a worker, and is none.
  const std::string program = engine == kEgressEngine ? "/ebb-egress" : "/ebb-worker-" + engine;
  Result<StartedWorker> started = start_worker(programs_ + program, container);
  if (!started) return fail(started.error());
  children_.emplace(started->pid,
                    Child{.token = 0, .engine = engine, .channel = std::move(started->channel), .started = clock_.mono(), .container = std::move(container)});
  return started->pid;
}

void Spawner::send(FrameType type, const std::string& body, int attachment) {
  const std::string bytes = wire::encode_frame(type, 0, body);
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t sent =
        attachment >= 0 ? io::send_some_with_fd(server_.get(), rest, attachment) : ::send(server_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      attachment = -1;
      rest.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      pollfd writable{.fd = server_.get(), .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);  // the server reads always; if it ends, this returns and the next send fails
    } else if (errno != EINTR) {
      return;  // it is gone: the next read says so
    }
  }
}

void Spawner::end_all() {
  for (const auto& [pid, child] : children_) {
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
  }
  for (const auto& [pid, child] : children_)
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  // Nothing comes any more that they would have to watch for.
  for (const pid_t pid : endings_)
    if (pid > 0) ::kill(pid, SIGKILL);
  // Only now: a frozen container's first process is our child too, and would be waited for in vain.
  if (!containers_.empty()) end_containers(containers_);
  reap_orphans();
}

// They end now. One that does not is not waited for: it is the next spawner's to end.
void Spawner::reap_orphans() {
  for (;;) {
    const pid_t pid = ::waitpid(-1, nullptr, WNOHANG);
    if (pid > 0 || (pid < 0 && errno == EINTR)) continue;
    if (pid < 0) return;
    pollfd child_ended{.fd = child_signals_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&child_ended, 1, static_cast<int>(kOrphansEndMax.count())) == 0) return;
    signalfd_siginfo drained;
    while (::read(child_signals_.get(), &drained, sizeof drained) > 0) {
    }
  }
}

void Spawner::end_containers(const std::string& ids) const {
  const pid_t ending = start_ending(container_end_, ids, Ending::kNow);
  while (ending > 0 && ::waitpid(ending, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace ebb::sandbox
