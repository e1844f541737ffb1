// One overload for each kind of event and action, twice: what is hashed, what is said.
#include "sim/trace.h"
#include "base/overload.h"

#include <fmt/format.h>

#include <chrono>

namespace ebb::sim {

namespace {

void hash(TraceHash& into, std::initializer_list<uint64_t> words) {
  for (const uint64_t word : words)
    into.word(word);
}

uint64_t of(int64_t number) { return static_cast<uint64_t>(number); }
uint64_t of(MonoTime time) { return of(time.time_since_epoch().count()); }
uint64_t of(WallTime time) { return of(time.time_since_epoch().count()); }

void hash_record(TraceHash& into, const domain::UsageRecord& r) {
  into.text(r.endpoint);
  hash(into, {r.call.value, r.revision.value, of(r.ended), of(static_cast<int64_t>(r.tier)), of(static_cast<int64_t>(r.outcome)), of(r.queued.count()),
              of(r.start.count()), of(r.busy.count()), of(r.first_byte.count()), of(r.total.count()), of(r.billed_ms), of(r.memory_mib), of(r.cost),
              of(r.prompt_tokens), of(r.completion_tokens), of(r.prices), of(r.list_cost)});
  into.text(r.tenant);
  into.text(r.key);
}

std::string ms(nanoseconds time) { return fmt::format("{}.{:03} ms", time.count() / 1'000'000, time.count() / 1'000 % 1'000); }

std::string deadline_words(MonoTime deadline) {
  return deadline == MonoTime::max() ? std::string() : fmt::format(", to be answered by {}", ms(deadline.time_since_epoch()));
}

}  // namespace

// Its length and characters, as many to a word as fit: most texts are one word.
void TraceHash::text(std::string_view text) {
  uint64_t packed = text.size();
  for (const char c : text) {
    packed = packed << 8U | static_cast<unsigned char>(c);
    if (packed >> 56U == 0) continue;
    word(packed);
    packed = 0;
  }
  word(packed);
}

void TraceHash::add(MonoTime now) { word(of(now)); }

void TraceHash::add(const control::Event& event) {
  word(event.index());
  std::visit(Overload{
                 [&](const control::CallArrived& e) {
                   text(e.endpoint);
                   text(e.tenant);
                   text(e.key);
                   hash(*this, {e.call.value, of(e.deadline), of(e.wall), e.alone ? 1U : 0U, e.priority ? of(static_cast<int64_t>(*e.priority)) : 99U,
                                e.max_cost ? of(*e.max_cost) : ~0U});
                 },
                 [&](const control::CallFirstText& e) { word(e.call.value); },
                 [&](const control::CallCommitted& e) { word(e.call.value); },
                 [&](const control::CallEnded& e) {
                   hash(*this, {e.call.value, of(static_cast<int64_t>(e.outcome)), of(e.prompt_tokens), of(e.completion_tokens)});
                 },
                 [&](const control::CallLeft& e) { word(e.call.value); },
                 [&](const control::WorkerReady& e) {
                   hash(*this, {e.worker.value, of(int64_t{e.slots}), e.alone ? 1U : 0U});
                 },
                 [&](const control::WorkerParked& e) { word(e.worker.value); },
                 [&](const control::WorkerProgress& e) { word(e.worker.value); },
                 [&](const control::WorkerDied& e) {
                   hash(*this, {e.worker.value, e.error ? 1U : 0U});
                 },
                 [&](const control::Readings& e) {
                   // Eighths of a core are exact.
                   hash(*this, {of(static_cast<int64_t>(e.cores_busy_elsewhere * 8)), e.node_available_bytes});
                   for (const control::WorkerMemory& worker : e.workers)
                     hash(*this, {worker.worker.value, worker.pss_bytes});
                 },
                 [&](const control::ClockRead& e) { word(static_cast<uint64_t>(e.wall.time_since_epoch().count())); },
                 [&](const control::StoreWritable& e) { word(e.writable ? 1 : 0); },
                 [&](const control::RevisionDeployed& e) {
                   text(e.revision.spec.name);
                   word(e.revision.id.value);
                 },
                 [&](const control::EndpointRemoved& e) { text(e.endpoint); },
                 [&](const control::BudgetSet& e) {
                   text(e.budget.name);
                   hash(*this, {e.budget.id.value, of(static_cast<int64_t>(e.budget.of)), of(static_cast<int64_t>(e.budget.period)), of(e.budget.amount),
                                e.budget.hard ? 1U : 0U, of(e.wall)});
                 },
                 [&](const control::BudgetKnown& e) {
                   hash(*this, {e.budget.value, of(e.spent)});
                 },
                 [&](const control::BudgetRemoved& e) { word(e.budget.value); },
                 [&](const control::PricesSet& e) {
                   hash(*this, {of(e.prices.version), of(e.prices.from), e.prices.steps.size(), of(e.prices.per_call)});
                 },
                 [&](const control::PricesRemoved& e) { word(of(e.version)); },
                 [&](const control::UsedBefore& e) {
                   for (const auto& [tenant, use] : e.of_tenants) {
                     text(tenant);
                     hash(*this, {of(use.mib_ms), of(use.calls), of(use.prompt_tokens), of(use.completion_tokens)});
                   }
                 },
                 [&](const control::RateSet& e) {
                   text(e.limit.name);
                   hash(*this, {of(static_cast<int64_t>(e.limit.whose)), of(static_cast<int64_t>(e.limit.of)), of(e.limit.amount), of(e.limit.per.count())});
                 },
                 [&](const control::RateRemoved& e) {
                   text(e.limit.name);
                   hash(*this, {of(static_cast<int64_t>(e.limit.whose)), of(static_cast<int64_t>(e.limit.of))});
                 },
                 [](const control::DrainRequested&) {},
                 [](const control::TimeReached&) {},
             },
             event);
}

void TraceHash::add(const control::Act& act) {
  word(100 + act.index());
  std::visit(Overload{
                 [&](const control::StartWorker& a) {
                   text(a.endpoint);
                   hash(*this, {a.worker.value, a.revision.value, of(int64_t{a.slots}), of(int64_t{a.threads})});
                 },
                 [&](const control::Park& a) { word(a.worker.value); },
                 [&](const control::Unpark& a) {
                   hash(*this, {a.worker.value, of(int64_t{a.slots})});
                 },
                 [&](const control::Resize& a) {
                   hash(*this, {a.worker.value, of(int64_t{a.slots})});
                 },
                 [&](const control::SetThreads& a) {
                   hash(*this, {a.worker.value, of(int64_t{a.threads})});
                 },
                 [&](const control::KillWorker& a) {
                   hash(*this, {a.worker.value, of(int64_t{a.grace.count()})});
                 },
                 [&](const control::Dispatch& a) {
                   hash(*this, {a.call.value, a.worker.value, of(static_cast<int64_t>(a.tier)), of(a.queued.count()), of(a.start.count())});
                 },
                 [&](const control::HoldCall& a) {
                   hash(*this, {a.call.value, a.worker.value});
                 },
                 [&](const control::ResumeCall& a) {
                   hash(*this, {a.call.value, a.worker.value});
                 },
                 [&](const control::CancelCall& a) {
                   hash(*this, {a.call.value, a.worker.value});
                 },
                 [&](const control::AnswerError& a) {
                   if (a.error.kind == ErrorKind::kQuota) text(a.error.code);
                   hash(*this, {a.call.value, of(static_cast<int64_t>(a.error.kind)), of(a.error.retry_after.count())});
                 },
                 [&](const control::RecordUsage& a) { hash_record(*this, a.record); },
                 [&](const control::RecordInit& a) { hash_record(*this, a.record); },
                 [&](const control::WakeAt& a) { word(of(a.at)); },
                 [](const control::Drained&) {},
             },
             act);
}

std::string words(const control::Event& event) {
  return std::visit(
      Overload{
          [](const control::CallArrived& e) {
            return fmt::format("call {} comes for '{}'{}{}{}{}{}", e.call.value, e.endpoint, e.priority ? fmt::format(", {}", to_string(*e.priority)) : "",
                               e.tenant.empty() ? "" : fmt::format(", of '{}'", e.tenant), e.key.empty() ? "" : fmt::format(", by key '{}'", e.key),
                               e.max_cost ? fmt::format(", for {} at most", domain::format_money(*e.max_cost)) : "", deadline_words(e.deadline));
          },
          [](const control::CallFirstText& e) { return fmt::format("call {} gives its first text", e.call.value); },
          [](const control::CallCommitted& e) { return fmt::format("call {} may have had an effect", e.call.value); },
          [](const control::CallEnded& e) { return fmt::format("call {} ends: {}", e.call.value, to_string(e.outcome)); },
          [](const control::CallLeft& e) { return fmt::format("the client of call {} leaves", e.call.value); },
          [](const control::WorkerReady& e) { return fmt::format("worker {} is ready with {} slots", e.worker.value, e.slots); },
          [](const control::WorkerParked& e) { return fmt::format("worker {} is parked", e.worker.value); },
          [](const control::WorkerProgress& e) { return fmt::format("worker {} shows progress", e.worker.value); },
          [](const control::WorkerDied& e) { return fmt::format("worker {} is gone: {}", e.worker.value, e.reason); },
          [](const control::Readings& e) {
            std::string all = fmt::format("readings: {} MiB available", e.node_available_bytes >> 20U);
            for (const control::WorkerMemory& worker : e.workers)
              all += fmt::format(", worker {} takes {} MiB", worker.worker.value, worker.pss_bytes >> 20U);
            return all;
          },
          [](const control::ClockRead& e) { return fmt::format("the clock says {} ms", e.wall.time_since_epoch().count()); },
          [](const control::StoreWritable& e) { return std::string(e.writable ? "bills can be written" : "bills cannot be written"); },
          [](const control::RevisionDeployed& e) { return fmt::format("revision {} of '{}' is deployed", e.revision.id.value, e.revision.spec.name); },
          [](const control::EndpointRemoved& e) { return fmt::format("'{}' is removed", e.endpoint); },
          [](const control::BudgetSet& e) {
            return fmt::format("budget {} of {} '{}' by {} is {}{}, at {} ms", e.budget.id.value, to_string(e.budget.of), e.budget.name,
                               to_string(e.budget.period), domain::format_money(e.budget.amount), e.budget.hard ? "" : " (only told)",
                               e.wall.time_since_epoch().count());
          },
          [](const control::BudgetKnown& e) { return fmt::format("of budget {} were spent {}", e.budget.value, domain::format_money(e.spent)); },
          [](const control::BudgetRemoved& e) { return fmt::format("budget {} is removed", e.budget.value); },
          [](const control::PricesSet& e) {
            return fmt::format("price list {} is in force from {} ms on", e.prices.version, e.prices.from.time_since_epoch().count());
          },
          [](const control::PricesRemoved& e) { return fmt::format("price list {} is removed", e.version); },
          [](const control::UsedBefore& e) { return fmt::format("{} tenants used something of the month before", e.of_tenants.size()); },
          [](const control::RateSet& e) {
            return fmt::format("{} of {} '{}' are limited to {}", to_string(e.limit.of), to_string(e.limit.whose), e.limit.name, format_rate(e.limit));
          },
          [](const control::RateRemoved& e) {
            return fmt::format("{} of {} '{}' are not limited any more", to_string(e.limit.of), to_string(e.limit.whose), e.limit.name);
          },
          [](const control::DrainRequested&) { return std::string("a drain begins"); },
          [](const control::TimeReached&) { return std::string("the time of the wake-up has come"); },
      },
      event);
}

std::string words(const control::Act& act) {
  return std::visit(Overload{
                        [](const control::StartWorker& a) {
                          return fmt::format("start worker {} for '{}': {} slots, {} threads", a.worker.value, a.endpoint, a.slots, a.threads);
                        },
                        [](const control::Park& a) { return fmt::format("park worker {}", a.worker.value); },
                        [](const control::Unpark& a) { return fmt::format("wake worker {} with {} slots", a.worker.value, a.slots); },
                        [](const control::Resize& a) { return fmt::format("worker {} to {} slots", a.worker.value, a.slots); },
                        [](const control::SetThreads& a) { return fmt::format("worker {} to {} threads", a.worker.value, a.threads); },
                        [](const control::KillWorker& a) { return fmt::format("kill worker {}: {}", a.worker.value, a.reason); },
                        [](const control::Dispatch& a) { return fmt::format("call {} to worker {}", a.call.value, a.worker.value); },
                        [](const control::HoldCall& a) { return fmt::format("hold call {} in worker {}", a.call.value, a.worker.value); },
                        [](const control::ResumeCall& a) { return fmt::format("let call {} go on in worker {}", a.call.value, a.worker.value); },
                        [](const control::CancelCall& a) { return fmt::format("cancel call {} in worker {}", a.call.value, a.worker.value); },
                        [](const control::AnswerError& a) { return fmt::format("answer call {}: {}", a.call.value, a.error.message); },
                        [](const control::RecordUsage& a) {
                          return fmt::format("record of call {}: {}, {} ns, {}", a.record.call.value, to_string(a.record.outcome), a.record.busy.count(),
                                             domain::format_money(a.record.cost));
                        },
                        [](const control::RecordInit& a) { return fmt::format("record of a start for '{}': {}", a.record.endpoint, ms(a.record.total)); },
                        [](const control::WakeAt& a) { return fmt::format("wake me at {}", ms(a.at.time_since_epoch())); },
                        [](const control::Drained&) { return std::string("drained"); },
                    },
                    act);
}

}  // namespace ebb::sim
