// The loop's side of the turns.
#include "engine_onnx/onnx_engine.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <future>
#include <utility>

#include "base/check.h"
#include "engine_onnx/library.h"
#include "engine_onnx/tensor_work.h"

namespace ebb::engine_onnx {

namespace {

using Kind = engine::StepEvent::Kind;

// A cancel waits for this at most.
constexpr milliseconds kStepMax{10};
// How often the server hears that a long run goes on.
constexpr int kSilentStepsMax = 100;
constexpr milliseconds kShowLife{1'000};
constexpr int kLoadShownMax = 300;
// A run that was told to stop ends with the operator that it is in. One that takes longer than this is not waited for.
constexpr milliseconds kStopMax{10'000};

// Few numbers, since each is a session of its own.
int usable_threads(int wanted) { return static_cast<int>(std::bit_floor(std::min(static_cast<unsigned>(std::max(1, wanted)), cores()))); }

// The library optimises a graph without a word in between. Life is shown meanwhile, but not for ever: a graph may be made so that it takes that long.
Result<std::unique_ptr<Model>> load_showing_life(const Fd& package, const engine::LoadOptions& options, const engine::Progress& progress) {
  std::vector<std::string> said;  // told when the other thread is done: only this one may write to the server
  const Model::Log keep = [&said](const std::string& line) { said.push_back(line); };
  auto loading = std::async(std::launch::async, [&] { return Model::load(package, options.prepared, usable_threads(options.threads), keep); });
  for (int shown = 0; shown < kLoadShownMax; ++shown) {
    progress(0, 1);
    if (loading.wait_for(kShowLife) == std::future_status::ready) break;
  }
  Result<std::unique_ptr<Model>> loaded = loading.get();
  std::ranges::for_each(said, options.log);
  return loaded;
}

}  // namespace

Result<std::unique_ptr<engine::Engine>> load_engine(Fd model, const engine::LoadOptions& options, const engine::Progress& progress) {
  Result<std::unique_ptr<Model>> loaded = load_showing_life(model, options, progress);
  if (!loaded) return fail(loaded.error());
  // Loading has its own bound: what it takes depends on the model and not on who calls.
  bound_tensors(options.tensor_bytes_max);
  Result<std::unique_ptr<Task>> task = make_task(**loaded, options.context_tokens);
  if (!task) return fail(task.error());
  progress(1, 1);
  return std::make_unique<OnnxEngine>(std::move(*loaded), std::move(*task), options);
}

OnnxEngine::OnnxEngine(std::unique_ptr<Model> model, std::unique_ptr<Task> task, const engine::LoadOptions& options)
    : model_(std::move(model)), task_(std::move(task)), threads_(usable_threads(options.threads)), slots_(options.slots) {}

OnnxEngine::~OnnxEngine() {
  while (!calls_.empty())
    (void)cancel(calls_.front()->id);
  wait_for_stopped_run();
}

Status OnnxEngine::set_slots(int slots) {
  EBB_CHECK(slots >= 1);
  slots_ = std::max(slots, static_cast<int>(calls_.size()));
  return {};
}

void OnnxEngine::park() {
  EBB_CHECK(calls_.empty());
  wait_for_stopped_run();
  ::malloc_trim(0);
  slots_ = 0;
}

void OnnxEngine::set_threads(int threads) { threads_ = usable_threads(threads); }

Result<std::unique_ptr<Work>> OnnxEngine::work_for(const domain::Call& what) const {
  if (const auto* tensors = std::get_if<domain::Tensors>(&what.input)) return make_tensor_work(*model_, *tensors);
  if (task_ == nullptr) return fail(engine::not_what_it_does("takes and gives tensors"));
  return task_->work_for(what);
}

Status OnnxEngine::execute(CallId call, const domain::Call& what) {
  if (std::cmp_greater_equal(calls_.size(), slots_)) return fail(engine::all_slots_taken(slots_));
  Result<std::unique_ptr<Work>> work = work_for(what);
  if (!work) return fail(work.error());
  calls_.push_back(std::make_shared<RunningCall>(RunningCall{.id = call, .work = std::move(*work)}));
  return {};
}

OnnxEngine::Calls::iterator OnnxEngine::find(CallId call) {
  return std::ranges::find_if(calls_, [call](const auto& running) { return running->id == call; });
}

std::optional<engine::StepEvent> OnnxEngine::cancel(CallId call) {
  const auto found = find(call);
  if (found == calls_.end()) return std::nullopt;
  if (turn_ != nullptr && turn_->cancel(call)) stopped_ = true;
  calls_.erase(found);
  return engine::StepEvent{.call = call, .kind = Kind::kCancelled};
}

std::vector<engine::StepEvent> OnnxEngine::step() {
  if (turn_ == nullptr) start_turn();
  if (turn_ == nullptr) return {};
  if (runner_.wait(kStepMax)) return end_turn();
  if (stopped_) wait_for_stopped_run();
  return turn_ == nullptr ? Events{} : show_life();
}

void OnnxEngine::start_turn() {
  if (calls_.empty()) return;
  turn_ = std::make_unique<Turn>(*model_, threads_, std::vector(calls_.begin(), calls_.end()));
  silent_steps_ = 0;
  runner_.start([turn = turn_.get()] { turn->run(); });
  // Whoever was first this time is last the next: a call of many parts lets others pass.
  std::ranges::rotate(calls_, calls_.begin() + 1);
}

OnnxEngine::Events OnnxEngine::end_turn() {
  Events events = turn_->take_events();
  turn_.reset();
  stopped_ = false;
  // Of calls that were cancelled meanwhile nothing is told.
  std::erase_if(events, [this](const engine::StepEvent& event) { return find(event.call) == calls_.end(); });
  std::erase_if(calls_, [](const auto& call) { return call->ended; });
  model_->improve(threads_);
  return events;
}

OnnxEngine::Events OnnxEngine::show_life() {
  if (++silent_steps_ < kSilentStepsMax) return {};
  silent_steps_ = 0;
  Events events;
  for (const auto& call : calls_)
    events.push_back({.call = call->id, .kind = Kind::kProgress});
  return events;
}

void OnnxEngine::wait_for_stopped_run() {
  if (turn_ == nullptr) return;
  // The server starts another worker; nothing of a caller's is lost that was not cancelled.
  if (!runner_.wait(kStopMax)) std::abort();
  (void)end_turn();
}

}  // namespace ebb::engine_onnx
