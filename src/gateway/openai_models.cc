// GET /v1/models: the endpoints, as OpenAI's clients list models, with Ebb's own facts under the key "ebb"; and beside it, as those of the inference
// protocol's version 1 do.
#include <fmt/format.h>

#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/oip.h"
#include "wire/openai.h"

namespace ebb::gateway {

namespace {

// What a call costs: its time at its slot's memory, tokens, and one amount for the call itself; without what is free, and steps.
json::object price_of(const domain::Revision& revision, const domain::PriceList& prices) {
  const domain::Pico per_second = list_cost_of(prices, domain::Tier::kWarm, {.mib_ms = domain::mib_milliseconds(1000, revision.memory_mib)});
  json::object price{{"currency", prices.currency}, {"per_second", domain::format_money(per_second)}, {"per_call", domain::format_money(prices.per_call)}};
  if (prices.counts_tokens()) {
    price["per_prompt_token"] = domain::format_money(prices.per_prompt_token);
    price["per_completion_token"] = domain::format_money(prices.per_completion_token);
  }
  return price;
}

json::object model_of(const invoke::EndpointView& view, const domain::PriceList& prices) {
  const domain::Revision& revision = view.revision;
  json::object facts{{"state", view.state},
                     {"engine", domain::to_string(revision.spec.engine)},
                     {"context_tokens", revision.context_tokens},
                     {"memory_mib", revision.memory_mib},
                     {"price", price_of(revision, prices)}};
  if (revision.model) {
    facts["model"] = fmt::format("{}@{}", revision.model->name, revision.model->version);
    facts["capability"] = revision.model->facts.capability();
  }
  const int64_t created = std::chrono::duration_cast<seconds>(revision.created.time_since_epoch()).count();
  json::object model = wire::openai_model(revision.spec.name, created, std::move(facts));
  // What clients of the inference protocol's version 1 read of the same answer.
  model["name"] = revision.spec.name;
  model["ready"] = wire::oip_model(revision, view.failing).ready;
  return model;
}

std::string list_of(const std::vector<invoke::EndpointView>& views, const domain::PriceList& prices) {
  json::array models;
  json::array names;
  for (const invoke::EndpointView& view : views) {
    models.push_back(model_of(view, prices));
    names.emplace_back(view.revision.spec.name);
  }
  return json::serialize(json::object{{"object", "list"}, {"data", std::move(models)}, {"models", std::move(names)}}) + "\n";
}

}  // namespace

io::Task<void> list_openai_models(Services& services, Exchange& exchange) {
  Response response = json_response(list_of(services.platform.endpoints(), services.prices.in_force()));
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
  Response response = json_response(json::serialize(model_of(*view, services.prices.in_force())) + "\n");
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
