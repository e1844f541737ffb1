// Preparing, orders to ebb-init, and the end.
#include "container/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "container/cgroup.h"
#include "container/init_protocol.h"
#include "container/lifetime.h"
#include "container/spec_check.h"
#include "container/stage.h"
#include "io/clock.h"

namespace ebb::container {

namespace {

namespace fs = std::filesystem;

constexpr milliseconds kPrepareMax{20'000};
constexpr milliseconds kRunMax{10'000};
constexpr milliseconds kOrderMax{2'000};
constexpr milliseconds kFreezeMax{2'000};
constexpr milliseconds kEndMax{5'000};
constexpr uint64_t kSharedMemoryMax = uint64_t{64} << 20U;
constexpr rlim_t kDescriptorsMax = 65'536;
constexpr size_t kErrorBytesMax = 2'000;

milliseconds left_until(MonoTime until) {
  const io::SystemClock clock;
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(until - clock.mono()));
}
MonoTime after(milliseconds wait) {
  const io::SystemClock clock;
  return clock.mono() + wait;
}

// Waits for any of them; true: one has something.
bool wait_for(std::initializer_list<pollfd*> each, MonoTime until) {
  std::vector<pollfd> all;
  for (const pollfd* one : each)
    all.push_back(*one);
  const int count = ::poll(all.data(), all.size(), static_cast<int>(left_until(until).count()));
  size_t i = 0;
  for (pollfd* one : each)
    one->revents = all[i++].revents;
  return count > 0;
}

struct SocketPair {
  Fd ours;
  Fd theirs;
};

Result<SocketPair> make_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail(errno_error("a socket to ebb-init", errno));
  return SocketPair{.ours = Fd(ends[0]), .theirs = Fd(ends[1])};
}

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
    if (header->cmsg_type == SCM_RIGHTS) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      got.attached = Fd(fd);
    } else if (header->cmsg_type == SCM_CREDENTIALS) {
      ucred sender{};
      std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
      got.pid = sender.pid;
    }
  }
  got.reply.text[sizeof got.reply.text - 1] = 0;
  if (count != static_cast<ssize_t>(sizeof got.reply)) return std::nullopt;
  return got;
}

std::string read_text(const Fd& pipe) {
  std::string text;
  char buffer[512];
  for (ssize_t count = 0; text.size() < kErrorBytesMax && (count = ::read(pipe.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return text;
}

// A hard limit can be lowered but not raised.
uint64_t descriptors_max() {
  rlimit ours{};
  return ::getrlimit(RLIMIT_NOFILE, &ours) == 0 ? std::min(ours.rlim_max, kDescriptorsMax) : 1024;
}

StageInput stage_input(const SandboxSpec& spec, const Runtime& runtime) {
  StageInput in{
      .runtime = &runtime, .id = spec.id, .root = spec.root, .hostname = spec.hostname, .host_id_base = spec.host_id_base, .uid = spec.uid, .gid = spec.gid};
  for (const BindMount& mount : spec.mounts)
    in.mounts.push_back({.source = mount.source, .destination = mount.destination});
  in.config = {.uid = spec.uid,
               .gid = spec.gid,
               .hostname = spec.hostname,
               .tmp_bytes = spec.tmp_bytes,
               .shared_memory_bytes = std::min(spec.tmp_bytes, kSharedMemoryMax),
               .memory_bytes = spec.memory_bytes,
               .pids_max = spec.pids_max,
               .cpu_millis = spec.cpu_millis,
               .descriptors_max = descriptors_max()};
  if (function_is_root_inside(runtime)) in.uid = in.gid = in.config.uid = in.config.gid = 0;
  if (runtime.root) {
    in.config.groups = spec.groups;
    in.config.uids = {{.inside = 0, .outside = spec.host_id_base, .size = 65536}};
    in.config.gids = in.config.uids;
  } else {
    in.config.uids = {{.inside = in.uid}};
    in.config.gids = {{.inside = in.gid}};
  }
  if (runtime.cgroups != CgroupKind::kNone) {
    in.config.cgroup = "/" + spec.id;
  } else {
    in.config.user_processes_max = spec.pids_max;
    in.process_bytes_max = spec.memory_bytes;
  }
  return in;
}

// Descriptors 0 to 4 as the runtime is to have them, and no other.
void arrange_descriptors(const Fd& error, const Fd& orders, const Fd& events) {
  const int above = kEventsFd + 1;
  const int their_error = ::fcntl(error.get(), F_DUPFD_CLOEXEC, above);
  const int their_orders = ::fcntl(orders.get(), F_DUPFD_CLOEXEC, above);
  const int their_events = ::fcntl(events.get(), F_DUPFD_CLOEXEC, above);
  const int null = ::fcntl(::open("/dev/null", O_RDWR | O_CLOEXEC), F_DUPFD_CLOEXEC, above);
  const bool arranged = ::dup2(null, STDIN_FILENO) >= 0 && ::dup2(null, STDOUT_FILENO) >= 0 && ::dup2(their_error, STDERR_FILENO) >= 0 &&
                        ::dup2(their_orders, kOrdersFd) >= 0 && ::dup2(their_events, kEventsFd) >= 0 && ::syscall(SYS_close_range, above, ~0U, 0) == 0;
  if (!arranged) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

struct Sandbox::State {
  std::string id;
  Fd orders;
  Fd events;
  Fd init;  // pidfd
  pid_t init_pid = 0;
  Fd output;          // the function's, to read
  Fd output_to_give;  // the function's, to write; with run() it is gone
  Cgroup cgroup;
  uint32_t sequence = 0;
  bool started = false;
  bool frozen = false;
  bool told_end = false;
  uint64_t memory_limit = 0;
  int pids_limit = 0;

  Status start_runtime(const SandboxSpec& spec, const Runtime& runtime);
  Status wait_for_init(pid_t runtime_pid, const Fd& error, const std::string& program);
  Status make_output(const SandboxSpec& spec, const Runtime& runtime);
  Result<Received> ask(OrderKind kind, uint32_t value, milliseconds patience, std::string_view strings = {}, int attached = -1);
  Result<Received> answer(uint32_t wanted, milliseconds patience);
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

Status Sandbox::State::start_runtime(const SandboxSpec& spec, const Runtime& runtime) {
  Result<SocketPair> order_pair = make_pair();
  if (!order_pair) return fail(order_pair.error());
  Result<SocketPair> event_pair = make_pair();
  if (!event_pair) return fail(event_pair.error());
  orders = std::move(order_pair->ours);
  events = std::move(event_pair->ours);
  const int yes = 1;
  ::setsockopt(orders.get(), SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail(errno_error("a pipe to the container runtime", errno));
  const Fd error(ends[0]);
  Fd their_error(ends[1]);
  const StageInput input = stage_input(spec, runtime);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail(errno_error("the container runtime cannot be forked", errno));
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    arrange_descriptors(their_error, order_pair->theirs, event_pair->theirs);
    become_runtime(input);
  }
  their_error.reset();
  order_pair->theirs.reset();
  event_pair->theirs.reset();
  return wait_for_init(child, error, runtime.version);
}

// ebb-init says that it is there; then the runtime ends with 0. Where either goes wrong the runtime has said why.
Status Sandbox::State::wait_for_init(pid_t runtime_pid, const Fd& error, const std::string& program) {
  const MonoTime until = after(kPrepareMax);
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, runtime_pid, 0)));
  pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
  const bool in_time = wait_for({&ended}, until);
  if (!in_time) ::kill(runtime_pid, SIGKILL);
  int status = 0;
  ::waitpid(runtime_pid, &status, 0);
  if (!in_time) return fail(ErrorKind::kTimeout, fmt::format("{} did not make the container within {} s", program, kPrepareMax.count() / 1000));
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSourceMissing) return fail(ErrorKind::kNotFound, read_text(error));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(ErrorKind::kIo, fmt::format("{} could not make the container: {}", program, read_text(error)));
  pollfd there{.fd = orders.get(), .events = POLLIN, .revents = 0};
  (void)wait_for({&there}, until);
  const std::optional<Received> hello = receive(orders);
  if (!hello || hello->reply.sequence != 0 || hello->pid <= 0)
    return fail(ErrorKind::kIo, fmt::format("ebb-init did not start in the container: {}", read_text(error)));
  init_pid = hello->pid;
  init = Fd(static_cast<int>(::syscall(SYS_pidfd_open, init_pid, 0)));
  if (!init) return fail(errno_error("a descriptor of ebb-init's process", errno));
  const int no = 0;
  ::setsockopt(orders.get(), SOL_SOCKET, SO_PASSCRED, &no, sizeof no);
  return {};
}

Result<Received> Sandbox::State::ask(OrderKind kind, uint32_t value, milliseconds patience, std::string_view strings, int attached) {
  Order order{.kind = kind, .sequence = ++sequence, .value = value};
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
    sent = ::sendmsg(orders.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno == EAGAIN) return fail(ErrorKind::kTimeout, "ebb-init takes no more orders");
  if (sent < 0) return fail(ErrorKind::kUnavailable, "the container is gone");
  return answer(order.sequence, patience);
}

Result<Received> Sandbox::State::answer(uint32_t wanted, milliseconds patience) {
  const MonoTime until = after(patience);
  for (;;) {
    pollfd readable{.fd = orders.get(), .events = POLLIN, .revents = 0};
    if (!wait_for({&readable}, until)) return fail(ErrorKind::kTimeout, fmt::format("ebb-init did not answer within {} ms", patience.count()));
    std::optional<Received> got = receive(orders);
    if (!got) return fail(ErrorKind::kUnavailable, "the container is gone");
    if (got->reply.sequence == wanted) return std::move(*got);  // else an answer that came too late
  }
}

// Closing the sockets would do, but for a process that is frozen, and for whoever wants it gone when this returns.
void Sandbox::State::end() {
  if (init) ::syscall(SYS_pidfd_send_signal, init.get(), SIGKILL, nullptr, 0);
  (void)cgroup.thaw();
  orders.reset();
  events.reset();
  if (init) {
    pollfd ended{.fd = init.get(), .events = POLLIN, .revents = 0};
    (void)wait_for({&ended}, after(kEndMax));
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
  state.id = spec.id;
  state.memory_limit = spec.memory_bytes;
  state.pids_limit = spec.pids_max;
  if (Status made = state.make_output(spec, runtime); !made) return fail(made.error());
  const Status started = state.start_runtime(spec, runtime);
  if (runtime.cgroups != CgroupKind::kNone) state.cgroup = Cgroup::open(cgroup_trees(), spec.id);
  if (!started) return fail(started.error());
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
  const Result<Received> got = state_->ask(OrderKind::kRun, static_cast<uint32_t>(program.argv.size()), kRunMax, strings, state_->output_to_give.get());
  if (!got) return fail(got.error());
  const Reply& reply = got->reply;
  if (reply.error == 0) {
    state_->started = true;
    state_->output_to_give.reset();
    return {};
  }
  return fail(run_error(reply, program, state_->pids_limit));
}

Result<Fd> Sandbox::connect(uint16_t port) {
  Result<Received> got = state_->ask(OrderKind::kConnect, port, kOrderMax);
  if (!got) return fail(got.error());
  if (got->reply.error == 0 && got->attached) return std::move(got->attached);
  if (got->reply.error == ECONNREFUSED) return fail(ErrorKind::kUnavailable, fmt::format("nobody listens on port {} in the container", port));
  return fail(ErrorKind::kUnavailable, fmt::format("port {} in the container: {}", port, std::strerror(got->reply.error)));
}

Result<Fd> Sandbox::listen(uint16_t port) {
  Result<Received> got = state_->ask(OrderKind::kListen, port, kOrderMax);
  if (!got) return fail(got.error());
  if (got->reply.error == 0 && got->attached) return std::move(got->attached);
  if (got->reply.error == EADDRINUSE) return fail(ErrorKind::kExists, fmt::format("somebody listens on port {} in the container already", port));
  return fail(errno_error(fmt::format("port {} in the container", port), got->reply.error));
}

Status Sandbox::signal(int number) {
  const Result<Received> got = state_->ask(OrderKind::kSignal, static_cast<uint32_t>(number), kOrderMax);
  if (!got) return fail(got.error());
  if (got->reply.error == 0) return {};
  if (got->reply.error == ESRCH) return fail(ErrorKind::kNotFound, "the function has ended");
  return fail(errno_error(fmt::format("signal {} to the function", number), got->reply.error));
}

int Sandbox::events_fd() const { return state_->events.get(); }

std::optional<Exited> Sandbox::next_event() {
  ExitEvent event;
  ssize_t count = 0;
  do
    count = ::recv(state_->events.get(), &event, sizeof event, MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) return std::nullopt;
  if (state_->told_end) return std::nullopt;
  state_->told_end = true;
  if (count == static_cast<ssize_t>(sizeof event)) return Exited{.code = event.code & 0xFF, .signal = event.signal & 0x7F};
  return Exited{.code = 0, .signal = SIGKILL};
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
  pollfd gone{.fd = state_->init.get(), .events = POLLIN, .revents = 0};
  return end_of_function(exited, usage(), ::poll(&gone, 1, 0) == 1, {.memory_bytes = state_->memory_limit, .pids_max = state_->pids_limit});
}

Status Sandbox::freeze() {
  Status done;
  if (state_->cgroup.can_freeze()) {
    done = state_->cgroup.freeze(kFreezeMax);
  } else if (const Result<Received> got = state_->ask(OrderKind::kStop, 0, kOrderMax); !got) {
    done = fail(got.error());
  }
  state_->frozen = done.has_value();
  return done;
}

Status Sandbox::thaw() {
  Status done;
  if (state_->cgroup.can_freeze()) {
    done = state_->cgroup.thaw();
  } else if (const Result<Received> got = state_->ask(OrderKind::kContinue, 0, kOrderMax); !got) {
    done = fail(got.error());
  }
  if (done) state_->frozen = false;
  return done;
}

pid_t Sandbox::init_pid() const { return state_->init_pid; }

}  // namespace ebb::container
