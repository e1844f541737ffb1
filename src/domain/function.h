// A container function: the contract that its image was written for, and all that a worker needs to start one instance. Values and pure rules.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "domain/azure_app.h"

namespace ebb::domain {

// What an image and its platform expect of each other: how it is told to start, when it is ready, and how calls reach it.
enum class Contract {
  kLambda,     // it asks for its calls (AWS Lambda's Runtime API)
  kCloudRun,   // any HTTP, on PORT
  kSageMaker,  // GET /ping, POST /invocations
  kAzure,      // a custom handler of Azure Functions
  kKserve      // KServe's protocols and Vertex AI's custom containers: a health route, a route for predictions
};
inline constexpr int kContracts = 5;
std::string_view to_string(Contract contract);
std::optional<Contract> parse_contract(std::string_view word);  // as `--contract` has it

// What holds where neither the image nor its owner says otherwise.
struct ContractDefaults {
  uint16_t port = 8080;       // where it listens; kLambda: where it asks
  int concurrency = 1;        // calls at once in one instance
  milliseconds start_max{0};  // from its start until it is ready
  milliseconds call_max{0};
  milliseconds end_max{0};          // from SIGTERM to SIGKILL; 0: it is not told
  std::string_view call_path = {};  // where calls go that name no path; empty: to "/"
};
ContractDefaults contract_defaults(Contract contract);

// What an image says of itself, as far as it tells the contract.
struct ImageTraits {
  std::span<const std::string> entrypoint;
  std::span<const std::string> cmd;
  std::span<const std::string> env;  // "KEY=value"
  std::span<const std::pair<std::string, std::string>> labels;
};
// Cloud Run's where nothing points to another: any HTTP server keeps that.
Contract detect_contract(const ImageTraits& image);

// What is run: entrypoint and cmd, but SageMaker's containers get `serve` in cmd's place.
std::vector<std::string> function_argv(Contract contract, std::span<const std::string> entrypoint, std::span<const std::string> cmd);

struct FunctionMount {
  std::string source;       // absolute, of the host
  std::string destination;  // absolute, inside; read-only
  bool operator==(const FunctionMount&) const = default;
};

// One instance, as the server asks for it. Its sandbox:
struct FunctionStart {
  std::string sandbox_id;  // set by the worker, which has it from the spawner (container/lifetime.h)
  std::string root;        // absolute: the image's unpacked root
  uint32_t host_id_base = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;
  uint64_t memory_bytes = 0;
  uint64_t tmp_bytes = 0;
  int pids_max = 0;
  int cpu_millis = 0;  // 0: unlimited
  std::vector<FunctionMount> mounts;
  std::string hostname;
  bool egress = false;       // it has a proxy on its loopback, for a way out …
  uint16_t egress_port = 0;  // … here; set by the worker
  // Its program:
  std::vector<std::string> argv;  // function_argv
  std::vector<std::string> env;   // the image's and its owner's; what the contract sets comes on top
  std::string cwd;                // empty: /
  // And its contract:
  Contract contract = Contract::kCloudRun;
  std::string name;     // of the endpoint
  std::string version;  // of the revision
  uint16_t port = 8080;
  int concurrency = 1;
  std::string health_path;  // GET gives 200 once it is ready; empty: by the contract
  std::string call_path;    // as in ContractDefaults; kAzure: "/" and the function's name
  // kAzure, as in AzureApp:
  bool forwards = false;
  std::string route_prefix = "api";
  std::vector<AzureRoute> routes;  // empty: any first word of a path is a function
  milliseconds start_max{0};
  milliseconds call_max{0};
  bool operator==(const FunctionStart&) const = default;
};

}  // namespace ebb::domain
