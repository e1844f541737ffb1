// One list of names for both directions would hide which are text: they are written out twice.
#include "wire/usage_json.h"

#include <limits>

#include "wire/time_text.h"

namespace ebb::wire {

namespace {

constexpr int64_t kAny = std::numeric_limits<int64_t>::max();

int64_t whole(ObjectReader& reader, std::string_view key) { return reader.integer(key, 0, kAny).value_or(0); }
nanoseconds time_in(ObjectReader& reader, std::string_view key) { return nanoseconds(whole(reader, key)); }

std::vector<std::string> sentences(ObjectReader& reader, std::string_view key) {
  std::vector<std::string> said;
  const json::array* const array = reader.array(key);
  if (array == nullptr) return said;
  for (const json::value& sentence : *array) {
    if (sentence.is_string())
      said.emplace_back(sentence.get_string());
    else
      reader.add_error(key, "a sentence must be a string");
  }
  return said;
}

}  // namespace

json::object to_json(const domain::UsageRecord& record) {
  return {{"call", to_hex(record.call.value)},
          {"endpoint", record.endpoint},
          {"revision", to_hex(record.revision.value)},
          {"ended", format_time(record.ended)},
          {"tier", to_string(record.tier)},
          {"outcome", to_string(record.outcome)},
          {"queued_ns", record.queued.count()},
          {"start_ns", record.start.count()},
          {"busy_ns", record.busy.count()},
          {"first_byte_ns", record.first_byte.count()},
          {"total_ns", record.total.count()},
          {"billed_ms", record.billed_ms},
          {"memory_mib", record.memory_mib},
          {"cost", domain::format_money(record.cost)},
          {"cost_pico", record.cost},
          {"prompt_tokens", record.prompt_tokens},
          {"completion_tokens", record.completion_tokens},
          {"tenant", record.tenant},
          {"key", record.key},
          {"prices", record.prices},
          {"list_cost_pico", record.list_cost}};
}

Result<domain::UsageRecord> usage_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  domain::UsageRecord record{.call = CallId{from_hex(reader.required_string("call"))},
                             .endpoint = reader.required_string("endpoint"),
                             .revision = RevisionId{from_hex(reader.string("revision").value_or(""))},
                             .queued = time_in(reader, "queued_ns"),
                             .start = time_in(reader, "start_ns"),
                             .busy = time_in(reader, "busy_ns"),
                             .first_byte = time_in(reader, "first_byte_ns"),
                             .total = time_in(reader, "total_ns"),
                             .billed_ms = whole(reader, "billed_ms"),
                             .memory_mib = whole(reader, "memory_mib"),
                             .cost = whole(reader, "cost_pico"),
                             .prompt_tokens = whole(reader, "prompt_tokens"),
                             .completion_tokens = whole(reader, "completion_tokens"),
                             .tenant = reader.string("tenant").value_or(""),
                             .key = reader.string("key").value_or(""),
                             .prices = whole(reader, "prices")};
  record.list_cost = reader.integer("list_cost_pico", 0, kAny).value_or(record.cost);
  const Result<WallTime> ended = parse_time(reader.required_string("ended"));
  if (!ended) reader.add_error("ended", ended.error().message);
  const Result<domain::Tier> tier = domain::parse_tier(reader.required_string("tier"));
  if (!tier) reader.add_error("tier", tier.error().message);
  const Result<domain::Outcome> outcome = domain::parse_outcome(reader.required_string("outcome"));
  if (!outcome) reader.add_error("outcome", outcome.error().message);
  if (!reader.ok()) return fail(reader.error());
  record.ended = *ended;
  record.tier = *tier;
  record.outcome = *outcome;
  return record;
}

json::value to_json(const CallRow& row) {
  json::array decisions;
  for (const DecisionRow& decision : row.decisions)
    decisions.push_back(to_json(decision));
  return {{"call", row.call},
          {"endpoint", row.endpoint},
          {"state", row.state},
          {"usage", row.usage ? json::value(to_json(*row.usage)) : json::value(nullptr)},
          {"decisions", std::move(decisions)},
          {"story", json::array(row.story.begin(), row.story.end())},
          {"why_not_faster", json::array(row.why_not_faster.begin(), row.why_not_faster.end())}};
}

Result<CallRow> call_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  CallRow row{.call = reader.required_string("call"),
              .endpoint = reader.required_string("endpoint"),
              .state = reader.required_string("state"),
              .story = sentences(reader, "story"),
              .why_not_faster = sentences(reader, "why_not_faster")};
  if (const json::value* usage = reader.find("usage")) {
    Result<domain::UsageRecord> record = usage_from_json(*usage);
    if (!record) return fail(record.error());
    row.usage = std::move(*record);
  }
  if (const json::array* decisions = reader.array("decisions")) {
    for (const json::value& element : *decisions) {
      Result<DecisionRow> decision = decision_row_from_json(element);
      if (!decision) return fail(decision.error());
      row.decisions.push_back(std::move(*decision));
    }
  }
  if (!reader.ok()) return fail(reader.error());
  return row;
}

}  // namespace ebb::wire
