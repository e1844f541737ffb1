// /api/…: Ollama's dialect. Endpoints are its models.
#include <fmt/format.h>

#include "gateway/answer.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/admin_json.h"
#include "wire/ollama.h"

namespace ebb::gateway {

namespace {

std::optional<domain::Model> model_of(const Services& services, const domain::Revision& revision) {
  if (!revision.model) return std::nullopt;
  for (domain::Model& model : services.models.list()) {
    if (model.name == revision.model->name && model.version == revision.model->version) return std::move(model);
  }
  return std::nullopt;
}

json::object entry_of(const Services& services, const invoke::EndpointView& view) {
  const std::string name = view.revision.spec.name + ":latest";
  json::object out{{"name", name}, {"model", name}, {"modified_at", wire::format_time(view.revision.created)}, {"size", 0}, {"digest", ""}};
  const std::optional<domain::Model> model = model_of(services, view.revision);
  if (model) {
    out["size"] = model->facts.weights_bytes;
    out["digest"] = model->digest.hex();
  }
  out["details"] = wire::ollama_details(model ? model->facts : domain::ModelFacts{});
  return out;
}

std::string list_of(const Services& services, bool running_only) {
  json::array models;
  for (const invoke::EndpointView& view : services.platform.endpoints()) {
    if (running_only && view.state == "absent") continue;
    json::object entry = entry_of(services, view);
    if (running_only) {
      entry["size_vram"] = 0;
      entry["context_length"] = view.revision.context_tokens;
    }
    models.push_back(std::move(entry));
  }
  return json::serialize(json::object{{"models", std::move(models)}}) + "\n";
}

Result<std::string> shown(const Services& services, std::string_view body) {
  const Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  std::string name = reader.string("model").value_or(reader.string("name").value_or(""));
  if (!reader.ok()) return fail(reader.error());
  if (name.ends_with(":latest")) name.resize(name.size() - 7);
  const Result<invoke::EndpointView> view = services.platform.endpoint(name);
  if (!view) return fail(view.error());
  const std::optional<domain::Model> model = model_of(services, view->revision);
  const domain::ModelFacts facts = model ? model->facts : domain::ModelFacts{};
  json::object info{{"general.architecture", facts.architecture}, {"general.basename", facts.title}, {"general.parameter_count", facts.parameters}};
  info[facts.architecture + ".context_length"] = facts.train_context;
  info[facts.architecture + ".block_count"] = facts.layers;
  if (facts.width > 0) info[facts.architecture + ".embedding_length"] = facts.width;
  const json::object out{{"modelfile", ""},
                         {"parameters", fmt::format("num_ctx {}", view->revision.context_tokens)},
                         {"template", ""},
                         {"details", wire::ollama_details(facts)},
                         {"model_info", std::move(info)},
                         {"capabilities", facts.capability() == "embedding" ? json::array{"embedding"} : json::array{"completion", "tools"}},
                         {"modified_at", wire::format_time(view->revision.created)}};
  return json::serialize(out) + "\n";
}

}  // namespace

namespace {

using Ask = Result<wire::Asked> (*)(std::string_view body);

// What only wants a model to be loaded is answered at once.
io::Task<void> answer_or_load(Services& services, Exchange& exchange, wire::OllamaRoute route, wire::Operation operation, Ask ask) {
  const std::optional<wire::OllamaLoad> load = wire::ollama_load(exchange.request().body(), route, services.clock.wall());
  if (!load) {
    co_await answer(services, exchange, operation, ask(exchange.request().body()));
    co_return;
  }
  const Result<invoke::EndpointView> view = services.platform.endpoint(load->endpoint);
  if (!view) {
    co_await exchange.fail(view.error());
    co_return;
  }
  Response response = json_response(load->answer);
  co_await exchange.respond(std::move(response));
}

}  // namespace

io::Task<void> ollama_chat(Services& services, Exchange& exchange) {
  return answer_or_load(services, exchange, wire::OllamaRoute::kChat, wire::Operation::kChat, wire::ask_ollama_chat);
}

io::Task<void> ollama_generate(Services& services, Exchange& exchange) {
  return answer_or_load(services, exchange, wire::OllamaRoute::kGenerate, wire::Operation::kTextCompletion, wire::ask_ollama_generate);
}

io::Task<void> ollama_embed(Services& services, Exchange& exchange) {
  return answer_or_load(services, exchange, wire::OllamaRoute::kEmbed, wire::Operation::kEmbeddings, wire::ask_ollama_embed);
}

io::Task<void> ollama_embeddings(Services& services, Exchange& exchange) {
  return answer(services, exchange, wire::Operation::kEmbeddings, wire::ask_ollama_embeddings(exchange.request().body()));
}

io::Task<void> ollama_tags(Services& services, Exchange& exchange) {
  Response response = json_response(list_of(services, false));
  co_await exchange.respond(std::move(response));
}

io::Task<void> ollama_ps(Services& services, Exchange& exchange) {
  Response response = json_response(list_of(services, true));
  co_await exchange.respond(std::move(response));
}

io::Task<void> ollama_show(Services& services, Exchange& exchange) {
  Result<std::string> body = shown(services, exchange.request().body());
  if (!body) {
    co_await exchange.fail(body.error());
    co_return;
  }
  Response response = json_response(std::move(*body));
  co_await exchange.respond(std::move(response));
}

io::Task<void> ollama_version(Services& services, Exchange& exchange) {
  Response response = json_response(json::serialize(json::object{{"version", services.platform.status().version}}) + "\n");
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
