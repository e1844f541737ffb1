// Ratios, sentences and JSON.
#include "plan/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ebb::plan {

namespace json = boost::json;

namespace {

json::object to_json(const Report& report, const Outcome& outcome) {
  return {{"policy", outcome.policy},
          {"calls", outcome.calls},
          {"cold_starts", outcome.cold},
          {"calls_that_waited_for_a_start", outcome.waiting},
          {"starts_in_vain", outcome.in_vain},
          {"refused", outcome.refused},
          {"waited_s", outcome.waited_s},
          {"idle_gib_hours", outcome.idle_gib_min / 60},
          {"busy_gib_hours", outcome.busy_gib_min / 60},
          {"instance_seconds", outcome.instance_s},
          {"peak_gib", outcome.peak_gib},
          {"memory_cost_usd", memory_cost(report, outcome)}};
}

json::array to_json(const Report& report, const std::vector<Outcome>& outcomes) {
  json::array all;
  for (const Outcome& outcome : outcomes)
    all.push_back(to_json(report, outcome));
  return all;
}

json::value or_null(const std::optional<double>& value) { return value ? json::value(*value) : json::value(nullptr); }

// Each beside the settings of others that hold as much.
json::array ebb_to_json(const Report& report) {
  json::array all;
  for (const Outcome& outcome : report.ebb) {
    json::object one = to_json(report, outcome);
    one["fixed_cold_starts_at_equal_idle"] = or_null(on_curve(report.fixed, idle_of, idle_of(outcome), cold_of));
    one["knative_cold_starts_at_equal_instance_seconds"] = or_null(on_curve(report.knative, instances_of, instances_of(outcome), cold_of));
    one["knative_cold_starts_at_equal_idle"] = or_null(on_curve(report.knative, idle_of, idle_of(outcome), cold_of));
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

std::string figure(double value) {
  if (value == 0 || value >= 100) return fmt::format("{:.0f}", value);
  if (value >= 1) return fmt::format("{:.2f}", value);
  // Three digits that matter, without an exponent: these are sums of money, too.
  const int places = std::clamp(2 - static_cast<int>(std::floor(std::log10(std::abs(value)))), 0, 12);
  std::string text = fmt::format("{:.{}f}", value, places);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

double gib_hours(const Outcome& outcome) { return (outcome.idle_gib_min + outcome.busy_gib_min) / 60; }

double memory_cost(const Report& report, const Outcome& outcome) { return gib_hours(outcome) * report.memory_price; }

double cloud_cost(const domain::CloudPrice& price, const Outcome& outcome) {
  const double gib_s = price.by_instance ? outcome.busy_gib_min * 60 : outcome.call_gib_s;
  return (gib_s * static_cast<double>(price.per_gib_second) + static_cast<double>(outcome.calls) * static_cast<double>(price.per_call)) / 1e12;
}

double cold_of(const Outcome& outcome) { return static_cast<double>(outcome.cold); }
double idle_of(const Outcome& outcome) { return outcome.idle_gib_min; }
double instances_of(const Outcome& outcome) { return outcome.instance_s; }

std::optional<double> on_curve(const std::vector<Outcome>& curve, Amount x, double at, Amount y) {
  for (size_t i = 1; i < curve.size(); ++i) {
    const double x0 = x(curve[i - 1]);
    const double x1 = x(curve[i]);
    if (std::min(x0, x1) > at || std::max(x0, x1) < at) continue;
    const double part = x1 == x0 ? 0 : (at - x0) / (x1 - x0);
    return y(curve[i - 1]) + part * (y(curve[i]) - y(curve[i - 1]));
  }
  return std::nullopt;
}

std::vector<std::string> findings(const Report& report) {
  std::vector<std::string> said;
  const Outcome& ebb = report.ebb.front();
  const std::optional<double> cold = on_curve(report.fixed, idle_of, idle_of(ebb), cold_of);
  if (cold && *cold > 0)
    said.push_back(fmt::format("Ebb has {} cold start{}. A fixed time of keeping that holds as much idle memory has about {:.0f}: Ebb has {:.0f} % of them.",
                               ebb.cold, ebb.cold == 1 ? "" : "s", *cold, 100 * cold_of(ebb) / *cold));
  const std::optional<double> kpa = on_curve(report.knative, instances_of, instances_of(ebb), cold_of);
  if (kpa && *kpa > 0)
    said.push_back(fmt::format("Knative's autoscaler, with the window by which its instances stay as long in all, has about {:.0f}: Ebb has {:.0f} % of them.",
                               *kpa, 100 * cold_of(ebb) / *kpa));
  const std::optional<double> idle = on_curve(report.fixed, cold_of, cold_of(ebb), idle_of);
  if (idle && *idle > 1.05 * ebb.idle_gib_min && ebb.idle_gib_min > 0)
    said.push_back(fmt::format("A fixed time with as few cold starts holds {:.1f} GiB-hours of idle memory instead of {:.1f}, {:.1f} times as much.",
                               *idle / 60, ebb.idle_gib_min / 60, *idle / ebb.idle_gib_min));
  for (const Outcome& other : report.others) {
    if (other.policy == "always on" && gib_hours(ebb) > 0 && gib_hours(other) > 1.05 * gib_hours(ebb))
      said.push_back(fmt::format("Machines that are always on hold {:.1f} times the memory that Ebb holds.", gib_hours(other) / gib_hours(ebb)));
  }
  for (const domain::CloudPrice& price : domain::cloud_prices())
    said.push_back(fmt::format("{} would ask {} USD for these calls ({}; without free allowance).", price.name, figure(cloud_cost(price, ebb)), price.source));
  return said;
}

json::object to_json(const Report& report) {
  json::array said;
  for (const std::string& sentence : findings(report))
    said.emplace_back(sentence);
  json::object clouds;
  for (const domain::CloudPrice& price : domain::cloud_prices())
    clouds[price.name] = cloud_cost(price, report.ebb.front());
  return {{"trace", report.trace},
          {"layout", report.layout},
          {"functions", report.functions},
          {"hours", report.hours},
          {"assumed",
           {{"start_s", std::chrono::duration<double>(report.world.start).count()},
            {"service_s", std::chrono::duration<double>(report.world.service).count()},
            {"prompt_tokens_per_s", report.world.prompt_tokens_s},
            {"answer_tokens_per_s", report.world.answer_tokens_s},
            {"memory_mib", report.world.memory_mib},
            {"calls_per_instance", report.world.calls_per_instance},
            {"memory_price_usd_per_gib_hour", report.memory_price}}},
          {"ebb", ebb_to_json(report)},
          {"fixed", to_json(report, report.fixed)},
          {"knative", to_json(report, report.knative)},
          {"others", to_json(report, report.others)},
          {"clouds_usd", std::move(clouds)},
          {"findings", std::move(said)}};
}

}  // namespace ebb::plan
