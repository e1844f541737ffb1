// What tells one contract from another.
#include "domain/function.h"

#include <algorithm>

namespace ebb::domain {

namespace {

constexpr std::string_view kWords[kContracts] = {"lambda", "cloudrun", "sagemaker", "azure", "kserve"};

bool has_variable(std::span<const std::string> env, std::string_view prefix) {
  return std::ranges::any_of(env, [&](const std::string& one) { return one.starts_with(prefix); });
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// The entry script of AWS's base images, the runtime clients that others install, and the name that a custom runtime has.
bool runs_lambda(std::span<const std::string> words) {
  constexpr std::string_view kPrograms[] = {"lambda-entrypoint.sh", "awslambdaric", "aws-lambda-ric", "aws-lambda-rie", "bootstrap"};
  return std::ranges::any_of(words, [&](const std::string& word) { return std::ranges::find(kPrograms, file_name(word)) != std::end(kPrograms); });
}

}  // namespace

std::string_view to_string(Contract contract) { return kWords[static_cast<int>(contract)]; }

std::optional<Contract> parse_contract(std::string_view word) {
  const auto* found = std::ranges::find(kWords, word);
  if (found == std::end(kWords)) return std::nullopt;
  return static_cast<Contract>(found - std::begin(kWords));
}

ContractDefaults contract_defaults(Contract contract) {
  constexpr milliseconds kMinute{60'000};
  constexpr milliseconds kEnd{10'000};
  switch (contract) {
    case Contract::kLambda: return {.port = 9001, .concurrency = 1, .start_max = seconds(10), .call_max = seconds(3)};
    case Contract::kSageMaker:
      return {.port = 8080, .concurrency = 1, .start_max = 4 * kMinute, .call_max = kMinute, .end_max = seconds(30), .call_path = "/invocations"};
    case Contract::kAzure: return {.port = 8080, .concurrency = 1, .start_max = kMinute, .call_max = 5 * kMinute, .end_max = kEnd};
    case Contract::kKserve: return {.port = 8080, .concurrency = 16, .start_max = 4 * kMinute, .call_max = kMinute, .end_max = kEnd};
    case Contract::kCloudRun: break;
  }
  return {.port = 8080, .concurrency = 64, .start_max = 4 * kMinute, .call_max = 5 * kMinute, .end_max = kEnd};
}

Contract detect_contract(const ImageTraits& image) {
  const bool asks =
      has_variable(image.env, "LAMBDA_TASK_ROOT=") || has_variable(image.env, "LAMBDA_RUNTIME_DIR=") || runs_lambda(image.entrypoint) || runs_lambda(image.cmd);
  if (asks) return Contract::kLambda;
  if (has_variable(image.env, "FUNCTIONS_WORKER_RUNTIME=") || has_variable(image.env, "AzureWebJobsScriptRoot=")) return Contract::kAzure;
  const bool sagemaker = std::ranges::any_of(image.labels, [](const auto& label) { return label.first.starts_with("com.amazonaws.sagemaker."); }) ||
                         has_variable(image.env, "SAGEMAKER_");
  if (sagemaker) return Contract::kSageMaker;
  if (has_variable(image.env, "AIP_")) return Contract::kKserve;
  return Contract::kCloudRun;
}

std::vector<std::string> function_argv(Contract contract, std::span<const std::string> entrypoint, std::span<const std::string> cmd) {
  std::vector<std::string> argv(entrypoint.begin(), entrypoint.end());
  if (contract == Contract::kSageMaker) {
    argv.emplace_back("serve");
  } else {
    argv.insert(argv.end(), cmd.begin(), cmd.end());
  }
  return argv;
}

}  // namespace ebb::domain
