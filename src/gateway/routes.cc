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
    {"POST", "/v1/chat/completions", Dialect::kOpenAi, Auth::kInvoke, chat_completions},
    {"POST", "/v1/completions", Dialect::kOpenAi, Auth::kInvoke, completions},
    {"POST", "/v1/embeddings", Dialect::kOpenAi, Auth::kInvoke, embeddings},
    {"POST", "/v1/responses", Dialect::kOpenAi, Auth::kInvoke, responses},
    {"GET", "/v1/responses/{id}", Dialect::kOpenAi, Auth::kInvoke, no_stored_response},
    {"DELETE", "/v1/responses/{id}", Dialect::kOpenAi, Auth::kInvoke, no_stored_response},
    {"POST", "/v1/responses/{id}/cancel", Dialect::kOpenAi, Auth::kInvoke, no_stored_response},
    {"GET", "/v1/responses/{id}/input_items", Dialect::kOpenAi, Auth::kInvoke, no_stored_response},
    {"GET", "/v1/models", Dialect::kOpenAi, Auth::kInvoke, list_openai_models},
    {"GET", "/v1/models/{id...}", Dialect::kOpenAi, Auth::kInvoke, get_openai_model},

    {"POST", "/v1/models/{id...}", Dialect::kOip, Auth::kInvoke, oip_predict, Body::kTensors},
    {"POST", "/v1/classify", Dialect::kOpenAi, Auth::kInvoke, classify},

    {"GET", "/v2", Dialect::kOip, Auth::kInvoke, oip_server},
    {"GET", "/v2/health/live", Dialect::kOip, Auth::kOpen, oip_live},
    {"GET", "/v2/health/ready", Dialect::kOip, Auth::kOpen, oip_ready},
    {"GET", "/v2/models/{model}", Dialect::kOip, Auth::kInvoke, oip_metadata},
    {"GET", "/v2/models/{model}/ready", Dialect::kOip, Auth::kInvoke, oip_model_ready},
    {"GET", "/v2/models/{model}/config", Dialect::kOip, Auth::kInvoke, oip_config},
    {"POST", "/v2/models/{model}/infer", Dialect::kOip, Auth::kInvoke, oip_infer, Body::kTensors},
    {"GET", "/v2/models/{model}/versions/{version}", Dialect::kOip, Auth::kInvoke, oip_metadata},
    {"GET", "/v2/models/{model}/versions/{version}/ready", Dialect::kOip, Auth::kInvoke, oip_model_ready},
    {"GET", "/v2/models/{model}/versions/{version}/config", Dialect::kOip, Auth::kInvoke, oip_config},
    {"POST", "/v2/models/{model}/versions/{version}/infer", Dialect::kOip, Auth::kInvoke, oip_infer, Body::kTensors},
    {"POST", "/v2/repository/index", Dialect::kOip, Auth::kInvoke, oip_index},

    {"POST", "/api/chat", Dialect::kOllama, Auth::kInvoke, ollama_chat},
    {"POST", "/api/generate", Dialect::kOllama, Auth::kInvoke, ollama_generate},
    {"POST", "/api/embed", Dialect::kOllama, Auth::kInvoke, ollama_embed},
    {"POST", "/api/embeddings", Dialect::kOllama, Auth::kInvoke, ollama_embeddings},
    {"GET", "/api/tags", Dialect::kOllama, Auth::kInvoke, ollama_tags},
    {"GET", "/api/ps", Dialect::kOllama, Auth::kInvoke, ollama_ps},
    {"POST", "/api/show", Dialect::kOllama, Auth::kInvoke, ollama_show},
    {"GET", "/api/version", Dialect::kOllama, Auth::kInvoke, ollama_version},

    {"GET", "/ebb/v1/status", Dialect::kEbb, Auth::kDeploy, get_status},
    {"GET", "/ebb/v1/endpoints", Dialect::kEbb, Auth::kDeploy, list_endpoints},
    {"GET", "/ebb/v1/endpoints/{name}", Dialect::kEbb, Auth::kDeploy, get_endpoint},
    {"PUT", "/ebb/v1/endpoints/{name}", Dialect::kEbb, Auth::kDeploy, put_endpoint},
    {"DELETE", "/ebb/v1/endpoints/{name}", Dialect::kEbb, Auth::kDeploy, delete_endpoint},
    {"GET", "/ebb/v1/endpoints/{name}/decisions", Dialect::kEbb, Auth::kDeploy, get_decisions},
    {"POST", "/ebb/v1/endpoints/{name}/prompt", Dialect::kEbb, Auth::kDeploy, show_prompt},
    {"GET", "/ebb/v1/endpoints/{name}/logs", Dialect::kEbb, Auth::kDeploy, get_logs},
    {"GET", "/ebb/v1/models", Dialect::kEbb, Auth::kDeploy, list_models},
    {"POST", "/ebb/v1/models", Dialect::kEbb, Auth::kDeploy, add_model},
    {"GET", "/ebb/v1/models/{ref}", Dialect::kEbb, Auth::kDeploy, get_model},
    {"DELETE", "/ebb/v1/models/{ref}", Dialect::kEbb, Auth::kDeploy, delete_model},
    {"GET", "/ebb/v1/images", Dialect::kEbb, Auth::kDeploy, list_images},
    {"POST", "/ebb/v1/images", Dialect::kEbb, Auth::kDeploy, add_image},
    {"GET", "/ebb/v1/images/{ref}", Dialect::kEbb, Auth::kDeploy, get_image},
    {"DELETE", "/ebb/v1/images/{ref}", Dialect::kEbb, Auth::kDeploy, delete_image},
    {"GET", "/ebb/v1/registries", Dialect::kEbb, Auth::kDeploy, list_registries},
    {"PUT", "/ebb/v1/registries/{host}", Dialect::kEbb, Auth::kDeploy, put_registry},
    {"DELETE", "/ebb/v1/registries/{host}", Dialect::kEbb, Auth::kDeploy, delete_registry},
    {"GET", "/ebb/v1/bill", Dialect::kEbb, Auth::kRead, get_bill},
    {"GET", "/ebb/v1/invoice", Dialect::kEbb, Auth::kRead, get_invoice},
    {"GET", "/ebb/v1/usage", Dialect::kEbb, Auth::kRead, get_usage},
    {"GET", "/ebb/v1/calls/{id}", Dialect::kEbb, Auth::kRead, get_call},

    {"GET", "/ebb/v1/audit", Dialect::kEbb, Auth::kAdmin, get_audit},
    {"GET", "/ebb/v1/ledger", Dialect::kEbb, Auth::kAdmin, get_ledger},
    {"GET", "/ebb/v1/ledger/check", Dialect::kEbb, Auth::kAdmin, check_ledger},
    {"GET", "/ebb/v1/ledger/seals", Dialect::kEbb, Auth::kAdmin, get_seals},

    {"GET", "/ebb/v1/tenants", Dialect::kEbb, Auth::kAdmin, list_tenants},
    {"PUT", "/ebb/v1/tenants/{name}", Dialect::kEbb, Auth::kAdmin, put_tenant},
    {"DELETE", "/ebb/v1/tenants/{name}", Dialect::kEbb, Auth::kAdmin, delete_tenant},
    {"GET", "/ebb/v1/keys", Dialect::kEbb, Auth::kAdmin, list_keys},
    {"POST", "/ebb/v1/keys", Dialect::kEbb, Auth::kAdmin, create_key},
    {"POST", "/ebb/v1/keys/{id}/rotate", Dialect::kEbb, Auth::kAdmin, rotate_key},
    {"DELETE", "/ebb/v1/keys/{id}", Dialect::kEbb, Auth::kAdmin, revoke_key},
    {"GET", "/ebb/v1/budgets", Dialect::kEbb, Auth::kRead, list_budgets},
    {"GET", "/ebb/v1/prices", Dialect::kEbb, Auth::kRead, list_prices},
    {"POST", "/ebb/v1/prices", Dialect::kEbb, Auth::kAdmin, add_prices},
    {"DELETE", "/ebb/v1/prices/{version}", Dialect::kEbb, Auth::kAdmin, delete_prices},
    {"GET", "/ebb/v1/limits", Dialect::kEbb, Auth::kRead, list_limits},
    {"PUT", "/ebb/v1/limits/{whose}/{name}/{of}", Dialect::kEbb, Auth::kAdmin, put_limit},
    {"DELETE", "/ebb/v1/limits/{whose}/{name}/{of}", Dialect::kEbb, Auth::kAdmin, delete_limit},
    {"PUT", "/ebb/v1/budgets/{of}/{name}/{period}", Dialect::kEbb, Auth::kAdmin, put_budget},
    {"DELETE", "/ebb/v1/budgets/{of}/{name}/{period}", Dialect::kEbb, Auth::kAdmin, delete_budget},

    {"*", "/invoke/{endpoint}", Dialect::kEbb, Auth::kInvoke, invoke_function, Body::kPieces},
    {"*", "/invoke/{endpoint}/{*}", Dialect::kEbb, Auth::kInvoke, invoke_function, Body::kPieces},

    {"GET", "/livez", Dialect::kEbb, Auth::kOpen, get_livez},
    {"GET", "/healthz", Dialect::kEbb, Auth::kOpen, get_livez},
    {"GET", "/readyz", Dialect::kEbb, Auth::kOpen, get_readyz},
    {"GET", "/metrics", Dialect::kEbb, Auth::kMetrics, get_metrics},
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
