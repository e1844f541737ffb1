// The part of an endpoint's specification that says how a function runs, to and from domain::FunctionSpec; and a function as it was deployed, as the
// catalog keeps it. Pure.
//
//   image: resize@2            # required
//   contract: auto             # lambda | cloudrun | sagemaker | azure | kserve
//   concurrency: 80            # calls at once in one instance; left out: the contract's
//   command: [python3, app.py] # instead of what the image runs
//   env: {LEVEL: debug}
//   mounts: [{model: smol@3, path: /opt/ml/model}]
//   port: 8080                 # left out: the contract's
//   health: /healthz           # gives 200 when it is ready
//   path: /predict             # where calls go that name none
//   tmp: 512MiB
//   cpu: 1.5                   # cores; left out: all
//   start: 60s                 # longest start
//   egress: true               # every public host; or a list: [api.example.com, "*.example.org:443"]; left out: no way out
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/function_spec.h"

namespace ebb::wire {

// The fields above.
const std::vector<std::string_view>& function_fields();
domain::FunctionSpec read_function(ObjectReader& reader);
void write_function(const domain::FunctionSpec& spec, json::object& out);

// A deployed function with its spec, as one JSON text. Error: kCorrupt.
struct StoredFunction {
  domain::FunctionSpec spec;
  domain::Function function;
  bool operator==(const StoredFunction&) const = default;
};
std::string store_function(const StoredFunction& stored);
Result<StoredFunction> read_stored_function(std::string_view text);

}  // namespace ebb::wire
