// Lines, their sum, and comparisons by memory × time and calls.
#include "gateway/invoice.h"

#include <algorithm>
#include <map>

#include "domain/price_presets.h"
#include "domain/usage.h"
#include "domain/zone.h"

namespace ebb::gateway {

namespace {

// Time and memory × time of an endpoint's calls.
struct Used {
  int64_t billed_ms = 0;
  int64_t mib_ms = 0;
};

int64_t divided_up(int64_t dividend, int64_t divisor) { return dividend == 0 ? 0 : (dividend - 1) / divisor + 1; }

// An instance of an endpoint has what its calls had on average; fewer instances than were at work on average could not have served.
int64_t memory_mib(const Used& used, milliseconds held) {
  if (used.billed_ms == 0) return 0;
  const int64_t instances = held.count() == 0 ? 1 : divided_up(used.billed_ms, held.count());
  return domain::saturated_product(instances, divided_up(used.mib_ms, used.billed_ms));
}

std::string_view state_of(const domain::Span& span, WallTime now) {
  if (now < span.from) return "not_begun";
  return now < span.to ? "running" : "over";
}

milliseconds held_of(const domain::Span& span, WallTime now) { return std::clamp(now, span.from, span.to) - span.from; }

}  // namespace

wire::Invoice::Elsewhere compare(const std::vector<wire::BillRow>& lines, milliseconds held, std::optional<domain::Pico> own_cost) {
  wire::Invoice::Elsewhere out{.currency = std::string(domain::kPresetCurrency), .always_on = {.held = held, .per_gib_hour = domain::kMemoryPerGibHour}};
  std::map<std::string, Used> endpoints;
  for (const wire::BillRow& line : lines) {
    if (line.tier == to_string(domain::Tier::kInit)) continue;
    out.calls = domain::saturated_sum(out.calls, line.calls - line.faults);
    out.mib_ms = domain::saturated_sum(out.mib_ms, line.mib_ms);
    Used& used = endpoints[line.endpoint.value_or("")];
    used.billed_ms = domain::saturated_sum(used.billed_ms, line.billed_ms);
    used.mib_ms = domain::saturated_sum(used.mib_ms, line.mib_ms);
  }
  wire::Invoice::AlwaysOn& machine = out.always_on;
  for (const auto& [name, used] : endpoints)
    machine.memory_mib = domain::saturated_sum(machine.memory_mib, memory_mib(used, held));
  machine.cost = domain::cost_always_on(machine.memory_mib, held);
  if (machine.memory_mib > 0 && held.count() > 0)
    out.duty = static_cast<double>(out.mib_ms) / (static_cast<double>(machine.memory_mib) * static_cast<double>(held.count()));
  if (own_cost) out.break_even_duty = domain::break_even_duty(*own_cost, out.mib_ms);
  for (const domain::CloudPrice& price : domain::cloud_prices()) {
    const domain::Pico cost = domain::cost_at(price, out.mib_ms, out.calls);
    out.clouds.push_back(
        {.name = std::string(price.name), .cost = cost, .break_even_duty = domain::break_even_duty(cost, out.mib_ms), .source = std::string(price.source)});
  }
  return out;
}

wire::Invoice make_invoice(const InvoiceOf& of, std::vector<wire::BillRow> lines, const std::string& currency, WallTime now) {
  const domain::Span span = domain::span_of(of.month, of.zone);
  wire::BillRow total = wire::total_of(lines);
  const std::optional<domain::Pico> own_cost = currency == domain::kPresetCurrency ? std::optional(total.cost) : std::nullopt;
  wire::Invoice::Elsewhere elsewhere = compare(lines, held_of(span, now), own_cost);
  return {.tenant = of.tenant,
          .month = to_string(of.month),
          .zone = of.zone.name,
          .from = span.from,
          .to = span.to,
          .from_in_zone = shown_in(of.zone, span.from),
          .to_in_zone = shown_in(of.zone, span.to),
          .made = now,
          .state = std::string(state_of(span, now)),
          .currency = currency,
          .lines = std::move(lines),
          .total = std::move(total),
          .elsewhere = std::move(elsewhere)};
}

}  // namespace ebb::gateway
