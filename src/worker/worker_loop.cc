// Frames in, engine, frames out.
#include "worker/worker_loop.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "domain/limits.h"
#include "io/clock.h"
#include "wire/worker.pb.h"
#include "wire/worker_call.h"
#include "worker/channel.h"
#include "worker/messages.h"
#include "worker/text_pace.h"

namespace ebb::worker {

namespace {

using wire::Frame;
using wire::FrameType;

// The end of the process, with the status it ends with.
struct Ending {
  int status = 0;
  std::string why = {};
};
using Step = std::expected<void, Ending>;

// How a call of the engine's stands, as the server told.
enum class Course { kRuns, kHeld };

struct CallState {
  Course course = Course::kRuns;
  bool has_text = false;  // it said some
};

constexpr size_t kPrefixesKeyBytesMax = 64;

std::unexpected<Ending> protocol_error(std::string why) { return std::unexpected(Ending{.status = kProtocolExit, .why = std::move(why)}); }
std::unexpected<Ending> server_gone() { return std::unexpected(Ending{.status = 0}); }

class Loop {
 public:
  explicit Loop(WorkerSetup setup)
      : engine_name_(std::move(setup.engine_name)),
        engine_version_(std::move(setup.engine_version)),
        loader_(std::move(setup.load)),
        needs_model_(setup.needs_model),
        seal_(std::move(setup.seal)),
        channel_(std::move(setup.channel)) {}

  int run();

 private:
  bool may_step() const { return engine_ != nullptr && !paused_ && engine_->busy(); }
  Step turn();
  Step handle_frames();
  Step handle(const Frame& frame);
  Step take_prepared();
  Step take_prefixes(const Frame& frame);
  Step load(const Frame& frame);
  Step set_slots(int slots);
  Step park();
  Step set_threads(const Frame& frame);
  Step execute(const Frame& frame);
  Step cancel(const Frame& frame);
  Step hold(const Frame& frame);
  Step resume(const Frame& frame);
  Step work();
  bool takes_down(const engine::StepEvent& event);
  Step tell();
  void log(const std::string& line);  // a lost server is noticed by the next look at the channel
  Step write(std::string_view bytes);
  template <class Message>
  Step say(FrameType type, const Message& body) {
    return write(wire::encode_frame(type, 0, body.SerializeAsString()));
  }

  std::string engine_name_;
  std::string engine_version_;
  engine::Loader loader_;
  bool needs_model_;
  std::function<Status()> seal_;
  Channel channel_;
  Fd prepared_;  // until the load
  Fd prefixes_;  // longer than the engine
  std::string prefixes_key_;
  std::unique_ptr<engine::Engine> engine_;  // once loaded and sealed
  bool paused_ = false;
  std::map<CallId, CallState> calls_;  // that the engine has
  std::string said_;                   // by steps, and waits to be told: of calls that run
  MonoTime told_{};                    // when the last of that was
};

int Loop::run() {
  wire::pb::Blank blank;
  blank.set_engine(engine_name_);
  blank.set_engine_version(engine_version_);
  Step step = say(FrameType::kBlank, blank);
  while (step)
    step = turn();
  if (step.error().status == kProtocolExit) {
    // The last word, if anyone still listens; we end either way.
    log("the worker ends: " + step.error().why);
  }
  return step.error().status;
}

Step Loop::turn() {
  const std::optional<nanoseconds> pace = may_step() ? std::optional(engine_->wait_before_step()) : std::nullopt;
  if (!pace || *pace > nanoseconds(0)) {
    if (Step told = tell(); !told) return told;
    channel_.wait(pace);
  }
  if (Step handled = handle_frames(); !handled) return handled;
  return may_step() ? work() : Step{};
}

Step Loop::handle_frames() {
  for (;;) {
    const Result<std::optional<Frame>> frame = channel_.next();
    if (!frame && frame.error().kind == ErrorKind::kUnavailable) return server_gone();
    if (!frame) return protocol_error(frame.error().message);
    if (!frame->has_value()) return {};
    // With another call the next step may take long.
    if (Step told = tell(); !told) return told;
    if (Step handled = handle(**frame); !handled) return handled;
  }
}

Step Loop::handle(const Frame& frame) {
  const bool before_load = frame.type == FrameType::kLoad || frame.type == FrameType::kPrepared || frame.type == FrameType::kPrefixes;
  if ((engine_ == nullptr) != before_load)
    return protocol_error(fmt::format("frame type {} {} Load", static_cast<int>(frame.type), before_load ? "after" : "before"));
  const bool of_a_running_call = frame.type == FrameType::kCancel || frame.type == FrameType::kHold || frame.type == FrameType::kResume;
  if (of_a_running_call && !frame.body.empty()) return protocol_error(fmt::format("frame type {} with a body", static_cast<int>(frame.type)));
  const bool of_a_call = of_a_running_call || frame.type == FrameType::kExecute;
  if (of_a_call != (frame.stream != 0)) return protocol_error(fmt::format("frame type {} on stream {}", static_cast<int>(frame.type), frame.stream));
  switch (frame.type) {
    case FrameType::kPrepared: return take_prepared();
    case FrameType::kPrefixes: return take_prefixes(frame);
    case FrameType::kLoad: return load(frame);
    case FrameType::kPark: return park();
    case FrameType::kThreads: return set_threads(frame);
    case FrameType::kExecute: return execute(frame);
    case FrameType::kCancel: return cancel(frame);
    case FrameType::kHold: return hold(frame);
    case FrameType::kResume: return resume(frame);
    case FrameType::kUnpark: {
      wire::pb::Unpark unpark;
      return unpark.ParseFromString(frame.body) ? set_slots(unpark.slots()) : protocol_error("an Unpark body that does not parse");
    }
    case FrameType::kResize: {
      wire::pb::Resize resize;
      return resize.ParseFromString(frame.body) ? set_slots(resize.slots()) : protocol_error("a Resize body that does not parse");
    }
    default: return protocol_error(fmt::format("frame type {} is not for a worker", static_cast<int>(frame.type)));
  }
}

Step Loop::take_prepared() {
  Fd prepared = channel_.take_attachment();
  if (prepared_ || !prepared) return protocol_error("a second Prepared, or one without a descriptor");
  prepared_ = std::move(prepared);
  return {};
}

Step Loop::take_prefixes(const Frame& frame) {
  Fd prefixes = channel_.take_attachment();
  if (prefixes_ || !prefixes || frame.body.size() > kPrefixesKeyBytesMax)
    return protocol_error("a second Prefixes, or one without a descriptor or with no key of ours");
  prefixes_ = std::move(prefixes);
  prefixes_key_ = frame.body;
  return {};
}

Step Loop::load(const Frame& frame) {
  wire::pb::Load load;
  if (!load.ParseFromString(frame.body)) return protocol_error("a Load that does not parse");
  // No context is that of a model that takes no text.
  const bool sane = load.slots() >= 0 && load.slots() <= domain::kSlotsPerWorkerMax && load.threads() >= 0 && load.context_tokens() >= 0 &&
                    load.context_tokens() <= domain::kContextTokensMax;
  if (!sane) return protocol_error("a Load with numbers out of bounds");
  Fd model = channel_.take_attachment();
  if (needs_model_ && !model) return protocol_error("a Load without the model's descriptor");

  const engine::LoadOptions options{.model_name = load.model_name(),
                                    .context_tokens = load.context_tokens(),
                                    .slots = load.slots(),
                                    .threads = std::max(1, load.threads()),
                                    .tensor_bytes_max = load.tensor_bytes_max(),
                                    .prepared = prepared_.get(),
                                    .prefixes = prefixes_.get(),
                                    .prefixes_key = prefixes_key_,
                                    .log = [this](const std::string& line) { log(line); }};
  Result<std::unique_ptr<engine::Engine>> done = loader_(std::move(model), options, [this](int64_t part, int64_t whole) {
    wire::pb::Progress progress;
    progress.set_done(part);
    progress.set_total(whole);
    (void)say(FrameType::kProgress, progress);  // a lost server is noticed by the next look at the channel
  });
  prepared_.reset();
  if (!done) {
    wire::pb::LoadFailed failed;
    failed.set_message(done.error().message);
    (void)say(FrameType::kLoadFailed, failed);
    return std::unexpected(Ending{.status = kLoadFailedExit});
  }
  // Never a tenant's byte in a worker that could have been sealed and was not.
  if (const Status sealed = seal_(); !sealed) {
    wire::pb::LoadFailed failed;
    failed.set_message("the worker could not be confined: " + sealed.error().message);
    (void)say(FrameType::kLoadFailed, failed);
    return std::unexpected(Ending{.status = kSealFailedExit});
  }
  engine_ = std::move(*done);
  wire::pb::Ready ready;
  ready.set_slots(engine_->slots());
  return say(FrameType::kReady, ready);
}

Step Loop::set_slots(int slots) {
  if (slots < 1 || slots > domain::kSlotsPerWorkerMax) return protocol_error("a number of slots out of bounds");
  // Not enough memory is no failure of the worker: the answer says how many slots there are.
  (void)engine_->set_slots(slots);
  wire::pb::Ready ready;
  ready.set_slots(engine_->slots());
  return say(FrameType::kReady, ready);
}

Step Loop::park() {
  if (!calls_.empty()) return protocol_error("Park while calls run or are held");
  engine_->park();
  return say(FrameType::kParked, wire::pb::Parked{});
}

Step Loop::set_threads(const Frame& frame) {
  wire::pb::Threads threads;
  if (!threads.ParseFromString(frame.body) || threads.threads() < 0) return protocol_error("a Threads body that does not parse");
  paused_ = threads.threads() == 0;
  if (!paused_) engine_->set_threads(threads.threads());
  return {};
}

Step Loop::execute(const Frame& frame) {
  const CallId id{frame.stream};
  if (calls_.contains(id)) return protocol_error("an Execute for a call that runs already");
  const Result<domain::Call> call = wire::decode_call(frame.body);
  if (!call) return protocol_error(call.error().message);
  if (const Status taken = engine_->execute(id, *call); !taken) return write(encode_refused(id, taken.error(), io::SystemClock().mono()));
  calls_.emplace(id, CallState{});
  return {};
}

Step Loop::cancel(const Frame& frame) {
  const std::optional<engine::StepEvent> event = engine_->cancel(CallId{frame.stream});
  if (!event) return {};  // it ended while the cancel was under way
  calls_.erase(event->call);
  return write(encode_event(*event, io::SystemClock().mono()));
}

Step Loop::hold(const Frame& frame) {
  const auto call = calls_.find(CallId{frame.stream});
  if (call == calls_.end()) return {};
  if (std::exchange(call->second.course, Course::kHeld) == Course::kHeld) return protocol_error("a Hold for a call that is held already");
  engine_->hold(call->first);
  return {};
}

Step Loop::resume(const Frame& frame) {
  const auto call = calls_.find(CallId{frame.stream});
  if (call == calls_.end()) return {};
  if (std::exchange(call->second.course, Course::kRuns) == Course::kRuns) return protocol_error("a Resume for a call that is not held");
  // The server counts the slots: one that resumes more calls than it has slots for has lost count.
  if (const Status resumed = engine_->resume(call->first); !resumed) return protocol_error(resumed.error().message);
  return {};
}

Step Loop::work() {
  // All that steps said goes out in one write: one wake-up of the server for the whole batch.
  const MonoTime begun = io::SystemClock().mono();
  const std::vector<engine::StepEvent> events = engine_->step();
  const MonoTime now = io::SystemClock().mono();
  bool only_more_text = true;
  for (const engine::StepEvent& event : events) {
    said_ += encode_event(event, now);
    only_more_text = takes_down(event) && only_more_text;
  }
  const std::string raw = engine_->take_raw_output();
  said_ += raw;
  const StepSaid said{.only_more_text = only_more_text && raw.empty(), .took = now - begun, .since_told = now - told_, .bytes = said_.size()};
  return waits_for_more(said) ? Step{} : tell();
}

// What it means for its call. Whether it is more text of an answer that has begun.
bool Loop::takes_down(const engine::StepEvent& event) {
  using enum engine::StepEvent::Kind;
  if (event.kind == kFinished || event.kind == kFailed) calls_.erase(event.call);
  if (event.kind != kText) return false;
  const auto call = calls_.find(event.call);
  return call != calls_.end() && std::exchange(call->second.has_text, true);
}

Step Loop::tell() {
  if (said_.empty()) return {};
  told_ = io::SystemClock().mono();
  return write(std::exchange(said_, {}));
}

void Loop::log(const std::string& line) {
  wire::pb::Log body;
  body.set_line(line);
  (void)say(FrameType::kLog, body);
}

Step Loop::write(std::string_view bytes) {
  if (!channel_.write(bytes)) return server_gone();
  return {};
}

}  // namespace

int run_worker(WorkerSetup setup) { return Loop(std::move(setup)).run(); }

}  // namespace ebb::worker
