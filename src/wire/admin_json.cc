// Admin values to JSON; reading is in admin_json_read.cc.
#include "wire/admin_json.h"

#include <fmt/format.h>

#include <charconv>

#include "base/ids.h"
#include "wire/model_facts_json.h"
#include "wire/spec.h"

namespace ebb::wire {

namespace {

json::value time_or_null(const std::optional<WallTime>& time) { return time ? json::value(format_time(*time)) : json::value(nullptr); }

json::object bill_row(const BillRow& row) {
  json::object out;
  if (row.endpoint) out["endpoint"] = *row.endpoint;
  if (row.day) out["day"] = *row.day;
  if (row.tier) out["tier"] = *row.tier;
  out["calls"] = row.calls;
  out["faults"] = row.faults;
  out["billed_ms"] = row.billed_ms;
  out["cost"] = domain::format_money(row.cost);
  out["cost_pico"] = row.cost;
  out["prompt_tokens"] = row.prompt_tokens;
  out["completion_tokens"] = row.completion_tokens;
  return out;
}

// Digits only, all of them, within [min, max].
bool read_digits(std::string_view text, int min, int max, int& value) {
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value >= min && value <= max;
}

}  // namespace

json::value to_json(const EndpointRow& row) {
  json::object out{{"name", row.spec.name},
                   {"spec", spec_to_json(row.spec)},
                   {"revision", to_hex(row.revision)},
                   {"model", row.model},
                   {"capability", row.capability},
                   {"memory_mib", row.memory_mib},
                   {"context_tokens", row.context_tokens},
                   {"created", time_or_null(row.created)},
                   {"state", row.state},
                   {"slots_busy", row.slots_busy},
                   {"slots_ready", row.slots_ready},
                   {"waiting", row.waiting},
                   {"memory_bytes", row.memory_bytes},
                   {"memory_measured", row.memory_measured},
                   {"last_call", time_or_null(row.last_call)},
                   {"calls", row.calls},
                   {"spent", domain::format_money(row.spent)},
                   {"spent_pico", row.spent}};
  if (row.image.empty()) return out;
  out["image"] = row.image;
  out["contract"] = row.contract;
  out["calls_per_instance"] = row.calls_per_instance;
  return out;
}

json::value to_json(const DecisionRow& row) {
  json::array inputs;
  for (const auto& [name, value] : row.inputs)
    inputs.push_back({{"name", name}, {"value", value}});
  return {{"id", row.id},     {"at", format_time(row.at)}, {"what", row.what},           {"because", row.because},
          {"call", row.call}, {"worker", row.worker},      {"inputs", std::move(inputs)}};
}

json::value to_json(const LogRow& row) { return {{"sequence", row.sequence}, {"at", format_time(row.at)}, {"text", row.text}}; }

json::value to_json(const StatusRow& row) {
  json::array sandbox;
  for (const auto& layer : row.sandbox)
    sandbox.push_back({{"name", layer.name}, {"active", layer.active}, {"detail", layer.detail}});
  return {{"version", row.version},
          {"home", row.home},
          {"ready", row.ready},
          {"not_ready_why", row.not_ready_why},
          {"sandbox", std::move(sandbox)},
          {"containers", row.containers},
          {"memory_limit_bytes", row.memory_limit_bytes},
          {"memory_available_bytes", row.memory_available_bytes},
          {"memory_workers_bytes", row.memory_workers_bytes},
          {"memory_huge_page_bytes", row.memory_huge_page_bytes},
          {"cores", row.cores},
          {"workers", row.workers},
          {"endpoints", row.endpoints},
          {"currency", row.currency}};
}

json::value to_json(const domain::Model& model) {
  return {{"name", model.name},     {"version", model.version},          {"sha256", model.digest.hex()},
          {"source", model.source}, {"added", format_time(model.added)}, {"facts", to_json(model.facts)}};
}

json::value to_json(const ModelView& view) {
  json::value out = to_json(view.model);
  if (view.model.facts.format != domain::ModelFormat::kOnnx) return out;
  out.get_object()["prepared"] = {{"ready", view.not_prepared_why.empty()}, {"why", view.not_prepared_why}};
  return out;
}

json::value to_json(const AddModel& request) {
  json::object out{{"name", request.name}, {"source", request.source}};
  if (request.sha256) out["sha256"] = request.sha256->hex();
  return out;
}

json::value to_json(const ModelProgress& progress) {
  return {{"progress", {{"phase", progress.phase}, {"done_bytes", progress.done_bytes}, {"total_bytes", progress.total_bytes}}}};
}

json::value to_json(const Bill& bill) {
  json::array rows;
  for (const BillRow& row : bill.rows)
    rows.push_back(bill_row(row));
  return {{"currency", bill.currency}, {"rows", std::move(rows)}, {"total", bill_row(bill.total)}};
}

json::value to_json(const Error& error) {
  json::object inner{{"kind", to_string(error.kind)}, {"message", error.message}};
  inner["param"] = error.param.empty() ? json::value(nullptr) : json::value(error.param);
  if (!error.code.empty()) inner["code"] = error.code;
  if (error.retry_after.count() > 0) inner["retry_after_ms"] = error.retry_after.count();
  return {{"error", std::move(inner)}};
}

std::string format_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

Result<WallTime> parse_time(std::string_view text) {
  const auto wrong = [&] { return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a time: use 2026-11-24 or 2026-11-24T10:00:00Z", text.substr(0, 64))); };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millis = 0;
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return wrong();
  if (!read_digits(text.substr(0, 4), 1970, 9999, year) || !read_digits(text.substr(5, 2), 1, 12, month) || !read_digits(text.substr(8, 2), 1, 31, day))
    return wrong();
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return wrong();
  std::string_view rest = text.substr(10);
  if (!rest.empty()) {
    if (rest.size() < 10 || rest[0] != 'T' || rest[3] != ':' || rest[6] != ':' || rest.back() != 'Z') return wrong();
    if (!read_digits(rest.substr(1, 2), 0, 23, hour) || !read_digits(rest.substr(4, 2), 0, 59, minute) || !read_digits(rest.substr(7, 2), 0, 59, second))
      return wrong();
    const std::string_view fraction = rest.substr(9, rest.size() - 10);
    if (!fraction.empty()) {
      if (fraction[0] != '.' || fraction.size() < 2 || fraction.size() > 10 || fraction.find_first_not_of("0123456789", 1) != std::string_view::npos)
        return wrong();
      std::string three(fraction.substr(1, 3));
      three.resize(3, '0');
      read_digits(three, 0, 999, millis);
    }
  }
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second) + milliseconds(millis);
}

}  // namespace ebb::wire
