// Admin values from JSON. Schemas are open (a newer server may say more) except for what the server itself reads.
// Compiled alone: see domain/cron.cc.
#include <limits>

#include "base/ids.h"
#include "wire/admin_json.h"
#include "wire/model_facts_json.h"
#include "wire/spec.h"

namespace ebb::wire {

namespace {

constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();
constexpr int64_t kInt64Min = std::numeric_limits<int64_t>::min();

std::string text(ObjectReader& reader, std::string_view key) { return reader.string(key).value_or(""); }
int64_t count(ObjectReader& reader, std::string_view key) { return reader.integer(key, 0, kInt64Max).value_or(0); }
uint64_t size(ObjectReader& reader, std::string_view key) { return static_cast<uint64_t>(count(reader, key)); }
int64_t amount(ObjectReader& reader, std::string_view key) { return reader.integer(key, kInt64Min, kInt64Max).value_or(0); }

std::optional<WallTime> time_of(ObjectReader& reader, std::string_view key) {
  const std::optional<std::string> written = reader.string(key);
  if (!written) return std::nullopt;
  Result<WallTime> time = parse_time(*written);
  if (!time) {
    reader.add_error(key, time.error().message);
    return std::nullopt;
  }
  return *time;
}

}  // namespace

Result<EndpointRow> endpoint_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  EndpointRow row;
  if (const json::value* spec = reader.find("spec")) {
    Result<domain::EndpointSpec> parsed = parse_spec(*spec);
    if (parsed) {
      row.spec = std::move(*parsed);
    } else {
      reader.adopt(parsed.error());
    }
  } else {
    reader.add_error("spec", "'spec' is required");
  }
  row.revision = from_hex(text(reader, "revision"));
  row.model = text(reader, "model");
  row.capability = text(reader, "capability");
  row.image = text(reader, "image");
  row.contract = text(reader, "contract");
  row.calls_per_instance = count(reader, "calls_per_instance");
  row.memory_mib = count(reader, "memory_mib");
  row.context_tokens = count(reader, "context_tokens");
  row.created = time_of(reader, "created");
  row.state = text(reader, "state");
  row.slots_busy = count(reader, "slots_busy");
  row.slots_ready = count(reader, "slots_ready");
  row.waiting = count(reader, "waiting");
  row.memory_bytes = size(reader, "memory_bytes");
  row.memory_measured = reader.boolean("memory_measured").value_or(true);
  row.last_call = time_of(reader, "last_call");
  row.calls = count(reader, "calls");
  row.spent = amount(reader, "spent_pico");
  if (!reader.ok()) return fail(reader.error());
  return row;
}

Result<DecisionRow> decision_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  DecisionRow row;
  row.id = size(reader, "id");
  row.at = time_of(reader, "at").value_or(WallTime{});
  row.what = text(reader, "what");
  row.because = text(reader, "because");
  row.call = text(reader, "call");
  row.worker = text(reader, "worker");
  if (const json::array* inputs = reader.array("inputs")) {
    for (const json::value& input : *inputs) {
      ObjectReader one(input, "inputs");
      row.inputs.emplace_back(text(one, "name"), text(one, "value"));
      if (!one.ok()) reader.adopt(one.error());
    }
  }
  if (const json::object* facts = reader.object("facts")) row.facts = *facts;
  if (!reader.ok()) return fail(reader.error());
  return row;
}

Result<LogRow> log_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  LogRow row;
  row.sequence = size(reader, "sequence");
  row.at = time_of(reader, "at").value_or(WallTime{});
  row.text = text(reader, "text");
  if (!reader.ok()) return fail(reader.error());
  return row;
}

Result<StatusRow> status_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  StatusRow row;
  row.version = text(reader, "version");
  row.home = text(reader, "home");
  row.ready = reader.boolean("ready").value_or(false);
  row.not_ready_why = text(reader, "not_ready_why");
  if (const json::array* layers = reader.array("sandbox")) {
    for (const json::value& layer : *layers) {
      ObjectReader one(layer, "sandbox");
      row.sandbox.push_back({.name = text(one, "name"), .active = one.boolean("active").value_or(false), .detail = text(one, "detail")});
      if (!one.ok()) reader.adopt(one.error());
    }
  }
  if (const json::value* tls = reader.find("tls"); tls != nullptr && !tls->is_null()) {
    ObjectReader one(*tls, "tls");
    row.tls = {.names = text(one, "names"), .ends = time_of(one, "ends").value_or(WallTime{}), .problem = text(one, "problem")};
    if (!one.ok()) reader.adopt(one.error());
  }
  row.containers = text(reader, "containers");
  row.memory_limit_bytes = size(reader, "memory_limit_bytes");
  row.memory_available_bytes = size(reader, "memory_available_bytes");
  row.memory_workers_bytes = size(reader, "memory_workers_bytes");
  row.memory_huge_page_bytes = size(reader, "memory_huge_page_bytes");
  row.cores = count(reader, "cores");
  row.processors = text(reader, "processors");
  row.workers = count(reader, "workers");
  row.endpoints = count(reader, "endpoints");
  row.currency = text(reader, "currency");
  if (!reader.ok()) return fail(reader.error());
  return row;
}

Result<domain::Model> model_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  domain::Model model;
  model.name = reader.required_string("name");
  model.version = count(reader, "version");
  model.source = text(reader, "source");
  model.added = time_of(reader, "added").value_or(WallTime{});
  Result<domain::Digest> digest = domain::parse_digest(text(reader, "sha256"));
  if (digest) {
    model.digest = *digest;
  } else {
    reader.add_error("sha256", digest.error().message);
  }
  if (const json::value* facts = reader.find("facts")) {
    Result<domain::ModelFacts> read = model_facts_from_json(*facts, "facts");
    if (read) {
      model.facts = std::move(*read);
    } else {
      reader.adopt(read.error());
    }
  }
  if (!reader.ok()) return fail(reader.error());
  return model;
}

Result<ModelView> model_view_from_json(const json::value& value) {
  Result<domain::Model> model = model_from_json(value);
  if (!model) return fail(model.error());
  ModelView view{.model = std::move(*model)};
  ObjectReader reader(value, "");
  if (const json::value* prepared = reader.find("prepared")) {
    ObjectReader inner(*prepared, "prepared");
    view.not_prepared_why = text(inner, "why");
    view.tokens_alike = inner.boolean("tokens_alike").value_or(false);
    if (!inner.ok()) return fail(inner.error());
  }
  return view;
}

Result<AddModel> add_model_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  reader.refuse_unknown({"name", "source", "sha256"});
  AddModel request;
  request.name = reader.required_string("name");
  request.source = reader.required_string("source");
  if (!domain::is_name(request.name))
    reader.add_error("name", "'" + request.name.substr(0, 64) + "' is no name for a model: " + std::string(domain::kNameRule));
  if (request.source.empty()) reader.add_error("source", "'source' is empty: give an absolute path or a URL");
  if (request.source.find('\0') != std::string::npos) reader.add_error("source", "'source' has a NUL character");
  if (const std::optional<std::string> digest = reader.string("sha256")) {
    Result<domain::Digest> parsed = domain::parse_digest(*digest);
    if (parsed) {
      request.sha256 = *parsed;
    } else {
      reader.add_error("sha256", parsed.error().message);
    }
  }
  if (!reader.ok()) return fail(reader.error());
  return request;
}

Result<ModelProgress> model_progress_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  const json::value* inner = reader.find("progress");
  if (inner == nullptr) {
    reader.add_error("progress", "'progress' is required");
    return fail(reader.error());
  }
  ObjectReader one(*inner, "progress");
  ModelProgress progress{.phase = text(one, "phase"), .done_bytes = size(one, "done_bytes"), .total_bytes = size(one, "total_bytes")};
  if (!one.ok()) return fail(one.error());
  return progress;
}

BillRow bill_row_in(const json::value& value, std::string path, ObjectReader& parent) {
  ObjectReader reader(value, std::move(path));
  BillRow row;
  row.endpoint = reader.string("endpoint");
  row.day = reader.string("day");
  row.tier = reader.string("tier");
  row.tenant = reader.string("tenant");
  row.key = reader.string("key");
  row.calls = count(reader, "calls");
  row.faults = count(reader, "faults");
  row.billed_ms = count(reader, "billed_ms");
  row.mib_ms = count(reader, "mib_ms");
  row.cost = amount(reader, "cost_pico");
  row.list_cost = reader.has("list_cost_pico") ? amount(reader, "list_cost_pico") : row.cost;
  row.prompt_tokens = count(reader, "prompt_tokens");
  row.completion_tokens = count(reader, "completion_tokens");
  if (!reader.ok()) parent.adopt(reader.error());
  return row;
}

Result<Bill> bill_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  Bill bill;
  bill.currency = text(reader, "currency");
  if (const json::array* rows = reader.array("rows")) {
    for (const json::value& row : *rows)
      bill.rows.push_back(bill_row_in(row, "rows", reader));
  }
  if (const json::value* total = reader.find("total")) bill.total = bill_row_in(*total, "total", reader);
  if (!reader.ok()) return fail(reader.error());
  return bill;
}

Error error_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  Error error{.kind = ErrorKind::kInternal, .message = "the server answered with an error that could not be read"};
  const json::value* inner = reader.find("error");
  if (inner == nullptr) return error;
  ObjectReader one(*inner, "error");
  if (const std::optional<std::string> message = one.string("message")) error.message = *message;
  const std::string kind = text(one, "kind");
  for (int i = 0; i <= static_cast<int>(ErrorKind::kInternal); ++i) {
    if (to_string(static_cast<ErrorKind>(i)) == kind) error.kind = static_cast<ErrorKind>(i);
  }
  error.param = text(one, "param");
  error.code = text(one, "code");
  error.retry_after = milliseconds(count(one, "retry_after_ms"));
  return error;
}

}  // namespace ebb::wire
