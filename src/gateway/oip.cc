// /v2/… and /v1/models/{m}:predict: the Open Inference Protocol. Endpoints are its models.
//
// A model is ready unless its workers fail: one that is absent starts with its next call, so that nothing would ever call it if it were not. The server
// is ready when it takes calls; one endpoint that fails does not take the others out.
#include "wire/oip.h"

#include <fmt/format.h>

#include "gateway/answer.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"

namespace ebb::gateway {

namespace {

std::string_view header(const Exchange& exchange, std::string_view name) {
  const io::beast::string_view value = exchange.request().message[io::beast::string_view(name.data(), name.size())];
  return {value.data(), value.size()};
}

Result<wire::OipModel> find_model(const Services& services, const std::string& name, std::string_view version) {
  const Result<invoke::EndpointView> view = services.platform.endpoint(name);
  if (!view) return fail(view.error());
  wire::OipModel model = wire::oip_model(view->revision, view->failing);
  if (Status same = wire::check_version(model, version); !same) return fail(same.error());
  return model;
}

// The model of the path, and its version where the route has one.
Result<wire::OipModel> model_of(const Services& services, const Exchange& exchange) {
  std::string_view version;
  for (const auto& [key, value] : exchange.request().params) {
    if (key == "version") version = value;
  }
  return find_model(services, exchange.request().param("model"), version);
}

Result<std::string> written(const Result<wire::OipModel>& model, std::string (*write)(const wire::OipModel&)) {
  return model ? Result<std::string>(write(*model)) : fail(model.error());
}

io::Task<void> respond(Exchange& exchange, Result<std::string> body) {
  if (!body) {
    co_await exchange.fail(body.error());
    co_return;
  }
  Response response = json_response(std::move(*body));
  co_await exchange.respond(std::move(response));
}

io::Task<void> respond_ready(Exchange& exchange, std::string_view key, bool ready) {
  Response response = json_response(fmt::format("{{\"{}\":{}}}\n", key, ready));
  if (!ready) response.status = 503;
  co_await exchange.respond(std::move(response));
}

Result<std::string> unpacked_body(const Exchange& exchange) {
  const Result<wire::Encoding> encoding = wire::parse_encoding(header(exchange, "Content-Encoding"));
  if (!encoding) return fail(encoding.error());
  return wire::decompress(*encoding, exchange.request().body(), domain::kTensorBodyBytesMax);
}

Result<wire::Asked> ask_infer(const Services& services, const Exchange& exchange) {
  const Result<wire::OipModel> model = model_of(services, exchange);
  if (!model) return fail(model.error());
  const Result<std::string> body = unpacked_body(exchange);
  if (!body) return fail(body.error());
  wire::InferHead head{.json_bytes = std::nullopt, .accepted = wire::accepted_encoding(header(exchange, "Accept-Encoding"))};
  constexpr std::string_view kJsonBytes = "Inference-Header-Content-Length";
  if (const std::string_view text = header(exchange, kJsonBytes); !text.empty()) {
    const Result<size_t> bytes = wire::parse_json_bytes(text);
    if (!bytes) return fail(bytes.error());
    head.json_bytes = *bytes;
  }
  return wire::ask_infer(*body, head, *model);
}

// "m:predict", "m/versions/3:predict": a verb is all that may be posted to a model here.
Result<wire::Asked> ask_predict(const Services& services, const Exchange& exchange) {
  std::string_view path = exchange.request().param("id");
  const size_t colon = path.rfind(':');
  const std::string_view verb = colon == std::string_view::npos ? std::string_view{} : path.substr(colon + 1);
  if (verb != "predict")
    return fail(ErrorKind::kNotFound, fmt::format("a model has no verb '{}' here: POST to /v1/models/NAME:predict", verb.substr(0, 40)), "verb");
  path = path.substr(0, colon);
  constexpr std::string_view kVersions = "/versions/";
  const size_t at = path.find(kVersions);
  const std::string_view version = at == std::string_view::npos ? std::string_view{} : path.substr(at + kVersions.size());
  const Result<wire::OipModel> model = find_model(services, std::string(path.substr(0, at)), version);
  if (!model) return fail(model.error());
  const Result<std::string> body = unpacked_body(exchange);
  return body ? wire::ask_predict(*body, *model) : fail(body.error());
}

Result<std::string> index_of(const Services& services, std::string_view body) {
  bool only_ready = false;
  if (!body.empty()) {
    const Result<json::value> value = parse_json(body);
    if (!value) return fail(value.error());
    ObjectReader reader(*value, "");
    only_ready = reader.boolean("ready").value_or(false);
    if (!reader.ok()) return fail(reader.error());
  }
  std::vector<wire::OipModel> models;
  for (const invoke::EndpointView& view : services.platform.endpoints()) {
    wire::OipModel model = wire::oip_model(view.revision, view.failing);
    if (model.ready || !only_ready) models.push_back(std::move(model));
  }
  return wire::oip_index(models);
}

}  // namespace

io::Task<void> oip_server(Services& services, Exchange& exchange) { return respond(exchange, wire::oip_server(services.platform.status().version)); }

io::Task<void> oip_live(Services& /*services*/, Exchange& exchange) { return respond_ready(exchange, "live", true); }

io::Task<void> oip_ready(Services& services, Exchange& exchange) {
  return respond_ready(exchange, "ready", services.platform.status().ready && !services.stopping);
}

io::Task<void> oip_metadata(Services& services, Exchange& exchange) { return respond(exchange, written(model_of(services, exchange), wire::oip_metadata)); }

io::Task<void> oip_config(Services& services, Exchange& exchange) { return respond(exchange, written(model_of(services, exchange), wire::oip_config)); }

io::Task<void> oip_model_ready(Services& services, Exchange& exchange) {
  const Result<wire::OipModel> model = model_of(services, exchange);
  if (!model) {
    co_await exchange.fail(model.error());
    co_return;
  }
  Response response = json_response(json::serialize(json::object{{"name", model->name}, {"ready", model->ready}}) + "\n");
  if (!model->ready) response.status = 503;
  co_await exchange.respond(std::move(response));
}

io::Task<void> oip_index(Services& services, Exchange& exchange) { return respond(exchange, index_of(services, exchange.request().body())); }

io::Task<void> oip_infer(Services& services, Exchange& exchange) {
  return answer(services, exchange, wire::Operation::kInference, ask_infer(services, exchange));
}

io::Task<void> oip_predict(Services& services, Exchange& exchange) {
  return answer(services, exchange, wire::Operation::kInference, ask_predict(services, exchange));
}

}  // namespace ebb::gateway
