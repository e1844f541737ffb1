// What the admin API (/ebb/v1, docs/admin-api.md) says, as plain values and as JSON. Shared by the gateway, which writes it, and the
// CLI, which reads it. Pure.
//
// Times are RFC 3339 in UTC with milliseconds ("2026-11-24T10:00:00.000Z"); money comes twice: "cost" as a decimal string for
// people, "cost_pico" as the exact integer. Readers ignore fields that they do not know, so that an older CLI works with a newer server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/endpoint.h"
#include "domain/model.h"
#include "domain/money.h"
#include "wire/time_text.h"

namespace ebb::wire {

// One element of GET endpoints ({"endpoints": […]}), and the whole of GET and PUT endpoints/{name}.
struct EndpointRow {
  domain::EndpointSpec spec = {};  // "spec", as wire/spec.h writes it
  uint64_t revision = 0;           // as 16 hex digits
  std::string model;               // "smol@3" as resolved; empty for the echo engine
  std::string capability;          // completion or embedding: what the model is asked for; empty for the echo engine, which does both
  std::string image;               // "resize@2" as resolved, of a function …
  std::string contract;            // … and what it was written for
  int64_t calls_per_instance = 0;
  int64_t memory_mib = 0;      // what a call is billed for
  int64_t context_tokens = 0;  // of one slot
  std::optional<WallTime> created = {};
  std::string state;  // absent, prepared, starting, ready, parking, parked, draining, failed
  int64_t slots_busy = 0;
  int64_t slots_ready = 0;
  int64_t waiting = 0;
  uint64_t memory_bytes = 0;    // measured …
  bool memory_measured = true;  // … or, of instances where that cannot be, what they may take
  std::optional<WallTime> last_call = {};
  int64_t calls = 0;
  domain::Pico spent = 0;
  bool operator==(const EndpointRow&) const = default;
};

// One element of GET endpoints/{name}/decisions ({"decisions": […]}), newest last.
struct DecisionRow {
  uint64_t id = 0;
  WallTime at{};
  std::string what;
  std::string because;
  std::string call;                                         // 16 hex digits, or empty
  std::string worker;                                       // likewise
  std::vector<std::pair<std::string, std::string>> inputs;  // in words
  json::object facts = {};                                  // the same as numbers whose names end in their unit: {"waited_ns": 84000000}
  bool operator==(const DecisionRow&) const = default;
};

// One line of GET endpoints/{name}/logs (a JSON object per line).
struct LogRow {
  uint64_t sequence = 0;
  WallTime at{};
  std::string text;
  bool operator==(const LogRow&) const = default;
};

// GET status.
struct StatusRow {
  struct Layer {
    std::string name;
    bool active = false;
    std::string detail;
    bool operator==(const Layer&) const = default;
  };
  // The certificate that new connections get.
  struct Tls {
    std::string names;
    WallTime ends{};
    std::string problem = {};  // with what was to replace it, or with its time; empty: none
    bool operator==(const Tls&) const = default;
  };
  std::string version;
  std::string home;
  bool ready = false;
  std::string not_ready_why;
  std::vector<Layer> sandbox = {};
  std::optional<Tls> tls = {};  // absent: the server speaks none
  std::string containers = {};  // the runtime of container functions
  uint64_t memory_limit_bytes = 0;
  uint64_t memory_available_bytes = 0;
  uint64_t memory_workers_bytes = 0;
  uint64_t memory_huge_page_bytes = 0;  // what two workers map counts twice
  int64_t cores = 0;
  std::string processors = {};  // what they do between calls, and why
  int64_t workers = 0;
  int64_t endpoints = 0;
  std::string currency;
  bool operator==(const StatusRow&) const = default;
};

// GET models/{ref}: the model's fields, and "prepared": {"ready", "why", "tokens_alike"}.
struct ModelView {
  domain::Model model = {};
  std::string not_prepared_why = {};  // empty: workers start from what was prepared of it
  bool tokens_alike = false;          // WeightLayout::tokens_alike
  bool operator==(const ModelView&) const = default;
};

// The body of POST models.
struct AddModel {
  std::string name;
  std::string source;  // an absolute path on the server's machine, or http(s)://…
  std::optional<domain::Digest> sha256 = {};
  bool operator==(const AddModel&) const = default;
};

// A line of the answer to POST models: progress lines, then one with "model" or "error".
struct ModelProgress {
  std::string phase;  // "download", "hash", "pack", "check", "publish", "prepare"
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;  // 0: not known
  bool operator==(const ModelProgress&) const = default;
};

// One element of GET bill ({"currency", "rows": […], "total": row}); only the keys that were asked for are present.
struct BillRow {
  std::optional<std::string> endpoint = {};
  std::optional<std::string> day = {};   // "2026-11-24", UTC
  std::optional<std::string> tier = {};  // warm, provisioned, parked, cold, init
  std::optional<std::string> tenant = {};
  std::optional<std::string> key = {};  // line of keys
  int64_t calls = 0;
  int64_t faults = 0;  // of these, those that failed by our fault and cost nothing
  int64_t billed_ms = 0;
  int64_t mib_ms = 0;  // memory × billed time
  domain::Pico cost = 0;
  domain::Pico list_cost = 0;  // with nothing free, and without steps
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  bool operator==(const BillRow&) const = default;
};
// Sums of the rows, without keys; each stops at the largest value.
BillRow total_of(const std::vector<BillRow>& rows);

struct Bill {
  std::string currency;
  std::vector<BillRow> rows = {};
  BillRow total = {};
  bool operator==(const Bill&) const = default;
};

json::value to_json(const EndpointRow& row);
json::value to_json(const DecisionRow& row);
json::value to_json(const LogRow& row);
json::value to_json(const StatusRow& row);
json::value to_json(const domain::Model& model);
json::value to_json(const ModelView& view);
json::value to_json(const AddModel& request);
json::value to_json(const ModelProgress& progress);
json::object to_json(const BillRow& row);
json::value to_json(const Bill& bill);
// {"error": {"kind", "message", "param"}}, with "retry_after_ms" where there is advice.
json::value to_json(const Error& error);

Result<EndpointRow> endpoint_row_from_json(const json::value& value);
Result<DecisionRow> decision_row_from_json(const json::value& value);
Result<LogRow> log_row_from_json(const json::value& value);
Result<StatusRow> status_row_from_json(const json::value& value);
Result<domain::Model> model_from_json(const json::value& value);
Result<ModelView> model_view_from_json(const json::value& value);
// Closed schema: this one is read by the server.
Result<AddModel> add_model_from_json(const json::value& value);
Result<ModelProgress> model_progress_from_json(const json::value& value);
// Of a row at `path` in something larger, whose reader takes over what is wrong with it.
BillRow bill_row_in(const json::value& value, std::string path, ObjectReader& parent);
Result<Bill> bill_from_json(const json::value& value);
// The error of an answer; kInternal with a plain sentence if it has none that can be read.
Error error_from_json(const json::value& value);

}  // namespace ebb::wire
