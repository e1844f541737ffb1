// GraphProto: nodes, weights, inputs and outputs; a part of registry/onnx.h.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "domain/tensor.h"
#include "registry/onnx.h"
#include "registry/proto_cursor.h"

namespace ebb::registry {

// What a model's graph is, with the graphs in its nodes.
struct OnnxGraph {
  std::string_view name;
  std::vector<domain::TensorSpec> inputs;  // without those that have a default among the weights
  std::vector<domain::TensorSpec> outputs;
  uint64_t parameters = 0;                          // elements of all weights
  std::map<std::string_view, uint64_t> type_bytes;  // of weights, by the word of their type
  std::map<std::string, OnnxExternal, std::less<>> external;
  size_t nodes = 0;
};

// `domains`: those that the model imports, each with a version that was checked. What is wrong is in `errors` then.
OnnxGraph read_onnx_graph(const ProtoField& field, const std::set<std::string_view>& domains, ProtoErrors& errors);

// "ai.onnx" is another word for the domain without a name.
std::string_view onnx_domain(std::string_view written);

}  // namespace ebb::registry
