// GET /ebb/v1/calls/{id} and GET /ebb/v1/usage?endpoint=…&from=…&to=…
#include <fmt/format.h>

#include "gateway/call_story.h"
#include "gateway/decision_row.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/record_filter.h"
#include "gateway/services.h"
#include "wire/usage_json.h"

namespace ebb::gateway {

namespace {

constexpr size_t kIdDigits = 16;

// What people find where: "req_…" in x-request-id, "chatcmpl-…" and "resp_…" in answers, the digits alone in logs and decisions.
CallId call_of(const Services& services, std::string_view text) {
  if (text.starts_with(kRequestPrefix)) return services.recent_calls.find(text);
  const size_t mark = text.find_last_of("-_");
  const std::string_view digits = mark == std::string_view::npos ? text : text.substr(mark + 1);
  return digits.size() == kIdDigits ? CallId{from_hex(std::string(digits))} : CallId{};
}

Error unknown_call(std::string_view text) {
  return {.kind = ErrorKind::kNotFound,
          .message = fmt::format(
              "no call '{}' is known. Kept are: the records of all calls that have ended; decisions about calls that run or were refused, the last {} of each "
              "endpoint, until the server ends; and for which call a req_… stands, of the last {} requests, until the server ends",
              clean_text(text, 80), domain::kDecisionsPerEndpointMax, kRecentRequestsMax),
          .param = "id"};
}

std::string_view state_of(const std::optional<domain::UsageRecord>& record, const std::optional<invoke::CallView>& view) {
  if (record) return "ended";
  return view->state.empty() ? std::string_view("refused") : std::string_view(view->state);
}

Response call_response(const Services& services, CallId call, const std::optional<domain::UsageRecord>& record, const std::optional<invoke::CallView>& view) {
  CallStory told = tell(record, view, services.prices.in_force().currency);
  wire::CallRow row{.call = to_hex(call.value),
                    .endpoint = record ? record->endpoint : view->endpoint,
                    .state = std::string(state_of(record, view)),
                    .usage = record,
                    .decisions = {},
                    .story = std::move(told.story),
                    .why_not_faster = std::move(told.why_not_faster)};
  if (view) {
    for (const invoke::DecisionView& decision : view->decisions)
      row.decisions.push_back(decision_row(decision));
  }
  return json_response(json::serialize(wire::to_json(row)) + "\n");
}

Result<UsageRequest> usage_request(const Request& request) {
  UsageRequest out;
  for (const auto& [key, value] : request.target.query) {
    const Result<bool> taken = read_filter(key, value, out);
    if (!taken) return fail(taken.error());
    if (!*taken) return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a known parameter: there are endpoint, tenant, from and to", key), key);
  }
  if (const Status sound = check_filter(out, request.principal); !sound) return fail(sound.error());
  return out;
}

std::string as_lines(const std::vector<domain::UsageRecord>& records) {
  std::string out;
  for (const domain::UsageRecord& record : records)
    out += json::serialize(wire::to_json(record)) + "\n";
  return out;
}

// Who does not administer sees the own tenant's calls; of others' it does not learn that there are any.
bool may_see(const domain::Principal& principal, const std::optional<domain::UsageRecord>& record, const std::optional<invoke::CallView>& view) {
  const std::optional<std::string> own = principal.sees();
  if (!own) return true;
  return record ? record->tenant == *own : !view->state.empty() && view->tenant == *own;
}

}  // namespace

io::Task<void> get_call(Services& services, Exchange& exchange) {
  const std::string text = exchange.request().param("id");
  const CallId call = call_of(services, text);
  // Looked at before the record: a call that ends in between has its decisions here and its record there.
  const std::optional<invoke::CallView> view = call ? services.platform.call(call) : std::nullopt;
  std::optional<domain::UsageRecord> record;
  if (call) {
    Result<std::optional<domain::UsageRecord>> found = co_await services.bills.record(call);
    if (!found) {
      co_await exchange.fail(found.error());
      co_return;
    }
    record = std::move(*found);
  }
  if ((!record && !view) || !may_see(exchange.request().principal, record, view)) {
    Error unknown = unknown_call(text);
    co_await exchange.fail(std::move(unknown));
    co_return;
  }
  Response response = call_response(services, call, record, view);
  co_await exchange.respond(std::move(response));
}

// Part by part, each when the client has taken the one before: neither side ever holds more than one.
io::Task<void> get_usage(Services& services, Exchange& exchange) {
  const Result<UsageRequest> asked = usage_request(exchange.request());
  if (!asked) {
    co_await exchange.fail(asked.error());
    co_return;
  }
  UsageRequest request = *asked;
  for (;;) {
    Result<std::vector<domain::UsageRecord>> records = co_await services.bills.usage(request);
    if (!records && !exchange.started()) {
      co_await exchange.fail(records.error());
      co_return;
    }
    const bool broken = !records || (services.stopping && records->size() == request.records_max);
    if (broken) {
      exchange.note_failure(records ? "the server stops" : records.error().message);
      co_await exchange.cut();  // so that a part is not taken for the whole
      co_return;
    }
    if (!exchange.started()) exchange.start_stream(ndjson_response());
    const bool written = co_await exchange.write(as_lines(*records));
    if (!written) co_return;
    if (records->size() < request.records_max) break;
    request.after = std::move(records->back());
  }
  co_await exchange.end_stream();
}

}  // namespace ebb::gateway
