// The platform has them all, and how much of each is used.
#include "app/rate_limits.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"

namespace ebb::app {

namespace {

bool is_same(const domain::RateLimit& a, const domain::RateLimit& b) { return a.whose == b.whose && a.name == b.name && a.of == b.of; }

std::string whose(const domain::RateLimit& limit) { return fmt::format("{} '{}'", to_string(limit.whose), limit.name.substr(0, 80)); }

}  // namespace

Status RateLimits::start() {
  const Result<std::vector<domain::RateLimit>> limits = accounts_.limits();
  if (!limits) return fail(limits.error());
  for (const domain::RateLimit& limit : *limits)
    platform_.set_limit(limit);
  return {};
}

std::vector<wire::LimitRow> RateLimits::list() const {
  std::vector<wire::LimitRow> rows;
  for (const invoke::LimitView& view : platform_.limits())
    rows.push_back({.limit = view.limit, .running = view.running, .used = view.used});
  return rows;
}

Result<wire::LimitRow> RateLimits::set(domain::RateLimit limit) {
  const std::vector<invoke::LimitView> all = platform_.limits();
  const bool is_new = std::ranges::none_of(all, [&](const invoke::LimitView& view) { return is_same(view.limit, limit); });
  if (is_new) {
    if (Status sound = check_(limit.whose, limit.name); !sound) return fail(sound.error());
    if (all.size() >= domain::kRateLimitsMax) return fail(ErrorKind::kExhausted, fmt::format("there are {} limits already", domain::kRateLimitsMax));
  }
  if (Status put = accounts_.put_limit(limit); !put) return fail(put.error());
  platform_.set_limit(limit);
  return wire::LimitRow{.limit = std::move(limit)};
}

Status RateLimits::remove(const domain::RateLimit& limit) {
  const std::vector<invoke::LimitView> all = platform_.limits();
  if (std::ranges::none_of(all, [&](const invoke::LimitView& view) { return is_same(view.limit, limit); }))
    return fail(ErrorKind::kNotFound, fmt::format("{} has no limit of {}: `ebb limit ls` lists them", whose(limit), to_string(limit.of)));
  if (Status removed = accounts_.delete_limit(limit); !removed) return removed;
  platform_.remove_limit(limit);
  return {};
}

void RateLimits::forget_tenant(const std::string& name, const std::vector<std::string>& lines) {
  for (const invoke::LimitView& view : platform_.limits()) {
    const domain::RateLimit& limit = view.limit;
    const bool of_key = limit.whose == domain::BudgetOf::kKey && std::ranges::find(lines, limit.name) != lines.end();
    if (of_key || (limit.whose == domain::BudgetOf::kTenant && limit.name == name)) platform_.remove_limit(limit);
  }
}

}  // namespace ebb::app
