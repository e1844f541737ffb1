// Doing what the core says: each action is a verb of the fleet, a stream or the ledger.
#include <fmt/format.h>

#include <chrono>

#include "base/check.h"
#include "base/log.h"
#include "base/overload.h"
#include "invoke/local_platform.h"

namespace ebb::invoke {

void LocalPlatform::perform(const control::Action& action) {
  std::visit(Overload{
                 [this](const control::StartWorker& start) { perform_start(start); },
                 [this](const control::Park& park) {
                   note(endpoint_of(park.worker), fmt::format("worker {} parks", to_hex(park.worker.value)));
                   fleet_.park(park.worker);
                 },
                 [this](const control::Unpark& unpark) {
                   note(endpoint_of(unpark.worker), fmt::format("worker {} wakes with {} slots", to_hex(unpark.worker.value), unpark.slots));
                   fleet_.unpark(unpark.worker, unpark.slots);
                 },
                 [this](const control::Resize& resize) { fleet_.resize(resize.worker, resize.slots); },
                 [this](const control::SetThreads& threads) { fleet_.set_threads(threads.worker, threads.threads); },
                 [this](const control::KillWorker& kill) {
                   if (kill.grace.count() > 0) {
                     fleet_.end(kill.worker, kill.reason, kill.grace);
                   } else {
                     fleet_.kill(kill.worker, kill.reason);
                   }
                 },
                 [this](const control::Dispatch& dispatch) { perform_dispatch(dispatch); },
                 [this](const control::HoldCall& hold) { fleet_.hold(hold.worker, hold.call); },
                 [this](const control::ResumeCall& resume) { fleet_.resume(resume.worker, resume.call); },
                 [this](const control::CancelCall& cancel) { fleet_.cancel(cancel.worker, cancel.call); },
                 [this](const control::AnswerError& error) { answer(error.call, error.error); },
                 [this](const control::RecordUsage& usage) { record(usage.record); },
                 [this](const control::RecordInit& init) { record_init(init.record); },
                 [this](const control::WakeAt& wake) { wake_at(wake.at); },
                 [this](const control::Drained&) {
                   drain_done_ = true;
                   drained_.cancel();
                 },
             },
             action.act);
}

void LocalPlatform::perform_start(const control::StartWorker& start) {
  worker_endpoints_[start.worker] = start.endpoint;
  const domain::Revision* revision = control::find_revision(state_, start.revision);
  EBB_CHECK(revision != nullptr);
  instance::StartOrder order{.worker = start.worker,
                             .engine = revision->spec.engine,
                             .model_name = revision->model ? revision->model->name : start.endpoint,
                             .model = {},
                             .function = std::nullopt,
                             .egress = std::nullopt,
                             .context_tokens = revision->context_tokens,
                             .tensor_bytes_max = revision->tensor_bytes_max(),
                             .slots = start.slots,
                             .threads = start.threads};
  if (revision->model) {
    Result<Fd> model = models_.open(revision->model->digest);
    if (!model) {
      // What cannot be done is an event like any other.
      feed(control::WorkerDied{.worker = start.worker, .reason = "its model cannot be opened", .error = model.error()});
      return;
    }
    order.model = std::move(*model);
    if (std::optional<Fd> prepared = models_.open_prepared(*revision->model)) order.prepared = std::move(*prepared);
    if (options_.prefixes != nullptr && revision->spec.engine == domain::Engine::kLlama) {
      if (auto loan = options_.prefixes->lend(start.worker, start.endpoint, revision->model->digest, revision->context_tokens)) {
        order.prefixes = std::move(loan->file);
        order.prefixes_key = std::move(loan->key);
      }
    }
  }
  if (revision->function) {
    Result<domain::FunctionStart> function = functions_.start_of(*revision);
    if (!function) {
      feed(control::WorkerDied{.worker = start.worker, .reason = "its image cannot be opened", .error = function.error()});
      return;
    }
    order.function = std::move(*function);
    order.egress = revision->spec.function->egress;
  }
  note(start.endpoint, fmt::format("worker {} starts with {} slots", to_hex(start.worker.value), start.slots));
  log_info("worker starts", {{"endpoint", start.endpoint}, {"worker", to_hex(start.worker.value)}, {"slots", start.slots}});
  fleet_.start(std::move(order));
}

void LocalPlatform::perform_dispatch(const control::Dispatch& dispatch) {
  const auto live = calls_.find(dispatch.call);
  EBB_CHECK(live != calls_.end());
  live->second.tokens = 0;  // of this try
  live->second.call.priority = dispatch.priority;
  if (const auto stream = live->second.stream.lock()) stream->set_dispatched({.tier = dispatch.tier, .queued = dispatch.queued, .start = dispatch.start});
  live->second.worker = dispatch.worker;
  live->second.begun = false;
  fleet_.execute(dispatch.worker, dispatch.call, live->second.call);
  for (const auto& [piece, last] : live->second.body)
    fleet_.input(dispatch.worker, dispatch.call, piece, last);
}

// Kept until the worker began, for a second try.
void LocalPlatform::send_input(CallId call, std::string piece, bool last) {
  const auto live = calls_.find(call);
  if (live == calls_.end()) return;
  if (live->second.worker) fleet_.input(live->second.worker, call, piece, last);
  if (!live->second.begun) live->second.body.emplace_back(std::move(piece), last);
}

void LocalPlatform::give_credit(CallId call, size_t bytes) {
  const auto live = calls_.find(call);
  if (live != calls_.end()) fleet_.credit(live->second.worker, call, bytes);
}

void LocalPlatform::answer(CallId call, const Error& error) {
  const auto live = calls_.find(call);
  if (live == calls_.end()) return;
  if (call == arriving_) {
    refused_ = error;
    calls_.erase(live);
    return;
  }
  if (const auto stream = live->second.stream.lock()) stream->push(domain::Failed{.error = error, .completion_tokens = live->second.tokens});
}

void LocalPlatform::record(const domain::UsageRecord& record) {
  const auto live = calls_.find(record.call);
  if (live != calls_.end()) {
    if (const auto stream = live->second.stream.lock()) stream->set_usage(record);
    calls_.erase(live);
  }
  store::EndpointTotals& totals = totals_[record.endpoint];
  ++totals.calls;
  totals.cost += record.cost;
  totals.last_ended = record.ended;
  // The backlog is bounded; before it is full the ledger has said that it cannot write, and no call was accepted since.
  if (!usage_log_.append(record)) log_error("a usage record could not be kept", {{"call", to_hex(record.call.value)}, {"endpoint", record.endpoint}});
}

void LocalPlatform::record_init(domain::UsageRecord record) {
  record.call = CallId{call_ids_.next()};
  record.ended = clock_.wall();
  totals_[record.endpoint].cost += record.cost;
  note(record.endpoint, fmt::format("an instance started in {} ms", record.billed_ms));
  if (!usage_log_.append(record)) log_error("the record of a start could not be kept", {{"endpoint", record.endpoint}});
}

void LocalPlatform::wake_at(MonoTime at) {
  // MonoTime is CLOCK_MONOTONIC, which is what the timers of this platform run on.
  wake_.expires_at(std::chrono::steady_clock::time_point(std::chrono::duration_cast<std::chrono::steady_clock::duration>(at.time_since_epoch())));
  wake_.async_wait([this](io::ErrorCode error) {
    if (!error) feed(control::TimeReached{});
  });
}

}  // namespace ebb::invoke
