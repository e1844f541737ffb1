// What workers report becomes text for callers and events for the core.
#include <fmt/format.h>

#include "base/log.h"
#include "base/overload.h"
#include "invoke/local_platform.h"

namespace ebb::invoke {

namespace {

// The core judges progress in seconds: telling it every token would only cost time.
constexpr milliseconds kTellProgressEvery{100};
constexpr milliseconds kSpawnerRestartPause{200};

}  // namespace

io::Task<void> LocalPlatform::read_reports() {
  for (;;) {
    instance::Report report = co_await fleet_.next();
    take(std::move(report));
  }
}

void LocalPlatform::take(instance::Report report) {
  std::visit(Overload{
                 [this](const instance::SlotsReady& ready) {
                   const std::string endpoint = endpoint_of(ready.worker);
                   note(endpoint, fmt::format("worker {} is ready with {} slots", to_hex(ready.worker.value), ready.slots));
                   feed(control::WorkerReady{.worker = ready.worker, .slots = ready.slots, .alone = computes_here(endpoint) && begins_alone()});
                 },
                 [this](const instance::WorkerParked& parked) { feed(control::WorkerParked{parked.worker}); },
                 [this](const instance::WorkProgress& progress) { tell_progress(progress.worker); },
                 [this](const instance::WorkerLog& log) { note(endpoint_of(log.worker), log.line); },
                 [this](const instance::WorkerGone& gone) { take_gone(gone); },
                 [this](const instance::CallStarted& started) { take_started(started); },
                 [this](instance::CallText& text) { take_text(std::move(text)); },
                 [this](instance::CallVector& vector) { take_vector(std::move(vector)); },
                 [this](instance::CallPiece& piece) { take_piece(std::move(piece)); },
                 [this](const instance::CallTaken& taken) {
                   tell_progress(taken.worker);
                   const auto live = calls_.find(taken.call);
                   if (const auto stream = live == calls_.end() ? nullptr : live->second.stream.lock()) stream->took(taken.bytes);
                 },
                 [this](const instance::CallFinished& finished) {
                   control::CallEnded ended{.call = finished.call,
                                            .outcome = finished.cancelled ? domain::Outcome::kLeft : domain::Outcome::kOk,
                                            .prompt_tokens = finished.finished.prompt_tokens,
                                            .completion_tokens = finished.finished.completion_tokens,
                                            .at = instance::believed_end(finished.ended, clock_.mono())};
                   take_end(finished.call, ended, finished.finished);
                 },
                 [this](const instance::CallRefused& refused) {
                   const bool failed = refused.error.kind == ErrorKind::kFunction || refused.error.kind == ErrorKind::kTimeout;
                   const control::CallEnded ended{.call = refused.call,
                                                  .outcome = failed ? domain::Outcome::kFailed : domain::Outcome::kRefused,
                                                  .at = instance::believed_end(refused.ended, clock_.mono())};
                   take_end(refused.call, ended, domain::Failed{.error = refused.error, .completion_tokens = 0});
                 },
                 [this](const instance::EgressEnded& ended) { take_egress(ended); },
                 [this](const instance::SandboxReport& report_) {
                   sandbox_.clear();
                   for (const auto& layer : report_.layers)
                     sandbox_.push_back({.name = layer.name, .active = layer.active, .detail = layer.detail});
                   sandbox_known_.cancel();
                 },
                 [this](const instance::ContainersReport& report_) { containers_ = report_.runtime; },
                 [this](const instance::SpawnerGone& gone) { restart_spawner(gone.reason); },
             },
             report);
}

bool LocalPlatform::push(CallId call, domain::CallEvent event) {
  const auto live = calls_.find(call);
  const auto stream = live == calls_.end() ? nullptr : live->second.stream.lock();
  return stream == nullptr || stream->push(std::move(event));
}

void LocalPlatform::take_text(instance::CallText text) {
  tell_progress(text.worker);
  const auto live = calls_.find(text.call);
  if (live == calls_.end()) return;
  live->second.tokens += text.text.tokens;
  if (!text.text.text.empty()) tell_first(text.call);
  // A stream that is full was cut by this push; for the core its client has left.
  if (!push(text.call, std::move(text.text))) feed(control::CallLeft{text.call});
}

void LocalPlatform::take_vector(instance::CallVector vector) {
  tell_progress(vector.worker);
  // From here on it is not tried again: the vectors of two tries would be taken for one answer.
  tell_first(vector.call);
  push(vector.call, std::move(vector.vector));
}

void LocalPlatform::take_started(const instance::CallStarted& started) {
  tell_progress(started.worker);
  if (const auto live = calls_.find(started.call); live != calls_.end()) {
    live->second.begun = true;
    live->second.body = {};
    // A function may have done something with it, whatever comes of its answer.
    if (std::holds_alternative<domain::HttpRequest>(live->second.call.input)) feed(control::CallCommitted{started.call});
  }
  push(started.call, started.started);
}

void LocalPlatform::take_piece(instance::CallPiece piece) {
  tell_progress(piece.worker);
  tell_first(piece.call);
  push(piece.call, std::move(piece.piece));
}

void LocalPlatform::tell_first(CallId call) {
  const auto live = calls_.find(call);
  if (live == calls_.end() || live->second.text_told) return;
  live->second.text_told = true;
  feed(control::CallFirstText{call});
}

void LocalPlatform::take_end(CallId call, control::CallEnded ended, domain::CallEvent last) {
  // The record comes first, so that the last event finds what the call cost; the core forgets the call in the same step.
  const auto live = calls_.find(call);
  const auto stream = live == calls_.end() ? nullptr : live->second.stream.lock();
  feed(ended);
  if (stream) stream->push(std::move(last));
}

void LocalPlatform::take_gone(const instance::WorkerGone& gone) {
  const std::string endpoint = endpoint_of(gone.worker);
  const std::string why = gone.error ? fmt::format("{}: {}", gone.reason, gone.error->message) : gone.reason;
  note(endpoint, fmt::format("worker {} is gone: {}", to_hex(gone.worker.value), why));
  log_info("worker gone", {{"endpoint", endpoint}, {"worker", to_hex(gone.worker.value)}, {"reason", why}});
  feed(control::WorkerDied{.worker = gone.worker, .reason = gone.reason, .error = gone.error});
  worker_endpoints_.erase(gone.worker);
  if (options_.prefixes != nullptr) options_.prefixes->give_back(gone.worker);
  progress_told_.erase(gone.worker);
}

void LocalPlatform::take_egress(const instance::EgressEnded& ended) {
  using Outcome = instance::EgressEnded::Outcome;
  const std::string endpoint = endpoint_of(ended.worker);
  if (!control::summary_of(state_, endpoint)) return;  // it was removed meanwhile
  EgressTotals& totals = egress_[endpoint];
  ++(ended.outcome == Outcome::kPassed ? totals.passed : ended.outcome == Outcome::kRefused ? totals.refused : totals.failed);
  totals.sent_bytes += ended.sent_bytes;
  totals.received_bytes += ended.received_bytes;
  if (!ended.what.empty()) note(endpoint, fmt::format("egress {}: {}", ended.outcome == Outcome::kRefused ? "refused" : "failed", ended.what));
}

void LocalPlatform::tell_progress(WorkerId worker) {
  MonoTime& told = progress_told_[worker];
  const MonoTime now = clock_.mono();
  if (now - told < kTellProgressEvery) return;
  told = now;
  feed(control::WorkerProgress{worker});
}

void LocalPlatform::restart_spawner(const std::string& reason) {
  if (drain_done_) return;
  log_error("the spawner is gone; starting another", {{"reason", reason}});
  spawner_restart_.expires_after(kSpawnerRestartPause);
  spawner_restart_.async_wait([this](io::ErrorCode error) {
    if (error) return;
    if (Status started = fleet_.start_spawner(); !started) restart_spawner(started.error().message);
  });
}

}  // namespace ebb::invoke
