// The table, and the search in it.
#include "gateway/routes.h"

#include <algorithm>
#include <array>

#include "gateway/handlers.h"
#include "gateway/target.h"

namespace ebb::gateway {

namespace {

constexpr std::array kRoutes = std::to_array<Route>({
    // method, path, whose errors, who may, handler
    {"POST", "/v1/chat/completions", Dialect::kOpenAi, Auth::kLocalPeer, chat_completions},
    {"POST", "/v1/completions", Dialect::kOpenAi, Auth::kLocalPeer, completions},
    {"POST", "/v1/embeddings", Dialect::kOpenAi, Auth::kLocalPeer, embeddings},
    {"POST", "/v1/responses", Dialect::kOpenAi, Auth::kLocalPeer, responses},
    {"GET", "/v1/responses/{id}", Dialect::kOpenAi, Auth::kLocalPeer, no_stored_response},
    {"DELETE", "/v1/responses/{id}", Dialect::kOpenAi, Auth::kLocalPeer, no_stored_response},
    {"POST", "/v1/responses/{id}/cancel", Dialect::kOpenAi, Auth::kLocalPeer, no_stored_response},
    {"GET", "/v1/responses/{id}/input_items", Dialect::kOpenAi, Auth::kLocalPeer, no_stored_response},
    {"GET", "/v1/models", Dialect::kOpenAi, Auth::kLocalPeer, list_openai_models},
    {"GET", "/v1/models/{id...}", Dialect::kOpenAi, Auth::kLocalPeer, get_openai_model},

    {"POST", "/v1/models/{id...}", Dialect::kOip, Auth::kLocalPeer, oip_predict, Body::kTensors},
    {"POST", "/v1/classify", Dialect::kOpenAi, Auth::kLocalPeer, classify},

    {"GET", "/v2", Dialect::kOip, Auth::kLocalPeer, oip_server},
    {"GET", "/v2/health/live", Dialect::kOip, Auth::kOpen, oip_live},
    {"GET", "/v2/health/ready", Dialect::kOip, Auth::kOpen, oip_ready},
    {"GET", "/v2/models/{model}", Dialect::kOip, Auth::kLocalPeer, oip_metadata},
    {"GET", "/v2/models/{model}/ready", Dialect::kOip, Auth::kLocalPeer, oip_model_ready},
    {"GET", "/v2/models/{model}/config", Dialect::kOip, Auth::kLocalPeer, oip_config},
    {"POST", "/v2/models/{model}/infer", Dialect::kOip, Auth::kLocalPeer, oip_infer, Body::kTensors},
    {"GET", "/v2/models/{model}/versions/{version}", Dialect::kOip, Auth::kLocalPeer, oip_metadata},
    {"GET", "/v2/models/{model}/versions/{version}/ready", Dialect::kOip, Auth::kLocalPeer, oip_model_ready},
    {"GET", "/v2/models/{model}/versions/{version}/config", Dialect::kOip, Auth::kLocalPeer, oip_config},
    {"POST", "/v2/models/{model}/versions/{version}/infer", Dialect::kOip, Auth::kLocalPeer, oip_infer, Body::kTensors},
    {"POST", "/v2/repository/index", Dialect::kOip, Auth::kLocalPeer, oip_index},

    {"POST", "/api/chat", Dialect::kOllama, Auth::kLocalPeer, ollama_chat},
    {"POST", "/api/generate", Dialect::kOllama, Auth::kLocalPeer, ollama_generate},
    {"POST", "/api/embed", Dialect::kOllama, Auth::kLocalPeer, ollama_embed},
    {"POST", "/api/embeddings", Dialect::kOllama, Auth::kLocalPeer, ollama_embeddings},
    {"GET", "/api/tags", Dialect::kOllama, Auth::kLocalPeer, ollama_tags},
    {"GET", "/api/ps", Dialect::kOllama, Auth::kLocalPeer, ollama_ps},
    {"POST", "/api/show", Dialect::kOllama, Auth::kLocalPeer, ollama_show},
    {"GET", "/api/version", Dialect::kOllama, Auth::kLocalPeer, ollama_version},

    {"GET", "/ebb/v1/status", Dialect::kEbb, Auth::kOperator, get_status},
    {"GET", "/ebb/v1/endpoints", Dialect::kEbb, Auth::kOperator, list_endpoints},
    {"GET", "/ebb/v1/endpoints/{name}", Dialect::kEbb, Auth::kOperator, get_endpoint},
    {"PUT", "/ebb/v1/endpoints/{name}", Dialect::kEbb, Auth::kOperator, put_endpoint},
    {"DELETE", "/ebb/v1/endpoints/{name}", Dialect::kEbb, Auth::kOperator, delete_endpoint},
    {"GET", "/ebb/v1/endpoints/{name}/decisions", Dialect::kEbb, Auth::kOperator, get_decisions},
    {"POST", "/ebb/v1/endpoints/{name}/prompt", Dialect::kEbb, Auth::kOperator, show_prompt},
    {"GET", "/ebb/v1/endpoints/{name}/logs", Dialect::kEbb, Auth::kOperator, get_logs},
    {"GET", "/ebb/v1/models", Dialect::kEbb, Auth::kOperator, list_models},
    {"POST", "/ebb/v1/models", Dialect::kEbb, Auth::kOperator, add_model},
    {"GET", "/ebb/v1/models/{ref}", Dialect::kEbb, Auth::kOperator, get_model},
    {"DELETE", "/ebb/v1/models/{ref}", Dialect::kEbb, Auth::kOperator, delete_model},
    {"GET", "/ebb/v1/images", Dialect::kEbb, Auth::kOperator, list_images},
    {"POST", "/ebb/v1/images", Dialect::kEbb, Auth::kOperator, add_image},
    {"GET", "/ebb/v1/images/{ref}", Dialect::kEbb, Auth::kOperator, get_image},
    {"DELETE", "/ebb/v1/images/{ref}", Dialect::kEbb, Auth::kOperator, delete_image},
    {"GET", "/ebb/v1/registries", Dialect::kEbb, Auth::kOperator, list_registries},
    {"PUT", "/ebb/v1/registries/{host}", Dialect::kEbb, Auth::kOperator, put_registry},
    {"DELETE", "/ebb/v1/registries/{host}", Dialect::kEbb, Auth::kOperator, delete_registry},
    {"GET", "/ebb/v1/bill", Dialect::kEbb, Auth::kOperator, get_bill},
    {"GET", "/ebb/v1/usage", Dialect::kEbb, Auth::kOperator, get_usage},
    {"GET", "/ebb/v1/calls/{id}", Dialect::kEbb, Auth::kOperator, get_call},

    {"*", "/invoke/{endpoint}", Dialect::kEbb, Auth::kLocalPeer, invoke_function, Body::kPieces},
    {"*", "/invoke/{endpoint}/{*}", Dialect::kEbb, Auth::kLocalPeer, invoke_function, Body::kPieces},

    {"GET", "/livez", Dialect::kEbb, Auth::kOpen, get_livez},
    {"GET", "/healthz", Dialect::kEbb, Auth::kOpen, get_livez},
    {"GET", "/readyz", Dialect::kEbb, Auth::kOpen, get_readyz},
    {"GET", "/metrics", Dialect::kEbb, Auth::kOpen, get_metrics},
});

std::string_view without_slips(std::string_view path) {
  const size_t begin = std::min(path.find_first_not_of('/'), path.size());
  std::string_view plain = path.substr(begin == 0 ? 0 : begin - 1);
  if (!plain.starts_with("/v2") && !plain.starts_with("/v1/models")) return path;
  if (plain.ends_with('/')) plain.remove_suffix(1);
  return plain;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

RouteMatch find_route(std::string_view method, std::string_view path) {
  path = without_slips(path);
  for (const Route& route : kRoutes) {
    if (route.method != "*" && route.method != method && !(method == "HEAD" && route.method == "GET")) continue;
    if (!path.starts_with(route.pattern.substr(0, route.pattern.find('{')))) continue;
    if (auto params = match_path(route.pattern, path)) return {.route = &route, .params = std::move(*params), .allow = {}};
  }
  RouteMatch none;
  for (const Route& route : kRoutes) {
    if (!match_path(route.pattern, path)) continue;
    none.allow += none.allow.empty() ? "" : ", ";
    none.allow += route.method == "GET" ? "GET, HEAD" : route.method;
  }
  return none;
}

}  // namespace ebb::gateway
