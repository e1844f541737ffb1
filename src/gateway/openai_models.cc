// GET /v1/models: the endpoints, as OpenAI's clients list models, with Ebb's own facts under the key "ebb".
#include <fmt/format.h>

#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/openai.h"

namespace ebb::gateway {

namespace {

json::object model_of(const invoke::EndpointView& view) {
  const domain::Revision& revision = view.revision;
  json::object facts{{"state", view.state},
                     {"engine", domain::to_string(revision.spec.engine)},
                     {"context_tokens", revision.context_tokens},
                     {"memory_mib", revision.memory_mib}};
  if (revision.model) facts["model"] = fmt::format("{}@{}", revision.model->name, revision.model->version);
  const int64_t created = std::chrono::duration_cast<seconds>(revision.created.time_since_epoch()).count();
  return wire::openai_model(revision.spec.name, created, std::move(facts));
}

std::string list_of(const std::vector<invoke::EndpointView>& views) {
  json::array models;
  for (const invoke::EndpointView& view : views)
    models.push_back(model_of(view));
  return json::serialize(json::object{{"object", "list"}, {"data", std::move(models)}}) + "\n";
}

}  // namespace

io::Task<void> list_openai_models(Services& services, Exchange& exchange) {
  Response response = json_response(list_of(services.platform.endpoints()));
  co_await exchange.respond(std::move(response));
}

io::Task<void> get_openai_model(Services& services, Exchange& exchange) {
  const Result<invoke::EndpointView> view = services.platform.endpoint(exchange.request().param("id"));
  if (!view) {
    Error error = view.error();
    if (error.kind == ErrorKind::kNotFound) error.param = "model";
    co_await exchange.fail(std::move(error));
    co_return;
  }
  Response response = json_response(json::serialize(model_of(*view)) + "\n");
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
