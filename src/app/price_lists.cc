// Versions count up, and moments with them: each list ends where the next begins, so there are neither gaps nor overlaps.
#include "app/price_lists.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "domain/limits.h"
#include "wire/price_json.h"
#include "wire/time_text.h"

namespace ebb::app {

namespace {

// A list that is to begin at once is on its way for a moment.
constexpr seconds kPastMax{60};

Result<domain::PriceList> read_list(const store::StoredPrices& stored) {
  const Result<json::value> document = parse_json(stored.document);
  if (!document) return fail(document.error());
  Result<wire::AddPrices> read = wire::add_prices_from_json(*document);
  if (!read) return fail(read.error());
  read->list.version = stored.version;
  read->list.from = stored.from;
  return std::move(read->list);
}

}  // namespace

PriceLists::PriceLists(store::Accounts& accounts, invoke::Platform& platform, const io::Clock& clock, domain::PriceList settings)
    : accounts_(accounts), platform_(platform), clock_(clock), lists_{std::move(settings)} {}

Status PriceLists::start(bool anything_spent) {
  const std::string& currency = lists_.front().currency;
  const Result<std::string> before = accounts_.currency();
  if (!before) return fail(before.error());
  const Result<std::vector<store::StoredPrices>> kept = accounts_.price_lists();
  if (!kept) return fail(kept.error());
  if (!before->empty() && *before != currency && (anything_spent || !kept->empty()))
    return fail(ErrorKind::kInvalid,
                fmt::format("the settings say prices.currency: {}, and what was spent, budgets and price lists here are in {}: amounts are not converted. "
                            "Leave it at {}, or begin anew with another --home",
                            currency, *before, *before),
                "prices.currency");
  if (*before != currency) {
    if (Status said = accounts_.set_currency(currency); !said) return said;
  }
  for (const store::StoredPrices& stored : *kept) {
    Result<domain::PriceList> list = read_list(stored);
    if (!list) return fail(list.error().with_context(fmt::format("price list {} in accounts.db", stored.version)));
    platform_.set_prices(*list);
    lists_.push_back(std::move(*list));
  }
  return {};
}

const domain::PriceList& PriceLists::in_force() const {
  const WallTime now = clock_.wall();
  const auto last = std::ranges::find_if(lists_.rbegin(), lists_.rend(), [now](const domain::PriceList& list) { return list.from <= now; });
  return last == lists_.rend() ? lists_.front() : *last;
}

std::string PriceLists::state_of(const domain::PriceList& list) const {
  const int64_t current = in_force().version;
  if (list.version == current) return "in_force";
  return list.version < current ? "over" : "to_come";
}

std::vector<wire::PriceRow> PriceLists::list() const {
  std::vector<wire::PriceRow> rows;
  for (const domain::PriceList& list : lists_)
    rows.push_back({.list = list, .state = state_of(list)});
  return rows;
}

Result<wire::PriceRow> PriceLists::add(wire::AddPrices add) {
  const WallTime now = clock_.wall();
  domain::PriceList list = std::move(add.list);
  const domain::PriceList& last = lists_.back();
  if (list.currency.empty()) list.currency = last.currency;
  if (list.currency != last.currency)
    return fail(ErrorKind::kInvalid,
                fmt::format("all that is spent here is in {}: a price list in {} would add up what cannot be added", last.currency, list.currency), "currency");
  list.from = add.from.value_or(now);
  if (list.from < now - kPastMax)
    return fail(ErrorKind::kInvalid,
                fmt::format("it would be in force from {} on, which is over: prices of calls that came already do not change", wire::format_time(list.from)),
                "from");
  if (list.from <= last.from)
    return fail(ErrorKind::kExists,
                fmt::format("price list {} begins at {}, and a new one must begin after it{}", last.version, wire::format_time(last.from),
                            last.from > now ? fmt::format(": `ebb price rm {}` removes it, since it is not in force yet", last.version) : ""),
                "from");
  if (Status sound = check_prices(list); !sound) return fail(sound.error());
  if (lists_.size() > domain::kPriceListsMax) return fail(ErrorKind::kExhausted, fmt::format("there are {} price lists already", domain::kPriceListsMax));
  const Result<int64_t> version = accounts_.add_prices({.from = list.from, .document = json::serialize(wire::document_of(list))});
  if (!version) return fail(version.error());
  list.version = *version;
  platform_.set_prices(list);
  lists_.push_back(list);
  return wire::PriceRow{.list = std::move(list), .state = state_of(lists_.back())};
}

Status PriceLists::remove(int64_t version) {
  const auto found = std::ranges::find(lists_, version, &domain::PriceList::version);
  if (found == lists_.end()) return fail(ErrorKind::kNotFound, fmt::format("there is no price list {}: `ebb price ls` lists them", version));
  if (state_of(*found) != "to_come")
    return fail(ErrorKind::kExists, fmt::format("price list {} is {}: calls were accepted by it, so it stays; a new list takes its place", version,
                                                state_of(*found) == "over" ? "over" : "in force"));
  if (Status removed = accounts_.delete_prices(version); !removed) return removed;
  platform_.remove_prices(version);
  lists_.erase(found);
  return {};
}

}  // namespace ebb::app
