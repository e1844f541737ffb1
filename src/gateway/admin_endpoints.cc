// /ebb/v1/status and /ebb/v1/endpoints.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "gateway/answer.h"
#include "gateway/decision_row.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/admin_json.h"
#include "wire/prompt_view.h"
#include "wire/spec.h"

namespace ebb::gateway {

namespace {

Response as_response(const json::value& value) { return json_response(json::serialize(value) + "\n"); }

wire::EndpointRow row_of(const invoke::EndpointView& view) {
  const domain::Revision& revision = view.revision;
  return {.spec = revision.spec,
          .revision = revision.id.value,
          .model = revision.model ? fmt::format("{}@{}", revision.model->name, revision.model->version) : "",
          .capability = std::string(revision.model ? revision.model->facts.capability() : ""),
          .image = revision.function ? fmt::format("{}@{}", revision.function->image.name, revision.function->image.version) : "",
          .contract = std::string(revision.function ? to_string(revision.function->contract) : ""),
          .calls_per_instance = revision.calls_per_instance,
          .memory_mib = revision.memory_mib,
          .context_tokens = revision.context_tokens,
          .created = revision.created,
          .state = view.state,
          .slots_busy = view.slots_busy,
          .slots_ready = view.slots_ready,
          .waiting = view.waiting,
          .memory_bytes = view.memory_bytes,
          .memory_measured = view.memory_measured,
          .last_call = view.last_call,
          .calls = view.calls,
          .spent = view.spent};
}

wire::DecisionRow row_of(const invoke::DecisionView& view) { return decision_row(view); }

// The body of PUT: a specification whose name may be left out, since the path has it.
Result<domain::EndpointSpec> spec_of(const Request& request) {
  Result<json::value> body = parse_json(request.body());
  if (!body) return fail(body.error());
  const std::string& name = request.param("name");
  if (json::object* object = body->if_object(); object != nullptr && !object->contains("endpoint")) (*object)["endpoint"] = name;
  Result<domain::EndpointSpec> spec = wire::parse_spec(*body);
  if (spec && spec->name != name) return fail(ErrorKind::kInvalid, fmt::format("'endpoint' is '{}', but the path says '{}'", spec->name, name), "endpoint");
  return spec;
}

struct LogRequest {
  uint64_t after = 0;
  bool follow = false;
};

Result<LogRequest> log_request(const Target& target) {
  LogRequest out;
  for (const auto& [key, value] : target.query) {
    if (key == "after") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out.after);
      if (error != std::errc{} || end != value.data() + value.size()) return fail(ErrorKind::kInvalid, "'after' must be the number of a line", "after");
    } else if (key == "follow") {
      if (value != "true" && value != "false") return fail(ErrorKind::kInvalid, "'follow' must be true or false", "follow");
      out.follow = value == "true";
    } else {
      return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a known parameter: there are 'after' and 'follow'", key), key);
    }
  }
  return out;
}

std::string as_lines(const std::vector<invoke::LogLine>& lines) {
  std::string out;
  for (const invoke::LogLine& line : lines)
    out += json::serialize(wire::to_json(wire::LogRow{.sequence = line.sequence, .at = line.at, .text = line.text})) + "\n";
  return out;
}

wire::StatusRow::Tls tls_row(const io::TlsIdentity& identity, WallTime now) {
  const std::shared_ptr<const io::TlsPair> pair = identity.pair();
  wire::StatusRow::Tls row{.names = fmt::format("{}", fmt::join(pair->names(), ", ")), .ends = pair->ends()};
  if (pair->ends() <= now) row.problem = "it has expired";
  if (!identity.problem().empty()) row.problem += (row.problem.empty() ? "" : "; ") + ("what was to replace it is not used: " + identity.problem());
  return row;
}

wire::StatusRow row_of(const invoke::StatusView& view, const Services& services) {
  wire::StatusRow row{.version = view.version,
                      .home = view.home,
                      .ready = view.ready,
                      .not_ready_why = view.not_ready_why,
                      .memory_limit_bytes = view.memory_limit_bytes,
                      .memory_available_bytes = view.memory_available_bytes,
                      .memory_workers_bytes = view.memory_workers_bytes,
                      .memory_huge_page_bytes = view.memory_huge_page_bytes,
                      .cores = view.cores,
                      .processors = view.processors,
                      .workers = view.workers,
                      .endpoints = static_cast<int64_t>(services.platform.endpoints().size()),
                      .currency = services.prices.in_force().currency};
  if (services.options.tls != nullptr) row.tls = tls_row(*services.options.tls, services.clock.wall());
  row.containers = view.containers;
  for (const invoke::SandboxLayer& layer : view.sandbox)
    row.sandbox.push_back({.name = layer.name, .active = layer.active, .detail = layer.detail});
  return row;
}

// {key: [row…]}, made outside coroutines: see errors.h.
template <class View>
json::value list_of(const char* key, const std::vector<View>& views) {
  json::array rows;
  for (const View& view : views)
    rows.push_back(wire::to_json(row_of(view)));
  return json::object{{key, std::move(rows)}};
}

json::value removed_endpoint(const std::string& name) { return {{"name", name}, {"removed", true}}; }

}  // namespace

io::Task<void> get_status(Services& services, Exchange& exchange) {
  Response response = as_response(wire::to_json(row_of(services.platform.status(), services)));
  co_await exchange.respond(std::move(response));
}

io::Task<void> list_endpoints(Services& services, Exchange& exchange) {
  Response response = as_response(list_of("endpoints", services.platform.endpoints()));
  co_await exchange.respond(std::move(response));
}

io::Task<void> get_endpoint(Services& services, Exchange& exchange) {
  const Result<invoke::EndpointView> view = services.platform.endpoint(exchange.request().param("name"));
  if (!view) {
    co_await exchange.fail(view.error());
    co_return;
  }
  Response response = as_response(wire::to_json(row_of(*view)));
  co_await exchange.respond(std::move(response));
}

io::Task<void> put_endpoint(Services& services, Exchange& exchange) {
  Result<domain::EndpointSpec> spec = spec_of(exchange.request());
  if (!spec) {
    co_await exchange.fail(spec.error());
    co_return;
  }
  const Result<domain::Revision> revision = services.platform.deploy(std::move(*spec));
  if (!revision) {
    co_await exchange.fail(revision.error());
    co_return;
  }
  co_await get_endpoint(services, exchange);
}

io::Task<void> delete_endpoint(Services& services, Exchange& exchange) {
  const std::string name = exchange.request().param("name");
  const Status removed = services.platform.remove(name);
  if (!removed) {
    co_await exchange.fail(removed.error());
    co_return;
  }
  Response response = as_response(removed_endpoint(name));
  co_await exchange.respond(std::move(response));
}

io::Task<void> get_decisions(Services& services, Exchange& exchange) {
  const Result<std::vector<invoke::DecisionView>> decisions = services.platform.decisions(exchange.request().param("name"));
  if (!decisions) {
    co_await exchange.fail(decisions.error());
    co_return;
  }
  Response response = as_response(list_of("decisions", *decisions));
  co_await exchange.respond(std::move(response));
}

io::Task<void> show_prompt(Services& services, Exchange& exchange) {
  return answer(services, exchange, wire::Operation::kChat, wire::ask_prompt_view(exchange.request().body(), exchange.request().param("name")));
}

io::Task<void> get_logs(Services& services, Exchange& exchange) {
  const std::string name = exchange.request().param("name");
  const Result<LogRequest> asked = log_request(exchange.request().target);
  if (!asked) {
    co_await exchange.fail(asked.error());
    co_return;
  }
  uint64_t after = asked->after;
  auto timer = std::make_shared<io::Timer>(services.executor);  // shared with the notice of the client's leaving
  exchange.on_left([timer] { timer->cancel(); });
  for (;;) {
    const Result<std::vector<invoke::LogLine>> lines = services.platform.log_lines(name, after);
    if (!lines && !exchange.started()) {
      co_await exchange.fail(lines.error());
      co_return;
    }
    if (!lines) break;  // the endpoint was removed meanwhile
    if (!lines->empty()) after = lines->back().sequence;
    if (!exchange.started()) exchange.start_stream(ndjson_response());
    const bool written = co_await exchange.write(as_lines(*lines));
    if (!written) co_return;
    if (!asked->follow || services.stopping) break;
    timer->expires_after(services.options.log_poll);
    co_await timer->async_wait(io::asio::as_tuple(io::use_awaitable));
    if (exchange.left()) co_return;
  }
  co_await exchange.end_stream();
}

}  // namespace ebb::gateway
