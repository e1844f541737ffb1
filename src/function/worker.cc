// Frames in, one function, frames out.
#include "function/worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <map>

#include "function/call.h"
#include "function/contracts.h"
#include "function/make_invoker.h"
#include "function/output.h"
#include "function/server_link.h"
#include "function/way_out.h"
#include "io/asio.h"
#include "wire/container_load.h"
#include "wire/worker.pb.h"
#include "worker/worker_loop.h"

namespace ebb::function {

namespace {

using wire::Frame;
using wire::FrameType;

Fd duplicate(int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

class FunctionWorker {
 public:
  explicit FunctionWorker(WorkerSetup setup)
      : version_(std::move(setup.version)),
        sandbox_id_(std::move(setup.sandbox_id)),
        prepare_(std::move(setup.prepare)),
        seal_(std::move(setup.seal)),
        clock_(setup.clock),
        answer_bytes_max_(setup.answer_bytes_max),
        server_(loop_.get_executor(), std::move(setup.channel)),
        frames_(loop_, duplicate(server_.descriptor()).release()),
        events_(loop_),
        output_(loop_.get_executor(), server_, clock_),
        start_deadline_(loop_),
        next_progress_(loop_),
        last_bytes_(loop_),
        end_deadline_(loop_) {}

  int run();

 private:
  enum class State { kBlank, kPrepared, kStarting, kReady, kParked, kEnding };

  void end(int status);
  void break_protocol(std::string_view why);
  void fail_load(std::string_view why, int status = worker::kLoadFailedExit);

  void watch_frames();
  void handle_frames();
  void handle(Frame frame);
  void handle_of_call(Frame frame);
  void load(const Frame& frame);
  void unpark(int slots);
  void park();
  // The server wants it gone: the function may end by itself.
  void wind_up(const Frame& frame);
  void execute(const Frame& frame);

  void start_function();
  void say_progress();
  void tell_progress_later();
  void watch_events();
  io::Task<void> wait_ready();
  void function_exits(const container::Exited& exited);
  void function_ended(const container::Exited& exited);
  void fail_start(const container::EndOfFunction& how);
  void end_late(const std::shared_ptr<Call>& call);
  // After a call of a function that does not outlive it.
  void end_broken(std::string_view why);

  io::asio::io_context loop_{1};  // first: it outlives all that waits on it
  std::string version_;
  std::string sandbox_id_;
  std::function<Result<std::unique_ptr<Instance>>(const domain::FunctionStart&)> prepare_;
  std::function<Status()> seal_;
  const io::Clock& clock_;
  uint64_t answer_bytes_max_;
  ServerLink server_;
  io::Descriptor frames_;
  io::Descriptor events_;
  Output output_;
  io::Timer start_deadline_;
  io::Timer next_progress_;
  io::Timer last_bytes_;
  io::Timer end_deadline_;

  std::optional<int> status_;  // once the end has come
  State state_ = State::kBlank;
  domain::FunctionStart start_;
  int slots_ = 0;
  bool tells_progress_ = false;  // the timer runs
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<Invoker> invoker_;
  std::map<CallId, std::shared_ptr<Call>> calls_;  // those that ended are swept at the next frame
};

int FunctionWorker::run() {
  server_.blank(version_);
  watch_frames();
  while (!status_ && !server_.gone())
    loop_.run_one();
  server_.flush();
  return status_.value_or(0);
}

void FunctionWorker::end(int status) {
  if (!status_) status_ = status;
}

void FunctionWorker::break_protocol(std::string_view why) {
  server_.log(fmt::format("the worker ends: {}", why));
  end(worker::kProtocolExit);
}

void FunctionWorker::fail_load(std::string_view why, int status) {
  server_.load_failed(why);
  end(status);
}

void FunctionWorker::watch_frames() {
  frames_.async_wait(io::asio::posix::descriptor_base::wait_read, [this](io::ErrorCode error) {
    if (error) return end(0);
    handle_frames();
    watch_frames();
  });
}

void FunctionWorker::handle_frames() {
  while (!status_) {
    Result<std::optional<Frame>> frame = server_.next();
    if (!frame && frame.error().kind == ErrorKind::kUnavailable) return end(0);
    if (!frame) return break_protocol(frame.error().message);
    if (!frame->has_value()) return;
    std::erase_if(calls_, [](const auto& entry) { return entry.second->ended(); });
    if ((*frame)->stream == 0) {
      handle(std::move(**frame));
    } else {
      handle_of_call(std::move(**frame));
    }
  }
}

void FunctionWorker::handle(Frame frame) {
  if ((state_ == State::kBlank) != (frame.type == FrameType::kLoad)) return break_protocol("a second Load, or another frame before it");
  if (state_ == State::kEnding) return;  // said before the server knew
  switch (frame.type) {
    case FrameType::kLoad: return load(frame);
    case FrameType::kPark: return park();
    case FrameType::kEnd: return wind_up(frame);
    case FrameType::kThreads: return;  // the cgroup bounds what it computes
    case FrameType::kUnpark:
    case FrameType::kResize: {
      wire::pb::Unpark body;  // and Resize, of the same form
      return body.ParseFromString(frame.body) ? unpark(body.slots()) : break_protocol("an Unpark that does not parse");
    }
    default: return break_protocol(fmt::format("frame type {} is not for a worker", static_cast<int>(frame.type)));
  }
}

void FunctionWorker::handle_of_call(Frame frame) {
  if (state_ == State::kBlank) return break_protocol("a call before Load");
  if (frame.type == FrameType::kExecute) return execute(frame);
  const auto found = calls_.find(CallId{frame.stream});
  if (found == calls_.end()) return;  // it ended while this was under way
  const std::shared_ptr<Call> call = found->second;
  switch (frame.type) {
    case FrameType::kInput: {
      Result<wire::InputPiece> piece = wire::decode_input(frame.body);
      if (!piece) return break_protocol(piece.error().message);
      if (const Status fed = call->feed(std::move(*piece)); !fed) break_protocol(fed.error().message);
      return;
    }
    case FrameType::kCredit: {
      const Result<uint64_t> bytes = wire::decode_credit(frame.body);
      if (!bytes) return break_protocol(bytes.error().message);
      return call->credit(*bytes);
    }
    case FrameType::kCancel: {
      const bool given = call->is_started();
      call->cancel();
      if (given && !invoker_->outlives_broken_calls()) end_broken("its call was cancelled");
      return;
    }
    case FrameType::kHold:
    case FrameType::kResume: return;  // a function cannot be held between two steps: it runs on
    default: return break_protocol(fmt::format("frame type {} is not for a call", static_cast<int>(frame.type)));
  }
}

void FunctionWorker::load(const Frame& frame) {
  Result<wire::ContainerLoad> load = wire::decode_container_load(frame.body);
  if (!load) return break_protocol(load.error().message);
  start_ = std::move(load->start);
  start_.sandbox_id = sandbox_id_;
  Result<std::unique_ptr<Instance>> instance = prepare_(start_);
  if (!instance) return fail_load("its sandbox cannot be made: " + instance.error().message);
  instance_ = std::move(*instance);
  // Never a byte of a stranger's in a worker that could have been sealed and was not.
  if (const Status sealed = seal_(); !sealed) return fail_load("the worker could not be confined: " + sealed.error().message, worker::kSealFailedExit);
  if (start_.egress) {
    const Result<uint16_t> port = open_way_out(*instance_, server_);
    if (!port) return fail_load("its way out cannot be opened: " + port.error().message);
    start_.egress_port = *port;
  }
  state_ = State::kPrepared;
  if (instance_->events_fd() >= 0) watch_events();  // a sandbox may go before it is used
  if (load->slots == 0) return server_.ready(0);
  unpark(load->slots);
}

void FunctionWorker::unpark(int slots) {
  if (slots < 1) return break_protocol("an Unpark without slots");
  slots_ = std::min(slots, start_.concurrency);
  switch (state_) {
    case State::kPrepared: return start_function();
    case State::kStarting: return;  // it says so when it is ready
    case State::kParked:
      if (const Status thawed = instance_->thaw(); !thawed) return fail_load("the function cannot be woken: " + thawed.error().message);
      invoker_->thawed();
      state_ = State::kReady;
      break;
    default: break;
  }
  server_.ready(slots_);
}

void FunctionWorker::park() {
  if (!calls_.empty() || state_ == State::kStarting) return break_protocol("Park while something runs");
  if (state_ == State::kReady) {
    invoker_->freeze();
    // One that would not stand still goes on: that costs, and breaks nothing.
    if (const Status frozen = instance_->freeze(); !frozen) server_.log("the function could not be frozen: " + frozen.error().message);
    state_ = State::kParked;
  }
  server_.parked();
}

void FunctionWorker::wind_up(const Frame& frame) {
  wire::pb::End body;
  if (!body.ParseFromString(frame.body)) return break_protocol("an End that does not parse");
  const milliseconds grace = std::min(milliseconds(std::max<int64_t>(0, body.grace_ms())), domain::contract_defaults(start_.contract).end_max);
  if (state_ == State::kEnding) return;
  const bool runs = state_ != State::kPrepared;
  state_ = State::kEnding;
  if (!runs || grace.count() == 0 || !instance_->thaw() || !instance_->signal(SIGTERM)) return end(0);
  end_deadline_.expires_after(grace);
  end_deadline_.async_wait([this, grace](io::ErrorCode error) {
    if (error || status_) return;
    output_.drain();
    server_.log(fmt::format("the function did not end within {} ms after SIGTERM: it is killed", grace.count()));
    end(0);
  });
}

void FunctionWorker::execute(const Frame& frame) {
  const CallId id{frame.stream};
  if (calls_.contains(id)) return break_protocol("an Execute for a call that runs already");
  Result<domain::Call> what = wire::decode_call(frame.body);
  if (!what) return break_protocol(what.error().message);
  auto* request = std::get_if<domain::HttpRequest>(&what->input);
  if (request == nullptr) return break_protocol("an Execute that is no request to a function");
  if (state_ != State::kReady || calls_.size() >= static_cast<size_t>(slots_))
    return server_.refused(id, {.kind = ErrorKind::kOverloaded, .message = "this instance takes no more calls now"});
  auto call = std::make_shared<Call>(loop_.get_executor(), server_, id, std::move(*request));
  calls_.emplace(id, call);
  call->set_deadline(start_.call_max, [this, weak = std::weak_ptr(call)] {
    if (const auto live = weak.lock()) end_late(live);
  });
  invoker_->invoke(std::move(call));
  if (!tells_progress_) tell_progress_later();
}

void FunctionWorker::end_late(const std::shared_ptr<Call>& call) {
  const bool given = call->is_started();
  invoker_->end_late(*call);
  if (given && !invoker_->outlives_broken_calls()) end_broken("its call ran out of time");
}

void FunctionWorker::end_broken(std::string_view why) {
  output_.drain();
  server_.log(fmt::format("the function was ended: {}, and a function of its contract cannot go on after that", why));
  end(kFunctionEndedExit);
}

void FunctionWorker::start_function() {
  state_ = State::kStarting;
  invoker_ = make_invoker(loop_.get_executor(), *instance_, start_, answer_bytes_max_, clock_,
                          [this](const std::string& line) { server_.log(line.substr(0, domain::kFunctionLogLineBytesMax)); });
  if (const Status prepared = invoker_->prepare(); !prepared) return fail_load("the function cannot be started: " + prepared.error().message);
  if (const Status running = instance_->run(program_of(start_)); !running) return fail_load("the function cannot be started: " + running.error().message);
  if (!events_.is_open()) watch_events();
  output_.watch(instance_->take_output());
  start_deadline_.expires_after(start_.start_max);
  start_deadline_.async_wait([this](io::ErrorCode error) {
    if (error || state_ != State::kStarting) return;
    output_.drain();
    fail_load(fmt::format("the function was not ready within {} ms: it {}", start_.start_max.count(), invoker_->lacks()));
  });
  say_progress();
  io::asio::co_spawn(loop_, wait_ready(), io::asio::detached);
}

// A start goes on, or a call does: the server takes silence for a worker that is stuck. That neither goes on for ever is our own deadlines' matter.
void FunctionWorker::say_progress() {
  tells_progress_ = state_ == State::kStarting || std::ranges::any_of(calls_, [](const auto& entry) { return !entry.second->ended(); });
  if (!tells_progress_) return;
  server_.progress();
  tell_progress_later();
}

void FunctionWorker::tell_progress_later() {
  tells_progress_ = true;
  next_progress_.expires_after(state_ == State::kStarting ? domain::kFunctionProgressEvery : domain::kFunctionBusyProgressEvery);
  next_progress_.async_wait([this](io::ErrorCode error) {
    if (!error && !status_) say_progress();
  });
}

io::Task<void> FunctionWorker::wait_ready() {
  const Status ready = co_await invoker_->ready();
  if (status_ || state_ == State::kEnding) co_return;
  start_deadline_.cancel();
  next_progress_.cancel();
  tells_progress_ = false;
  if (!ready) {
    output_.drain();
    fail_load(ready.error().message);
    co_return;
  }
  state_ = State::kReady;
  server_.ready(slots_);
}

void FunctionWorker::watch_events() {
  if (!events_.is_open()) events_.assign(duplicate(instance_->events_fd()).release());
  events_.async_wait(io::asio::posix::descriptor_base::wait_read, [this](io::ErrorCode error) {
    if (error || status_) return;
    if (const auto exited = instance_->next_event()) return function_exits(*exited);
    watch_events();
  });
}

// What it wrote before is still on its way, a whole answer perhaps.
void FunctionWorker::function_exits(const container::Exited& exited) {
  const bool answers = std::ranges::any_of(calls_, [](const auto& entry) { return !entry.second->ended() && entry.second->is_started(); });
  if (!answers) return function_ended(exited);
  last_bytes_.expires_after(domain::kFunctionLastBytesTime);
  last_bytes_.async_wait([this, exited](io::ErrorCode error) {
    if (!error && !status_) function_ended(exited);
  });
}

void FunctionWorker::function_ended(const container::Exited& exited) {
  output_.end();
  const container::EndOfFunction how = instance_->why_it_ended(exited);
  if (state_ == State::kStarting) return fail_start(how);
  if (state_ == State::kEnding) return end(0);  // as it was told
  if (state_ == State::kPrepared) {
    server_.log("the sandbox ended before a function ran in it: " + how.detail);
    return end(kFunctionEndedExit);
  }
  for (const auto& [id, call] : calls_)
    if (!call->ended() && call->is_started()) invoker_->end_with_function(*call, how);
  server_.log("the function ended: " + how.detail);
  end(kFunctionEndedExit);
}

void FunctionWorker::fail_start(const container::EndOfFunction& how) {
  std::string why = fmt::format("the function ended before it was ready: {}", how.detail);
  if (!output_.last_words().empty()) why += fmt::format("; the last that it said: {}", output_.last_words().substr(0, 300));
  fail_load(why);
}

}  // namespace

int run_function_worker(WorkerSetup setup) {
  FunctionWorker worker(std::move(setup));
  return worker.run();
}

}  // namespace ebb::function
