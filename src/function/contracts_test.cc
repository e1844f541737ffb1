// Rows of the contracts' table.
#include "function/contracts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb::function {
namespace {

using domain::Contract;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

domain::FunctionStart start_of(Contract contract, std::vector<std::string> env = {}) {
  return {.sandbox_id = "box",
          .memory_bytes = 256ULL << 20U,
          .argv = {"/lambda-entrypoint.sh", "app.handler"},
          .env = std::move(env),
          .contract = contract,
          .name = "resize",
          .version = "3",
          .port = 8080};
}

TEST(ProgramOf, EachContractsEnvironment) {
  EXPECT_THAT(program_of(start_of(Contract::kLambda)).env,
              IsSupersetOf({"AWS_LAMBDA_RUNTIME_API=127.0.0.1:8080", "AWS_LAMBDA_FUNCTION_NAME=resize", "AWS_LAMBDA_FUNCTION_VERSION=3",
                            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "_HANDLER=app.handler", "TZ=:UTC", "AWS_REGION=us-east-1"}));
  EXPECT_THAT(program_of(start_of(Contract::kCloudRun)).env, IsSupersetOf({"PORT=8080", "K_SERVICE=resize", "K_REVISION=resize-3", "K_CONFIGURATION=resize"}));
  EXPECT_THAT(program_of(start_of(Contract::kSageMaker)).env, Not(Contains(testing::StartsWith("SAGEMAKER_"))));
  EXPECT_THAT(program_of(start_of(Contract::kAzure)).env, IsSupersetOf({"FUNCTIONS_CUSTOMHANDLER_PORT=8080", "FUNCTIONS_WORKER_RUNTIME=Custom"}));
  EXPECT_THAT(program_of(start_of(Contract::kKserve)).env,
              IsSupersetOf({"AIP_HTTP_PORT=8080", "AIP_HEALTH_ROUTE=/v1/endpoints/1/deployedModels/1",
                            "AIP_PREDICT_ROUTE=/v1/endpoints/1/deployedModels/1:predict", "AIP_STORAGE_URI=", "AIP_MODE=PREDICTION"}));
}

TEST(ProgramOf, PromisesWinProposalsDoNot) {
  const auto env = program_of(start_of(Contract::kCloudRun, {"PORT=1", "PORTAL=2", "PATH=/opt"})).env;
  EXPECT_THAT(env, IsSupersetOf({"PORT=8080", "PORTAL=2", "PATH=/opt"}));
  EXPECT_THAT(env, Not(Contains("PORT=1")));
  EXPECT_THAT(program_of(start_of(Contract::kLambda, {"AWS_REGION=eu-west-1"})).env, IsSupersetOf({"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1"}));
}

TEST(ProgramOf, SaysWhereTheWayOutIs) {
  domain::FunctionStart start = start_of(Contract::kCloudRun, {"HTTPS_PROXY=http://elsewhere:1", "NO_PROXY=internal"});
  EXPECT_THAT(program_of(start).env, Contains("HTTPS_PROXY=http://elsewhere:1")) << "without one it is none of our business";
  EXPECT_THAT(program_of(start).env, Not(Contains(testing::StartsWith("http_proxy="))));
  start.egress = true;
  start.egress_port = 40'000;
  const auto env = program_of(start).env;
  for (const char* name : {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"})
    EXPECT_THAT(env, Contains(std::string(name) + "=http://127.0.0.1:40000"));
  EXPECT_THAT(env, IsSupersetOf({"NO_PROXY=internal", "no_proxy=localhost,127.0.0.1,::1"}));
}

TEST(HealthPaths, Rows) {
  EXPECT_THAT(health_paths(start_of(Contract::kCloudRun)), IsEmpty());
  EXPECT_THAT(health_paths(start_of(Contract::kAzure)), IsEmpty());
  EXPECT_THAT(health_paths(start_of(Contract::kSageMaker)), ElementsAre("/ping"));
  EXPECT_THAT(health_paths(start_of(Contract::kKserve, {"AIP_HEALTH_ROUTE=/health"})), ElementsAre("/health", "/v2/health/ready", "/v1/models"));
  auto own = start_of(Contract::kCloudRun);
  own.health_path = "/up";
  EXPECT_THAT(health_paths(own), ElementsAre("/up"));
}

TEST(RequestOf, Rows) {
  struct Row {
    Contract contract;
    const char* method;
    const char* target;
    const char* becomes;  // nullptr: refused
  };
  const Row rows[] = {
      {Contract::kCloudRun, "GET", "/", "/"},
      {Contract::kCloudRun, "DELETE", "/any/path?q=1", "/any/path?q=1"},
      {Contract::kSageMaker, "POST", "/", "/invocations"},
      {Contract::kSageMaker, "POST", "/invocations?a=b", "/invocations?a=b"},
      {Contract::kSageMaker, "GET", "/invocations", nullptr},
      {Contract::kSageMaker, "POST", "/ping", nullptr},
      {Contract::kSageMaker, "POST", "/invocations/x", nullptr},
      {Contract::kKserve, "POST", "/", "/predict"},
      {Contract::kKserve, "GET", "/", "/"},
      {Contract::kKserve, "POST", "/v2/models/m/infer", "/v2/models/m/infer"},
      {Contract::kAzure, "POST", "/?a=1", "/api/resize?a=1"},
      {Contract::kAzure, "POST", "/api/other", "/api/other"},
  };
  for (const Row& row : rows) {
    auto start = start_of(row.contract, {"AIP_PREDICT_ROUTE=/predict"});
    start.forwards = true;
    const auto request = request_of(start, {.method = row.method, .target = row.target});
    ASSERT_EQ(request.has_value(), row.becomes != nullptr) << row.method << " " << row.target;
    if (request) {
      EXPECT_EQ(request->target, row.becomes);
    } else {
      EXPECT_EQ(request.error().code, "no_such_call");
    }
  }
  const auto upgrade = request_of(start_of(Contract::kCloudRun), {.method = "GET", .target = "/", .headers = {{"Upgrade", "websocket"}}});
  ASSERT_FALSE(upgrade);
  EXPECT_EQ(upgrade.error().code, "upgrade_not_supported");
}

}  // namespace
}  // namespace ebb::function
