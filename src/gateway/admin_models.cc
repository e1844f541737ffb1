// /ebb/v1/models: what is stored, adding with progress, removing.
#include <fmt/format.h>

#include "gateway/addition.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/admin_json.h"

namespace ebb::gateway {

namespace {

std::string line(const json::value& value) { return json::serialize(value) + "\n"; }

// Values with braces are made outside coroutines: see errors.h.
json::value added(const domain::Model& model) { return json::object{{"model", wire::to_json(model)}}; }
std::string removed_line(const domain::ModelRef& ref) { return line(json::object{{"model", domain::to_string(ref)}, {"removed", true}}); }

std::string list_of(const std::vector<domain::Model>& models) {
  json::array rows;
  for (const domain::Model& model : models)
    rows.push_back(wire::to_json(model));
  return line(json::object{{"models", std::move(rows)}});
}

io::Task<Result<json::value>> add_with(ModelAdmin& models, wire::AddModel request, std::shared_ptr<AddProgress> progress) {
  Result<domain::Model> model = co_await models.add(std::move(request), std::move(progress));
  if (!model) co_return fail(model.error());
  co_return added(*model);
}

Result<wire::AddModel> add_request(const Request& request) {
  Result<json::value> body = parse_json(request.body());
  if (!body) return fail(body.error());
  return wire::add_model_from_json(*body);
}

}  // namespace

io::Task<void> list_models(Services& services, Exchange& exchange) {
  Response response = json_response(list_of(services.models.list()));
  co_await exchange.respond(std::move(response));
}

io::Task<void> add_model(Services& services, Exchange& exchange) {
  Result<wire::AddModel> request = add_request(exchange.request());
  if (!request) {
    co_await exchange.fail(request.error());
    co_return;
  }
  auto addition = std::make_shared<Addition>(services.executor);
  io::Task<Result<json::value>> work = add_with(services.models, std::move(*request), addition->progress);
  co_await answer_addition(services, exchange, std::move(addition), std::move(work));
}

io::Task<void> get_model(Services& services, Exchange& exchange) {
  const Result<domain::ModelRef> ref = domain::parse_model_ref(exchange.request().param("ref"));
  const Result<wire::ModelView> view = ref ? services.models.find(*ref) : Result<wire::ModelView>(ebb::fail(ref.error()));
  if (!view) {
    co_await exchange.fail(view.error());
    co_return;
  }
  Response response = json_response(line(wire::to_json(*view)));
  co_await exchange.respond(std::move(response));
}

io::Task<void> delete_model(Services& services, Exchange& exchange) {
  const Result<domain::ModelRef> ref = domain::parse_model_ref(exchange.request().param("ref"));
  Status removed;
  if (ref) {
    removed = services.models.remove(*ref);
  } else {
    removed = fail(ref.error());
  }
  if (!removed) {
    co_await exchange.fail(removed.error());
    co_return;
  }
  Response response = json_response(removed_line(*ref));
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
