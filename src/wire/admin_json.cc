// Admin values to JSON; reading is in admin_json_read.cc.
// Compiled alone: see domain/cron.cc.
#include "wire/admin_json.h"

#include "base/ids.h"
#include "wire/model_facts_json.h"
#include "wire/spec.h"

namespace ebb::wire {

namespace {

json::value time_or_null(const std::optional<WallTime>& time) { return time ? json::value(format_time(*time)) : json::value(nullptr); }

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
  return {{"id", row.id},         {"at", format_time(row.at)},   {"what", row.what},  {"because", row.because}, {"call", row.call},
          {"worker", row.worker}, {"inputs", std::move(inputs)}, {"facts", row.facts}};
}

json::value to_json(const LogRow& row) { return {{"sequence", row.sequence}, {"at", format_time(row.at)}, {"text", row.text}}; }

json::value to_json(const StatusRow& row) {
  json::array sandbox;
  for (const auto& layer : row.sandbox)
    sandbox.push_back({{"name", layer.name}, {"active", layer.active}, {"detail", layer.detail}});
  json::value tls;
  if (row.tls) tls = {{"names", row.tls->names}, {"ends", format_time(row.tls->ends)}, {"problem", row.tls->problem}};
  return {{"version", row.version},
          {"home", row.home},
          {"ready", row.ready},
          {"not_ready_why", row.not_ready_why},
          {"sandbox", std::move(sandbox)},
          {"tls", std::move(tls)},
          {"containers", row.containers},
          {"memory_limit_bytes", row.memory_limit_bytes},
          {"memory_available_bytes", row.memory_available_bytes},
          {"memory_workers_bytes", row.memory_workers_bytes},
          {"memory_huge_page_bytes", row.memory_huge_page_bytes},
          {"cores", row.cores},
          {"processors", row.processors},
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
  out.get_object()["prepared"] = {{"ready", view.not_prepared_why.empty()}, {"why", view.not_prepared_why}, {"tokens_alike", view.tokens_alike}};
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

BillRow total_of(const std::vector<BillRow>& rows) {
  BillRow total;
  const auto add = [](int64_t& sum, int64_t one) { sum = domain::saturated_sum(sum, one); };
  for (const BillRow& row : rows) {
    add(total.calls, row.calls);
    add(total.faults, row.faults);
    add(total.billed_ms, row.billed_ms);
    add(total.mib_ms, row.mib_ms);
    add(total.cost, row.cost);
    add(total.list_cost, row.list_cost);
    add(total.prompt_tokens, row.prompt_tokens);
    add(total.completion_tokens, row.completion_tokens);
  }
  return total;
}

json::object to_json(const BillRow& row) {
  json::object out;
  if (row.endpoint) out["endpoint"] = *row.endpoint;
  if (row.day) out["day"] = *row.day;
  if (row.tier) out["tier"] = *row.tier;
  if (row.tenant) out["tenant"] = *row.tenant;
  if (row.key) out["key"] = *row.key;
  out["calls"] = row.calls;
  out["faults"] = row.faults;
  out["billed_ms"] = row.billed_ms;
  out["mib_ms"] = row.mib_ms;
  out["cost"] = domain::format_money(row.cost);
  out["cost_pico"] = row.cost;
  out["list_cost_pico"] = row.list_cost;
  out["prompt_tokens"] = row.prompt_tokens;
  out["completion_tokens"] = row.completion_tokens;
  return out;
}

json::value to_json(const Bill& bill) {
  json::array rows;
  for (const BillRow& row : bill.rows)
    rows.push_back(to_json(row));
  return {{"currency", bill.currency}, {"rows", std::move(rows)}, {"total", to_json(bill.total)}};
}

json::value to_json(const Error& error) {
  json::object inner{{"kind", to_string(error.kind)}, {"message", error.message}};
  inner["param"] = error.param.empty() ? json::value(nullptr) : json::value(error.param);
  if (!error.code.empty()) inner["code"] = error.code;
  if (error.retry_after.count() > 0) inner["retry_after_ms"] = error.retry_after.count();
  return {{"error", std::move(inner)}};
}

}  // namespace ebb::wire
