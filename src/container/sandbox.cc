// The verbs of a sandbox, and its end.
#include "container/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "container/cgroup.h"
#include "container/init_link.h"
#include "container/lifetime.h"
#include "container/make_container.h"
#include "container/spec_check.h"

namespace ebb::container {

namespace {

constexpr milliseconds kRunMax{10'000};
constexpr milliseconds kOrderMax{2'000};
constexpr milliseconds kFreezeMax{2'000};
constexpr uint32_t kAnyIds = 1'000'000'000;

}  // namespace

struct Sandbox::State {
  InitLink link;
  Fd init;  // pidfd
  pid_t init_pid = 0;
  Fd output;          // the function's, to read
  Fd output_to_give;  // the function's, to write; with run() it is gone
  struct Coming {
    uint16_t port = 0;
    uint32_t order = 0;  // the last that was sent
  };
  std::optional<Coming> coming;
  Cgroup cgroup;
  Limits limits;
  bool started = false;
  bool told_end = false;

  Status make_output(const SandboxSpec& spec, const Runtime& runtime);
  // A connection that is on its way is lost with it.
  Result<InitLink::Answer> ask(OrderKind kind, uint32_t value, milliseconds patience, std::string_view strings = {}, int attached = -1);
  Result<InitLink::Answer> ask_to_connect(uint16_t port);
  Status order(OrderKind kind);
  void end();
};

// The pipe belongs to the function's user, or what opens /dev/stdout anew would be refused.
Status Sandbox::State::make_output(const SandboxSpec& spec, const Runtime& runtime) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("a pipe for the function's output", errno));
  output = Fd(ends[0]);
  output_to_give = Fd(ends[1]);
  if (::fcntl(output.get(), F_SETFL, O_NONBLOCK) != 0) return fail(errno_error("a pipe for the function's output", errno));
  if (runtime.root && ::fchown(output_to_give.get(), spec.host_id_base + spec.uid, spec.host_id_base + spec.gid) != 0)
    return fail(errno_error("the owner of the function's output", errno));
  return {};
}

Result<InitLink::Answer> Sandbox::State::ask(OrderKind kind, uint32_t value, milliseconds patience, std::string_view strings, int attached) {
  coming.reset();
  return link.ask(kind, value, patience, strings, attached);
}

Result<InitLink::Answer> Sandbox::State::ask_to_connect(uint16_t port) {
  const std::optional<Coming> asked = std::exchange(coming, std::nullopt);
  if (asked && asked->port == port) return link.answer_to(asked->order, kOrderMax);
  return link.ask(OrderKind::kConnect, port, kOrderMax);
}

Status Sandbox::State::order(OrderKind kind) {
  const Result<InitLink::Answer> got = ask(kind, 0, kOrderMax);
  if (!got) return fail(got.error());
  if (got->reply.error != 0) return fail(errno_error("an order to ebb-init", got->reply.error));
  return {};
}

// Closing the sockets would do, but for a process that is frozen, and for whoever wants it gone when this returns.
void Sandbox::State::end() {
  if (init) ::syscall(SYS_pidfd_send_signal, init.get(), SIGKILL, nullptr, 0);
  (void)cgroup.thaw();
  link.close();
  if (init) {
    (void)wait_readable(init.get(), kEndMax);
    ::waitpid(init_pid, nullptr, WNOHANG);  // where orphans come to us
  }
  if (cgroup.exists()) (void)cgroup.end(kEndMax);
}

Sandbox::Sandbox(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sandbox::Sandbox(Sandbox&&) noexcept = default;
Sandbox& Sandbox::operator=(Sandbox&& other) noexcept {
  if (this != &other) {
    if (state_) state_->end();
    state_ = std::move(other.state_);
  }
  return *this;
}
Sandbox::~Sandbox() {
  if (state_) state_->end();
}

Result<Sandbox> Sandbox::prepare(const SandboxSpec& spec, const Runtime& runtime) {
  if (Status valid = check_spec(spec, runtime); !valid) return fail(valid.error());
  Sandbox sandbox(std::make_unique<State>());
  State& state = *sandbox.state_;
  state.limits = {.memory_bytes = spec.memory_bytes, .pids_max = spec.pids_max};
  if (Status made = state.make_output(spec, runtime); !made) return fail(made.error());
  const Result<pid_t> init = make_container(spec, runtime, state.link);
  if (!init) {
    (void)end_containers(spec.id, kEndMax);  // also a runtime that took too long
    return fail(init.error());
  }
  if (runtime.cgroups != CgroupKind::kNone) state.cgroup = Cgroup::open(cgroup_trees(), spec.id);
  state.init_pid = *init;
  state.init = Fd(static_cast<int>(::syscall(SYS_pidfd_open, *init, 0)));
  if (!state.init) return fail(errno_error("a descriptor of ebb-init's process", errno));
  state.cgroup.forbid_swap();
  return sandbox;
}

Status Sandbox::run(const Program& program) {
  if (state_->started) return fail(ErrorKind::kExists, "the function runs already: a sandbox runs one");
  std::string strings;
  for (const auto* list : {&program.argv, &program.env}) {
    for (const std::string& each : *list)
      strings.append(each).push_back('\0');
  }
  strings.append(program.cwd.empty() ? "/" : program.cwd).push_back('\0');
  if (Status valid = check_program(program, strings); !valid) return valid;
  const auto arguments = static_cast<uint32_t>(program.argv.size());
  const Result<InitLink::Answer> got = state_->ask(OrderKind::kRun, arguments, kRunMax, strings, state_->output_to_give.get());
  if (!got) return fail(got.error());
  if (got->reply.error != 0) return fail(run_error(got->reply, program, state_->limits.pids_max));
  state_->started = true;
  state_->output_to_give.reset();
  return {};
}

Result<Fd> Sandbox::connect(uint16_t port) {
  Result<InitLink::Answer> got = state_->ask_to_connect(port);
  if (!got) return fail(got.error());
  if (got->socket) return std::move(got->socket);
  if (got->reply.error == ECONNREFUSED) return fail(ErrorKind::kUnavailable, fmt::format("nobody listens on port {} in the container", port));
  return fail(ErrorKind::kUnavailable, fmt::format("port {} in the container: {}", port, std::strerror(got->reply.error)));
}

void Sandbox::connect_soon(uint16_t port) {
  const Result<uint32_t> order = state_->link.send(OrderKind::kConnect, port);
  if (order) state_->coming = {.port = port, .order = *order};
}

Result<Fd> Sandbox::listen(uint16_t port) {
  Result<InitLink::Answer> got = state_->ask(OrderKind::kListen, port, kOrderMax);
  if (!got) return fail(got.error());
  if (got->socket) return std::move(got->socket);
  if (got->reply.error == EADDRINUSE) return fail(ErrorKind::kExists, fmt::format("somebody listens on port {} in the container already", port));
  return fail(errno_error(fmt::format("port {} in the container", port), got->reply.error));
}

Status Sandbox::signal(int number) {
  const Result<InitLink::Answer> got = state_->ask(OrderKind::kSignal, static_cast<uint32_t>(number), kOrderMax);
  if (!got) return fail(got.error());
  if (got->reply.error == 0) return {};
  if (got->reply.error == ESRCH) return fail(ErrorKind::kNotFound, "the function has ended");
  return fail(errno_error(fmt::format("signal {} to the function", number), got->reply.error));
}

int Sandbox::events_fd() const { return state_->link.events_fd(); }

std::optional<Exited> Sandbox::next_event() {
  ExitEvent event;
  const InitLink::Heard heard = state_->link.next_event(event);
  if (heard == InitLink::Heard::kNothing || state_->told_end) return std::nullopt;
  state_->told_end = true;
  if (heard == InitLink::Heard::kGone) return Exited{.code = 0, .signal = SIGKILL};
  return Exited{.code = event.code & 0xFF, .signal = event.signal & 0x7F};
}

Fd Sandbox::take_output() { return std::move(state_->output); }

SandboxUsage Sandbox::usage() const {
  const Cgroup& group = state_->cgroup;
  return {.memory_bytes = group.memory_bytes(),
          .memory_peak_bytes = group.memory_peak_bytes(),
          .oom_kills = group.oom_kills(),
          .pids_refused = group.pids_refused(),
          .cpu = group.cpu()};
}

EndOfFunction Sandbox::why_it_ended(const Exited& exited) const {
  const bool init_is_gone = wait_readable(state_->init.get(), milliseconds(0));
  return end_of_function(exited, usage(), init_is_gone, state_->limits);
}

Status Sandbox::freeze() { return state_->cgroup.can_freeze() ? state_->cgroup.freeze(kFreezeMax) : state_->order(OrderKind::kStop); }
Status Sandbox::thaw() { return state_->cgroup.can_freeze() ? state_->cgroup.thaw() : state_->order(OrderKind::kContinue); }

pid_t Sandbox::init_pid() const { return state_->init_pid; }

Status try_sandbox(const Runtime& runtime, const std::string& id) {
  std::string empty = "/tmp/ebb-try-XXXXXX";
  if (::mkdtemp(empty.data()) == nullptr) return fail(errno_error("a folder in /tmp", errno));
  constexpr uint64_t kLittle = uint64_t{16} << 20U;
  const Result<Sandbox> sandbox = Sandbox::prepare(
      {.id = id, .root = empty, .host_id_base = kAnyIds, .memory_bytes = kLittle, .tmp_bytes = kLittle, .pids_max = 2, .hostname = "try"}, runtime);
  ::rmdir(empty.c_str());
  if (!sandbox) return fail(sandbox.error());
  return {};
}

}  // namespace ebb::container
