// Prices and limits by rate, by own books. The rules, written once more:
//
//   the list      the newest whose moment has come when the call arrives, or came for a call before it
//   run time      what the first x MiB·ms of a tenant's month cost is F(x), nothing for what is free; a call from x to y pays F(y) − F(x), rounded up
//   calls, tokens those past the free ones
//   a rate        a bucket that holds its amount, is full at first, and fills by amount / time; a request needs room for itself, others that something is left
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "sim/checkers.h"

namespace ebb::sim {

namespace {

__extension__ using Wide = __int128;
constexpr Wide kMost = std::numeric_limits<int64_t>::max();

int64_t month_of(WallTime wall) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(wall));
  return int64_t{static_cast<int>(day.year())} * 12 + static_cast<unsigned>(day.month());
}

// F(x) in 1e-12 × MiB·ms.
Wide price_of_first(const domain::PriceList& list, size_t tier, Wide amount) {
  Wide price = 0;
  for (size_t i = 0; i < list.steps.size(); ++i) {
    const Wide from = std::max<Wide>(list.steps[i].from_mib_ms, list.free.mib_ms);
    const Wide to = std::min<Wide>(amount, i + 1 < list.steps.size() ? Wide{list.steps[i + 1].from_mib_ms} : kMost * 2);
    if (to > from) price += (to - from) * list.steps[i].per_gib_second.at(tier);
  }
  return price;
}

domain::Pico rounded(Wide price) {
  const Wide whole = price / domain::kMibMsPerGibSecond + (price % domain::kMibMsPerGibSecond == 0 ? 0 : 1);
  return static_cast<domain::Pico>(std::min(whole, kMost));
}

Wide past(int64_t free, int64_t before, int64_t amount) { return std::max<Wide>(Wide{before} + amount - std::max(free, before), 0); }

// Enums of run tiers come first.
size_t place_of(domain::Tier tier) { return static_cast<size_t>(tier); }

bool is_of(const domain::RateLimit& limit, const CallBook& call) {
  switch (limit.whose) {
    case domain::BudgetOf::kTenant: return limit.name == call.tenant;
    case domain::BudgetOf::kKey: return limit.name == call.key;
    case domain::BudgetOf::kEndpoint: return limit.name == call.endpoint;
  }
  return false;
}

Wide capacity(const domain::RateLimit& limit) { return Wide{limit.amount} * limit.per.count(); }

// In amount × ns.
void drain(RateBook& book, MonoTime now) {
  book.used = std::max<Wide>(book.used - Wide{(now - book.at).count()} * book.limit.amount, 0);
  if (book.used == 0) book.rounding = 0;
  book.at = now;
}

void fill(RateBook& book, int64_t amount, MonoTime now) {
  drain(book, now);
  book.used = std::min(book.used + Wide{amount} * book.limit.per.count(), capacity(book.limit) * 10);
  book.rounding += book.limit.amount;  // the core counts in whole nanoseconds
}

// `slack`: what rounding may hide.
bool is_over(RateBook& book, MonoTime now, Wide slack) {
  if (book.limit.of == domain::RateOf::kConcurrency) return book.running >= book.limit.amount;
  drain(book, now);
  if (book.limit.of == domain::RateOf::kRequests) return book.used + book.limit.per.count() > capacity(book.limit) + slack;
  return book.used >= capacity(book.limit) + std::max<Wide>(slack, 0);
}

}  // namespace

const domain::PriceList& Checkers::list_at(WallTime wall) {
  while (list_ + 1 < lists_.size() && lists_[list_ + 1].from <= wall)
    ++list_;
  return lists_[list_];
}

domain::Pico Checkers::price_of(const domain::UsageRecord& record, const CallBook& call) {
  const auto list = std::ranges::find(lists_, call.prices, &domain::PriceList::version);
  TallyBook& tally = tallies_[record.tenant];
  if (const int64_t month = month_of(record.ended); month > tally.month) tally = {.month = month, .used = {}};
  const domain::Use before = tally.used;
  const int64_t run = record.billed_ms * record.memory_mib;
  tally.used += {.mib_ms = run, .calls = 1, .prompt_tokens = record.prompt_tokens, .completion_tokens = record.completion_tokens};
  const size_t tier = place_of(record.tier);
  const Wide tokens = past(list->free.prompt_tokens, before.prompt_tokens, record.prompt_tokens) * list->per_prompt_token +
                      past(list->free.completion_tokens, before.completion_tokens, record.completion_tokens) * list->per_completion_token;
  const Wide cost = rounded(price_of_first(*list, tier, Wide{before.mib_ms} + run) - price_of_first(*list, tier, before.mib_ms)) +
                    past(list->free.calls, before.calls, 1) * list->per_call + tokens;
  return static_cast<domain::Pico>(std::min(cost, kMost));
}

domain::Pico Checkers::worst_price(const domain::Revision& revision, int64_t billed_ms, const domain::PriceList& list) const {
  domain::Pico dearest = 0;
  for (const domain::PriceStep& step : list.steps)
    for (const domain::Pico price : step.per_gib_second)
      dearest = std::max(dearest, price);
  const Wide tokens = Wide{revision.context_tokens} * (Wide{list.per_prompt_token} + list.per_completion_token);
  const Wide run = std::min(Wide{billed_ms} * revision.memory_mib, kMost);
  return static_cast<domain::Pico>(std::min<Wide>(rounded(run * dearest) + Wide{list.per_call} + tokens, kMost));
}

void Checkers::check_rates(const CallBook& call, CallId id, const Error* refused) {
  const bool for_rate =
      refused != nullptr && refused->kind == ErrorKind::kQuota && (refused->code == domain::kOverRate || refused->code == domain::kOverSpending);
  bool over = false;
  for (RateBook& book : rates_) {
    if (!is_of(book.limit, call)) continue;
    over = over || is_over(book, now_, 0);
    if (refused == nullptr && is_over(book, now_, book.rounding))
      fail("rate", fmt::format("call {} is accepted, and {} '{}' is at its limit of {}", id.value, to_string(book.limit.whose), book.limit.name,
                               format_rate(book.limit)));
  }
  if (for_rate && !over) fail("false refusal", fmt::format("call {} is refused, and no limit is reached: {}", id.value, refused->message));
  if (refused != nullptr) return;
  for (RateBook& book : rates_) {
    if (!is_of(book.limit, call)) continue;
    ++book.running;
    if (book.limit.of == domain::RateOf::kRequests) fill(book, 1, now_);
  }
}

void Checkers::end_in_rates(const domain::UsageRecord& record, const CallBook& call) {
  for (RateBook& book : rates_) {
    if (!is_of(book.limit, call)) continue;
    --book.running;
    if (book.limit.of == domain::RateOf::kTokens) fill(book, record.prompt_tokens + record.completion_tokens, now_);
    if (book.limit.of == domain::RateOf::kSpending) fill(book, record.cost, now_);
  }
}

void Checkers::told(const control::PricesSet& event) { lists_.push_back(event.prices); }
void Checkers::told(const control::PricesRemoved& event) {
  std::erase_if(lists_, [&](const domain::PriceList& list) { return list.version == event.version; });
}
void Checkers::told(const control::UsedBefore& event) {
  for (const auto& [tenant, use] : event.of_tenants)
    tallies_[tenant] = {.month = month_of(event.wall), .used = use};
}

void Checkers::told(const control::RateSet& event) {
  told(control::RateRemoved{event.limit});
  RateBook& book = rates_.emplace_back(RateBook{.limit = event.limit, .at = now_});
  for (const auto& [id, call] : calls_)
    book.running += is_of(event.limit, call) ? 1 : 0;
}

void Checkers::told(const control::RateRemoved& event) {
  std::erase_if(rates_, [&](const RateBook& book) {
    return book.limit.whose == event.limit.whose && book.limit.name == event.limit.name && book.limit.of == event.limit.of;
  });
}

}  // namespace ebb::sim
