// Tables of the contracts' pages.
#include "function/contracts.h"

#include <fmt/format.h>

#include <algorithm>

#include "function/azure_routes.h"
#include "wire/passed_headers.h"

namespace ebb::function {

namespace {

using domain::Contract;
using domain::FunctionStart;

class Environment {
 public:
  explicit Environment(std::vector<std::string> variables) : variables_(std::move(variables)) {}

  std::string* find(std::string_view name) {
    const auto found =
        std::ranges::find_if(variables_, [&](const std::string& one) { return one.size() > name.size() && one.starts_with(name) && one[name.size()] == '='; });
    return found == variables_.end() ? nullptr : &*found;
  }
  void set(std::string_view name, std::string_view value) {
    std::string variable = fmt::format("{}={}", name, value);
    if (std::string* old = find(name)) {
      *old = std::move(variable);
    } else {
      variables_.push_back(std::move(variable));
    }
  }
  void propose(std::string_view name, std::string_view value) {
    if (find(name) == nullptr) set(name, value);
  }
  // What it says, or what is proposed.
  std::string value_or(std::string_view name, std::string_view proposed) {
    const std::string* variable = find(name);
    return variable == nullptr ? std::string(proposed) : variable->substr(name.size() + 1);
  }
  std::vector<std::string> take() { return std::move(variables_); }

 private:
  std::vector<std::string> variables_;
};

constexpr std::string_view kRegion = "us-east-1";

void set_lambda(const FunctionStart& start, Environment& env) {
  env.set("AWS_LAMBDA_RUNTIME_API", fmt::format("127.0.0.1:{}", start.port));
  env.set("AWS_LAMBDA_FUNCTION_NAME", start.name);
  env.set("AWS_LAMBDA_FUNCTION_VERSION", start.version);
  env.set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(start.memory_bytes >> 20U));
  env.set("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + start.name);
  env.set("AWS_LAMBDA_LOG_STREAM_NAME", fmt::format("[{}]{}", start.version, start.sandbox_id));
  env.set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
  // The base images' entry script and most runtimes take the last word for the handler.
  if (start.argv.size() > 1) env.propose("_HANDLER", start.argv.back());
  env.propose("LAMBDA_TASK_ROOT", start.cwd.empty() ? "/var/task" : start.cwd);
  env.propose("LAMBDA_RUNTIME_DIR", "/var/runtime");
  env.propose("AWS_REGION", kRegion);
  env.propose("AWS_DEFAULT_REGION", env.value_or("AWS_REGION", kRegion));
  env.propose("TZ", ":UTC");
}

void set_cloud_run(const FunctionStart& start, Environment& env) {
  env.set("PORT", std::to_string(start.port));
  env.set("K_SERVICE", start.name);
  env.set("K_REVISION", fmt::format("{}-{}", start.name, start.version));
  env.set("K_CONFIGURATION", start.name);
}

void set_sagemaker(const FunctionStart& start, Environment& env) {
  if (start.port != 8080) env.set("SAGEMAKER_BIND_TO_PORT", std::to_string(start.port));
}

void set_azure(const FunctionStart& start, Environment& env) {
  env.set("FUNCTIONS_CUSTOMHANDLER_PORT", std::to_string(start.port));
  env.propose("FUNCTIONS_WORKER_RUNTIME", "Custom");
}

// Digits, as Vertex has them; there is one endpoint with one model for each instance here.
constexpr std::string_view kVertexId = "1";
std::string vertex_route() { return fmt::format("/v1/endpoints/{0}/deployedModels/{0}", kVertexId); }

void set_kserve(const FunctionStart& start, Environment& env) {
  env.set("AIP_HTTP_PORT", std::to_string(start.port));
  env.propose("AIP_HEALTH_ROUTE", start.health_path.empty() ? vertex_route() : start.health_path);
  env.propose("AIP_PREDICT_ROUTE", start.call_path.empty() ? vertex_route() + ":predict" : start.call_path);
  env.propose("AIP_STORAGE_URI", "");
  env.set("AIP_MODE", "PREDICTION");
  env.set("AIP_MODE_VERSION", "1.0.0");
  env.set("AIP_FRAMEWORK", "CUSTOM_CONTAINER");
  for (const std::string_view id : {"AIP_ENDPOINT_ID", "AIP_DEPLOYED_MODEL_ID", "AIP_MODEL_NAME", "AIP_VERSION_NAME", "AIP_PROJECT_NUMBER"})
    env.propose(id, kVertexId);
  env.set("PORT", std::to_string(start.port));
}

// Names in lower case for curl, in upper case for most others. What the function has of its own stays on its loopback.
void set_egress(const FunctionStart& start, Environment& env) {
  for (const std::string_view name : {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"})
    env.set(name, fmt::format("http://127.0.0.1:{}", start.egress_port));
  for (const std::string_view name : {"no_proxy", "NO_PROXY"})
    env.propose(name, "localhost,127.0.0.1,::1");
}

std::string variable_of(const FunctionStart& start, std::string_view name) { return Environment(program_of(start).env).value_or(name, ""); }

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }
std::string_view query_of(std::string_view target) { return target.substr(path_of(target).size()); }

std::unexpected<Error> no_such_call(std::string message) {
  return fail(Error{.kind = ErrorKind::kInvalid, .message = std::move(message), .code = "no_such_call"});
}

// A contract with one call: POST to one path.
Result<domain::HttpRequest> only(domain::HttpRequest request, std::string_view path, std::string_view contract) {
  const std::string_view asked = path_of(request.target);
  if (request.method != "POST" || (asked != "/" && asked != path))
    return no_such_call(fmt::format("a function with the {} contract answers POST to '{}' only", contract, path));
  request.target = std::string(path) + std::string(query_of(request.target));
  return request;
}

Result<domain::HttpRequest> kserve_request(const FunctionStart& start, domain::HttpRequest request) {
  if (request.method == "POST" && path_of(request.target) == "/")
    request.target = variable_of(start, "AIP_PREDICT_ROUTE") + std::string(query_of(request.target));
  return request;
}

// It gets what came, under the route of its function.
Result<domain::HttpRequest> forwarded_request(const FunctionStart& start, domain::HttpRequest request) {
  const Result<AzureTarget> target = azure_target(start, request.method, request.target);
  if (!target) return fail(target.error());
  request.target = target->path + std::string(query_of(request.target));
  return request;
}

}  // namespace

container::Program program_of(const FunctionStart& start) {
  Environment env(start.env);
  switch (start.contract) {
    case Contract::kLambda: set_lambda(start, env); break;
    case Contract::kCloudRun: set_cloud_run(start, env); break;
    case Contract::kSageMaker: set_sagemaker(start, env); break;
    case Contract::kAzure: set_azure(start, env); break;
    case Contract::kKserve: set_kserve(start, env); break;
  }
  if (start.egress) set_egress(start, env);
  env.propose("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  return {.argv = start.argv, .env = env.take(), .cwd = start.cwd};
}

std::vector<std::string> health_paths(const FunctionStart& start) {
  if (!start.health_path.empty()) return {start.health_path};
  switch (start.contract) {
    case Contract::kSageMaker: return {"/ping"};
    case Contract::kKserve: return {variable_of(start, "AIP_HEALTH_ROUTE"), "/v2/health/ready", "/v1/models"};
    default: return {};
  }
}

Result<domain::HttpRequest> request_of(const FunctionStart& start, domain::HttpRequest request) {
  if (wire::asks_for_upgrade(request.headers))
    return fail(Error{.kind = ErrorKind::kInvalid,
                      .message = "the request asks for another protocol (Upgrade): functions are called by HTTP/1.1 only; this would be status 501",
                      .param = "Upgrade",
                      .code = "upgrade_not_supported"});
  switch (start.contract) {
    case Contract::kSageMaker: return only(std::move(request), "/invocations", "SageMaker");
    case Contract::kKserve: return kserve_request(start, std::move(request));
    case Contract::kAzure: return start.forwards ? forwarded_request(start, std::move(request)) : std::move(request);
    default: break;
  }
  return request;
}

}  // namespace ebb::function
