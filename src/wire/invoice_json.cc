// An invoice to JSON and back; its lines are rows of a bill.
#include "wire/invoice_json.h"

#include <limits>

namespace ebb::wire {

namespace {

constexpr int64_t kIntegerMax = std::numeric_limits<int64_t>::max();

json::value share_or_null(const std::optional<double>& share) { return share ? json::value(*share) : json::value(nullptr); }

json::value to_json(const Invoice::Elsewhere& elsewhere) {
  json::array clouds;
  for (const Invoice::Cloud& cloud : elsewhere.clouds) {
    clouds.push_back({{"name", cloud.name},
                      {"cost", domain::format_money(cloud.cost)},
                      {"cost_pico", cloud.cost},
                      {"break_even_duty", share_or_null(cloud.break_even_duty)},
                      {"source", cloud.source}});
  }
  const Invoice::AlwaysOn& machine = elsewhere.always_on;
  return {{"currency", elsewhere.currency},
          {"calls", elsewhere.calls},
          {"mib_ms", elsewhere.mib_ms},
          {"duty", share_or_null(elsewhere.duty)},
          {"break_even_duty", share_or_null(elsewhere.break_even_duty)},
          {"clouds", std::move(clouds)},
          {"always_on",
           {{"memory_mib", machine.memory_mib},
            {"held_ms", machine.held.count()},
            {"per_gib_hour", domain::format_money(machine.per_gib_hour)},
            {"per_gib_hour_pico", machine.per_gib_hour},
            {"cost", domain::format_money(machine.cost)},
            {"cost_pico", machine.cost}}}};
}

int64_t count_in(ObjectReader& reader, std::string_view key) { return reader.integer(key, 0, kIntegerMax).value_or(0); }
std::optional<double> share_in(ObjectReader& reader, std::string_view key) { return reader.number(key, 0, std::numeric_limits<double>::max()); }

WallTime required_time(ObjectReader& reader, std::string_view key) {
  const Result<WallTime> time = parse_time(reader.required_string(key));
  if (!time && reader.ok()) reader.add_error(key, time.error().message);
  return time.value_or(WallTime{});
}

Invoice::Cloud cloud_in(const json::value& value, ObjectReader& parent) {
  ObjectReader reader(value, "elsewhere.clouds");
  Invoice::Cloud cloud{.name = reader.required_string("name"),
                       .cost = count_in(reader, "cost_pico"),
                       .break_even_duty = share_in(reader, "break_even_duty"),
                       .source = reader.string("source").value_or("")};
  if (!reader.ok()) parent.adopt(reader.error());
  return cloud;
}

Invoice::Elsewhere elsewhere_in(const json::value& value, ObjectReader& parent) {
  ObjectReader reader(value, "elsewhere");
  Invoice::Elsewhere elsewhere{.currency = reader.string("currency").value_or(""),
                               .calls = count_in(reader, "calls"),
                               .mib_ms = count_in(reader, "mib_ms"),
                               .duty = share_in(reader, "duty"),
                               .break_even_duty = share_in(reader, "break_even_duty")};
  if (const json::array* clouds = reader.array("clouds")) {
    for (const json::value& cloud : *clouds)
      elsewhere.clouds.push_back(cloud_in(cloud, reader));
  }
  if (const json::value* machine = reader.find("always_on")) {
    ObjectReader one(*machine, "elsewhere.always_on");
    elsewhere.always_on = {.memory_mib = count_in(one, "memory_mib"),
                           .held = milliseconds(count_in(one, "held_ms")),
                           .per_gib_hour = count_in(one, "per_gib_hour_pico"),
                           .cost = count_in(one, "cost_pico")};
    if (!one.ok()) reader.adopt(one.error());
  }
  if (!reader.ok()) parent.adopt(reader.error());
  return elsewhere;
}

}  // namespace

json::value to_json(const Invoice& invoice) {
  json::array lines;
  for (const BillRow& line : invoice.lines)
    lines.push_back(to_json(line));
  return {{"tenant", invoice.tenant ? json::value(*invoice.tenant) : json::value(nullptr)},
          {"month", invoice.month},
          {"zone", invoice.zone},
          {"from", format_time(invoice.from)},
          {"to", format_time(invoice.to)},
          {"from_in_zone", invoice.from_in_zone},
          {"to_in_zone", invoice.to_in_zone},
          {"made", format_time(invoice.made)},
          {"state", invoice.state},
          {"currency", invoice.currency},
          {"lines", std::move(lines)},
          {"total", to_json(invoice.total)},
          {"elsewhere", to_json(invoice.elsewhere)}};
}

Result<Invoice> invoice_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  Invoice invoice{.tenant = reader.string("tenant"),
                  .month = reader.required_string("month"),
                  .zone = reader.required_string("zone"),
                  .from = required_time(reader, "from"),
                  .to = required_time(reader, "to"),
                  .from_in_zone = reader.string("from_in_zone").value_or(""),
                  .to_in_zone = reader.string("to_in_zone").value_or(""),
                  .made = required_time(reader, "made"),
                  .state = reader.required_string("state"),
                  .currency = reader.string("currency").value_or("")};
  if (const json::array* lines = reader.array("lines")) {
    for (const json::value& line : *lines)
      invoice.lines.push_back(bill_row_in(line, "lines", reader));
  }
  if (const json::value* total = reader.find("total")) invoice.total = bill_row_in(*total, "total", reader);
  if (const json::value* elsewhere = reader.find("elsewhere")) invoice.elsewhere = elsewhere_in(*elsewhere, reader);
  if (!reader.ok()) return fail(reader.error());
  return invoice;
}

}  // namespace ebb::wire
