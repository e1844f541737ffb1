// Rows of images and the contracts that they were written for.
#include "domain/function.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

using Words = std::vector<std::string>;

struct Row {
  const char* what;
  Contract contract;
  Words entrypoint = {};
  Words cmd = {};
  Words env = {};
  std::vector<std::pair<std::string, std::string>> labels = {};
};

TEST(DetectContract, Rows) {
  const Row rows[] = {
      {"AWS base image", Contract::kLambda, {"/lambda-entrypoint.sh"}, {"app.handler"}, {"LAMBDA_TASK_ROOT=/var/task"}},
      {"runtime client", Contract::kLambda, {"/usr/bin/python3", "-m", "awslambdaric"}, {"app.handler"}},
      {"runtime client of Node in cmd", Contract::kLambda, {}, {"/usr/local/bin/npx", "aws-lambda-ric", "index.handler"}},
      {"custom runtime", Contract::kLambda, {"/var/runtime/bootstrap"}},
      {"a name that only ends like one", Contract::kCloudRun, {"/srv/my-bootstrap"}},
      {"SageMaker by label", Contract::kSageMaker, {"python", "app.py"}, {}, {}, {{"com.amazonaws.sagemaker.capabilities.accept-bind-to-port", "true"}}},
      {"SageMaker by variable", Contract::kSageMaker, {}, {"serve"}, {"SAGEMAKER_PROGRAM=train.py"}},
      {"Azure", Contract::kAzure, {"/handler"}, {}, {"FUNCTIONS_WORKER_RUNTIME=Custom"}},
      {"Vertex", Contract::kKserve, {"python", "app.py"}, {}, {"AIP_HEALTH_ROUTE=/health"}},
      {"anything else", Contract::kCloudRun, {"python", "app.py"}, {}, {"PORT=8080", "NOT_AIP_X=1"}},
      {"nothing", Contract::kCloudRun},
  };
  for (const Row& row : rows)
    EXPECT_EQ(to_string(detect_contract({.entrypoint = row.entrypoint, .cmd = row.cmd, .env = row.env, .labels = row.labels})), to_string(row.contract))
        << row.what;
}

TEST(ContractWords, ReadBack) {
  for (int i = 0; i < kContracts; ++i) {
    const auto contract = static_cast<Contract>(i);
    EXPECT_EQ(parse_contract(to_string(contract)), contract);
    const ContractDefaults defaults = contract_defaults(contract);
    EXPECT_GT(defaults.concurrency, 0);
    EXPECT_GT(defaults.start_max.count(), 0);
    EXPECT_GT(defaults.call_max.count(), 0);
  }
  for (const char* bad : {"", "Lambda", "lambda ", "cloud-run"})
    EXPECT_FALSE(parse_contract(bad)) << bad;
}

TEST(FunctionArgv, Rows) {
  const Words entrypoint{"python", "app.py"};
  const Words cmd{"--fast"};
  EXPECT_EQ(function_argv(Contract::kCloudRun, entrypoint, cmd), (Words{"python", "app.py", "--fast"}));
  EXPECT_EQ(function_argv(Contract::kSageMaker, entrypoint, cmd), (Words{"python", "app.py", "serve"}));
  EXPECT_EQ(function_argv(Contract::kSageMaker, {}, cmd), (Words{"serve"}));
}

}  // namespace
}  // namespace ebb::domain
