// Sentences and rounded figures.
#include "cli/invoice_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "domain/month.h"

namespace ebb::cli {

namespace {

constexpr std::array kMonths{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};

std::string month_in_words(const std::string& text) {
  const Result<domain::Month> month = domain::parse_month(text);
  return month ? fmt::format("{} {}", kMonths.at(static_cast<size_t>(month->month - 1)), month->year) : text;
}

// Four digits that matter: these are estimates, and twelve would say that they are not.
std::string rounded_money(domain::Pico amount) {
  domain::Pico unit = 1;
  while (amount / unit >= 10'000)
    unit *= 10;
  const domain::Pico whole = amount / unit * unit;
  return domain::format_money(amount - whole < unit - unit / 2 ? whole : domain::saturated_sum(whole, unit));
}

std::string percent(double share) {
  const double value = 100 * share;
  if (value >= 10) return fmt::format("{:.0f} %", value);
  if (value >= 1) return fmt::format("{:.1f} %", value);
  if (value >= 0.01) return fmt::format("{:.2f} %", value);
  return value > 0 ? "less than 0.01 %" : "0 %";
}

std::string share_or_never(const std::optional<double>& share) {
  if (!share) return "-";
  return *share > 1 ? "never" : percent(*share) + " at work";
}

std::string hours(milliseconds held) { return fmt::format("{:.0f} hours", std::chrono::duration<double, std::ratio<3600>>(held).count()); }

}  // namespace

std::string invoice_title(const wire::Invoice& invoice) {
  const std::string month = month_in_words(invoice.month);
  if (!invoice.tenant) return "Invoice for all tenants, " + month;
  if (invoice.tenant->empty()) return "Invoice for calls without a tenant, " + month;
  return fmt::format("Invoice for {}, {}", *invoice.tenant, month);
}

std::string invoice_span(const wire::Invoice& invoice) {
  return fmt::format("calls that ended from {} to before {} ({})", invoice.from_in_zone, invoice.to_in_zone, invoice.zone);
}

std::string invoice_state(const wire::Invoice& invoice) {
  const std::string made = "made " + wire::format_time(invoice.made);
  if (invoice.state == "not_begun") return made + ": the month has not begun";
  if (invoice.state == "running") return made + ": the month is not over, more can come";
  return made + ": the month is over";
}

std::string invoice_faults(const wire::Invoice& invoice) {
  return invoice.total.faults == 0 ? "" : fmt::format("{} of these calls failed by Ebb's fault and cost nothing", invoice.total.faults);
}

std::string invoice_set_off(const wire::Invoice& invoice) {
  const domain::Pico less = invoice.total.list_cost - invoice.total.cost;
  if (less == 0) return {};
  return fmt::format("at list prices these are {} {}: what is free of each month, and steps, make it {} {}", domain::format_money(invoice.total.list_cost),
                     invoice.currency, domain::format_money(less > 0 ? less : -less), less > 0 ? "less" : "more");
}

std::string gib_seconds(int64_t mib_ms) {
  constexpr int64_t kMibMsPerThousandth = domain::kMibMsPerGibSecond / 1'000;
  const int64_t thousandths = mib_ms / kMibMsPerThousandth + (mib_ms % kMibMsPerThousandth >= kMibMsPerThousandth / 2 ? 1 : 0);
  return fmt::format("{}.{:03}", thousandths / 1'000, thousandths % 1'000);
}

std::vector<PricedPlace> priced_places(const wire::Invoice& invoice) {
  const wire::Invoice::Elsewhere& elsewhere = invoice.elsewhere;
  if (invoice.lines.empty()) return {};
  std::vector<PricedPlace> places;
  if (invoice.currency == elsewhere.currency)
    places.push_back({.name = "Ebb, this invoice", .cost = rounded_money(invoice.total.cost), .always_from = share_or_never(elsewhere.break_even_duty)});
  for (const wire::Invoice::Cloud& cloud : elsewhere.clouds)
    places.push_back({.name = cloud.name, .cost = rounded_money(cloud.cost), .always_from = share_or_never(cloud.break_even_duty)});
  places.push_back({.name = "a machine always on", .cost = rounded_money(elsewhere.always_on.cost), .always_from = {}});
  return places;
}

std::vector<std::string> price_notes(const wire::Invoice& invoice) {
  const wire::Invoice::Elsewhere& elsewhere = invoice.elsewhere;
  if (invoice.lines.empty()) return {};
  const wire::Invoice::AlwaysOn& machine = elsewhere.always_on;
  std::vector<std::string> notes;
  if (invoice.currency != elsewhere.currency)
    notes.push_back(fmt::format("These prices are in {}, the invoice is in {}: they are not converted.", elsewhere.currency, invoice.currency));
  notes.push_back(
      fmt::format("A machine always on: {} MiB for an instance of each endpoint, more where more were at work on average, held for {} at {} {} for a GiB and "
                  "hour, as `ebb plan` assumes.{}",
                  machine.memory_mib, hours(machine.held), domain::format_money(machine.per_gib_hour), elsewhere.currency,
                  elsewhere.duty ? fmt::format(" That memory was at work for {} of the time.", percent(*elsewhere.duty)) : ""));
  notes.push_back(
      fmt::format("Compared are {} calls and {} GiB-seconds of memory while they ran, without starts, and without calls that failed by Ebb's fault. Calls that "
                  "shared a worker count with their share of its time; a cloud that runs each alone would ask for more.",
                  elsewhere.calls, gib_seconds(elsewhere.mib_ms)));
  notes.emplace_back("Clouds at list prices, without free allowance, and without what they round up for short calls:");
  for (const wire::Invoice::Cloud& cloud : elsewhere.clouds)
    notes.push_back(fmt::format("{}: {}.", cloud.name, cloud.source));
  return notes;
}

}  // namespace ebb::cli
