// Adding by ebb-fetch, removing only what nothing needs, and bills.
#include "app/model_admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "base/log.h"

namespace ebb::app {

namespace {

// Plain functions make what the coroutines below await with: GCC 12 copies some temporaries of a coroutine bytewise, a closure's or an
// aggregate's owned members with them.
using Tell = std::function<void(const registry::FetchProgress&)>;

Tell telling(std::shared_ptr<gateway::AddProgress> progress) {
  return [progress = std::move(progress)](const registry::FetchProgress& said) { progress->report(said); };
}

void stop_when_cancelled(gateway::AddProgress& progress, std::shared_ptr<registry::FetchStop> stop) {
  progress.on_cancel = [stop = std::move(stop)] { stop->stop(); };
}

wire::ModelProgress preparing() { return {.phase = "prepare"}; }

registry::FetchRequest fetch_of(const wire::AddModel& request, bool require_confinement) {
  return {.source = request.source, .sha256 = request.sha256, .require_confinement = require_confinement};
}

std::vector<wire::BillRow> rows_for(const gateway::BillRequest& request, const std::vector<store::BillRow>& stored) {
  std::vector<wire::BillRow> rows;
  for (const store::BillRow& row : stored) {
    rows.push_back({.endpoint = request.by_endpoint ? std::optional(row.endpoint) : std::nullopt,
                    .day = request.by_day ? std::optional(row.day) : std::nullopt,
                    .tier = request.by_tier ? std::optional(row.tier) : std::nullopt,
                    .tenant = request.by_tenant ? std::optional(row.tenant) : std::nullopt,
                    .key = request.by_key ? std::optional(row.key) : std::nullopt,
                    .calls = row.calls,
                    .faults = row.faults,
                    .billed_ms = row.billed_ms,
                    .mib_ms = row.mib_ms,
                    .cost = row.cost,
                    .list_cost = row.list_cost,
                    .prompt_tokens = row.prompt_tokens,
                    .completion_tokens = row.completion_tokens});
  }
  return rows;
}

}  // namespace

std::vector<domain::Model> RegistryAdmin::list() const { return models_.list(); }

io::Task<Result<domain::Model>> RegistryAdmin::add(wire::AddModel request, std::shared_ptr<gateway::AddProgress> progress) {
  const auto stop = std::make_shared<registry::FetchStop>();
  stop_when_cancelled(*progress, stop);
  registry::FetchRequest fetch = fetch_of(request, require_confinement_);
  Tell tell = telling(progress);
  io::Task<Result<registry::FetchResult>> fetching = fetcher_.fetch(std::move(fetch), std::move(tell), stop);
  const Result<registry::FetchResult> fetched = co_await std::move(fetching);
  progress->on_cancel = nullptr;
  if (!fetched) co_return fail(fetched.error());
  for (const std::string& layer : fetched->missing_layers)
    log_warn("ebb-fetch lacked a layer of confinement", {{"layer", layer}});
  Result<domain::Model> added = models_.add(request.name, *fetched, request.source, clock_.wall());
  changed_();
  if (!added) co_return added;
  // The model is there by now: who leaves during this finds it, and it goes on.
  models_.prepare(*added);
  progress->report(preparing());
  co_await preparer_.settled(added->digest);
  co_return added;
}

Result<wire::ModelView> RegistryAdmin::find(const domain::ModelRef& ref) const {
  Result<domain::Model> model = models_.resolve(ref);
  if (!model) return fail(model.error());
  registry::Preparer::Prepared prepared = preparer_.look_for(*model);
  return wire::ModelView{.model = std::move(*model), .not_prepared_why = std::move(prepared.why_not), .tokens_alike = prepared.tokens_alike};
}

Status RegistryAdmin::remove(const domain::ModelRef& ref) {
  const std::vector<invoke::EndpointView> endpoints = platform_.endpoints();
  const Status removed = models_.remove(ref, [&endpoints](const domain::Model& model) -> std::string {
    for (const invoke::EndpointView& endpoint : endpoints) {
      const auto& used = endpoint.revision.model;
      if (used && used->name == model.name && used->version == model.version) return endpoint.revision.spec.name;
      if (!endpoint.revision.function) continue;
      for (const auto& [mounted, path] : endpoint.revision.function->mounts)
        if (mounted.name == model.name && mounted.version == model.version) return endpoint.revision.spec.name;
    }
    return {};
  });
  changed_();
  return removed;
}

template <class T>
io::Task<Result<T>> LedgerBills::ask(std::function<Result<T>(store::UsageStore&)> read) {
  // Shared with the writer's thread, which fills it before it wakes us by a post to the loop.
  struct Answer {
    explicit Answer(io::Executor executor) : ready(executor, io::Timer::time_point::max()) {}
    io::Timer ready;
    bool done = false;
    Result<T> read;
  };
  const auto answer = std::make_shared<Answer>(executor_);
  const bool queued = usage_log_.query([answer, read = std::move(read), executor = executor_](store::UsageStore& usage) {
    answer->read = read(usage);
    io::asio::post(executor, [answer] {
      answer->done = true;
      answer->ready.cancel();
    });
  });
  if (!queued) co_return fail(ErrorKind::kOverloaded, "too many bills are being made: come back in a moment");
  while (!answer->done) {
    [[maybe_unused]] const auto woken = co_await answer->ready.async_wait(io::asio::as_tuple(io::use_awaitable));
  }
  co_return std::move(answer->read);
}

io::Task<Result<std::vector<wire::BillRow>>> LedgerBills::bill(gateway::BillRequest request) {
  const store::BillFilter filter{.by_endpoint = request.by_endpoint,
                                 .by_day = request.by_day,
                                 .by_tier = request.by_tier,
                                 .by_tenant = request.by_tenant,
                                 .by_key = request.by_key,
                                 .endpoint = request.endpoint,
                                 .tenant = request.tenant,
                                 .key = request.key,
                                 .from = request.from,
                                 .to = request.to};
  std::function<Result<std::vector<store::BillRow>>(store::UsageStore&)> read = [filter](store::UsageStore& usage) { return usage.bill(filter); };
  const Result<std::vector<store::BillRow>> rows = co_await ask(std::move(read));
  if (!rows) co_return fail(rows.error());
  std::vector<wire::BillRow> grouped = rows_for(request, *rows);
  co_return grouped;
}

io::Task<Result<std::optional<domain::UsageRecord>>> LedgerBills::record(CallId call) {
  return ask<std::optional<domain::UsageRecord>>([call](store::UsageStore& usage) { return usage.find(call); });
}

io::Task<Result<std::vector<wire::LedgerRow>>> LedgerBills::book(int64_t after, size_t limit) {
  return ask<std::vector<wire::LedgerRow>>([after, limit](store::UsageStore& usage) -> Result<std::vector<wire::LedgerRow>> {
    Result<std::vector<store::BookEntry>> entries = usage.book(after, static_cast<int64_t>(limit));
    if (!entries) return fail(entries.error());
    std::vector<wire::LedgerRow> rows;
    for (store::BookEntry& entry : *entries)
      rows.push_back({.number = entry.number, .record = std::move(entry.record), .link = std::move(entry.link)});
    return rows;
  });
}

namespace {

constexpr int64_t kCheckedAtOnce = 10'000;  // some 50 ms, while what ends waits to be written

// What a seal says of an entry. The oldest seal first.
struct SealedCheck {
  store::BookCheck book;
  std::vector<domain::Seal> seals;
  size_t next = 0;

  Status add(const store::BookEntry& entry) {
    if (Status sound = book.add(entry); !sound) return sound;
    for (; next < seals.size() && seals[next].entries <= entry.number; ++next) {
      if (seals[next].entries == entry.number && seals[next].head != entry.link)
        return fail(ErrorKind::kCorrupt, fmt::format("entry {} of the book is another than when it was sealed, on {}: the book was written anew since",
                                                     entry.number, seals[next].day));
    }
    return {};
  }
  Status end() const {
    if (next == seals.size()) return {};
    return fail(ErrorKind::kCorrupt, fmt::format("the book has {} entries, and had {} when it was sealed, on {}: its end was cut off", book.entries(),
                                                 seals.back().entries, seals.back().day));
  }
};

// True: that was the last part, and all of it is right.
Result<bool> check_part(store::UsageStore& usage, SealedCheck& check) {
  const Result<std::vector<store::BookEntry>> entries = usage.book(check.book.entries(), kCheckedAtOnce);
  if (!entries) return fail(entries.error());
  for (const store::BookEntry& entry : *entries) {
    if (Status sound = check.add(entry); !sound) return fail(sound.error());
  }
  if (std::cmp_equal(entries->size(), kCheckedAtOnce)) return false;
  if (Status sums = usage.check_sums(check.book); !sums) return fail(sums.error());
  if (Status whole = check.end(); !whole) return fail(whole.error());
  return true;
}

// Of an empty book there is nothing to say.
std::vector<domain::Seal> with_entries(std::vector<domain::Seal> seals) {
  std::erase_if(seals, [](const domain::Seal& seal) { return seal.entries == 0; });
  return seals;
}

}  // namespace

io::Task<Result<wire::LedgerCheck>> LedgerBills::check_book(std::vector<domain::Seal> seals) {
  const auto check = std::make_shared<SealedCheck>();  // shared with the writer's thread, part by part
  const size_t many = seals.size();
  check->seals = with_entries(std::move(seals));
  for (;;) {
    std::function<Result<bool>(store::UsageStore&)> part = [check](store::UsageStore& usage) { return check_part(usage, *check); };
    const Result<bool> done = co_await ask(std::move(part));
    if (!done) co_return fail(done.error());
    if (*done) break;
  }
  wire::LedgerCheck found;
  found.entries = check->book.entries();
  found.head = check->book.head();
  found.cost = check->book.cost();
  found.seals = static_cast<int64_t>(many);
  co_return found;
}

io::Task<Result<store::BookHead>> LedgerBills::book_head() {
  return ask<store::BookHead>([](store::UsageStore& usage) { return usage.book_head(); });
}

io::Task<Result<std::vector<domain::Pico>>> LedgerBills::spent_lately(domain::Budget budget, WallTime now) {
  return ask<std::vector<domain::Pico>>([budget = std::move(budget), now](store::UsageStore& usage) -> Result<std::vector<domain::Pico>> {
    const domain::ForecastBasis basis = domain::basis_of(budget.period);
    const store::Hour until = std::chrono::floor<std::chrono::hours>(now);
    Result<std::vector<domain::Pico>> sums = usage.spent_in(budget, until - basis.each * basis.times, basis.each, static_cast<size_t>(basis.times));
    if (!sums) return sums;
    sums->erase(sums->begin(), std::ranges::find_if(*sums, [](domain::Pico sum) { return sum != 0; }));
    std::ranges::reverse(*sums);
    return sums;
  });
}

io::Task<Result<domain::Pico>> LedgerBills::spent(domain::Budget budget, domain::Span span) {
  return ask<domain::Pico>([budget = std::move(budget), span](store::UsageStore& usage) { return usage.spent(budget, span); });
}

io::Task<Result<std::vector<domain::UsageRecord>>> LedgerBills::usage(gateway::UsageRequest request) {
  store::UsagePage page{.endpoint = std::move(request.endpoint),
                        .tenant = std::move(request.tenant),
                        .from = request.from,
                        .to = request.to,
                        .after = {},
                        .limit = static_cast<int64_t>(request.records_max)};
  if (request.after) page.after = {.ended = request.after->ended, .call = request.after->call};
  return ask<std::vector<domain::UsageRecord>>([page](store::UsageStore& usage) { return usage.page(page); });
}

}  // namespace ebb::app
