// A graph is read twice: first what it has from its start (weights, inputs), then its nodes in their order, each of which may take only what is known
// by then. So a cycle is a node that takes what no earlier one gives.
#include "registry/onnx_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "domain/limits.h"
#include "registry/gguf_cursor.h"
#include "registry/onnx_tensor.h"
#include "registry/onnx_value.h"

namespace ebb::registry {

namespace {

constexpr WireType kBytes = WireType::kBytes;
constexpr Repeats kOnce = Repeats::kOnce;
constexpr Repeats kMany = Repeats::kMany;

namespace graph_field {
enum : uint32_t { kNode = 1, kName = 2, kInitializer = 5, kInput = 11, kOutput = 12, kSparse = 15 };
constexpr auto kRules = std::to_array<FieldRule>({{kNode, kBytes, kMany},
                                                  {kName, kBytes, kOnce},
                                                  {kInitializer, kBytes, kMany},
                                                  {10, kBytes, kOnce},  // doc_string
                                                  {kInput, kBytes, kMany},
                                                  {kOutput, kBytes, kMany},
                                                  {13, kBytes, kMany},  // value_info
                                                  {14, kBytes, kMany},  // quantization_annotation
                                                  {kSparse, kBytes, kMany},
                                                  {16, kBytes, kMany}});  // metadata_props
constexpr MessageRule kMessage{"GraphProto", kRules};
}  // namespace graph_field

namespace node_field {
enum : uint32_t { kInput = 1, kOutput = 2, kName = 3, kOperator = 4, kAttribute = 5, kDomain = 7, kOverload = 8 };
constexpr auto kRules = std::to_array<FieldRule>({{kInput, kBytes, kMany},
                                                  {kOutput, kBytes, kMany},
                                                  {kName, kBytes, kOnce},
                                                  {kOperator, kBytes, kOnce},
                                                  {kAttribute, kBytes, kMany},
                                                  {6, kBytes, kOnce},  // doc_string
                                                  {kDomain, kBytes, kOnce},
                                                  {kOverload, kBytes, kOnce},
                                                  {9, kBytes, kMany},     // metadata_props
                                                  {10, kBytes, kMany}});  // device_configurations
constexpr MessageRule kMessage{"NodeProto", kRules};
}  // namespace node_field

namespace attribute_field {
enum : uint32_t { kName = 1, kTensor = 5, kGraph = 6, kTensors = 10, kGraphs = 11, kReference = 21, kSparse = 22, kSparses = 23 };
constexpr auto kRules = std::to_array<FieldRule>({{kName, kBytes, kOnce},
                                                  {2, WireType::kFixed32, kOnce},  // f
                                                  {3, WireType::kVarint, kOnce},   // i
                                                  {4, kBytes, kOnce},              // s
                                                  {kTensor, kBytes, kOnce},
                                                  {kGraph, kBytes, kOnce},
                                                  {7, WireType::kFixed32, Repeats::kNumbers},  // floats
                                                  {8, WireType::kVarint, Repeats::kNumbers},   // ints
                                                  {9, kBytes, kMany},                          // strings
                                                  {kTensors, kBytes, kMany},
                                                  {kGraphs, kBytes, kMany},
                                                  {13, kBytes, kOnce},             // doc_string
                                                  {14, kBytes, kOnce},             // tp
                                                  {15, kBytes, kMany},             // type_protos
                                                  {20, WireType::kVarint, kOnce},  // type
                                                  {kReference, kBytes, kOnce},
                                                  {kSparse, kBytes, kOnce},
                                                  {kSparses, kBytes, kMany}});
constexpr MessageRule kMessage{"AttributeProto", kRules};
}  // namespace attribute_field

// What the nodes of one graph may take: names of its own and of the graphs around it.
class Scope {
 public:
  explicit Scope(const Scope* outer) : outer_(outer) {}
  bool add(std::string_view name) { return own_.insert(name).second; }
  bool has_own(std::string_view name) const { return own_.contains(name); }
  bool knows(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer_) {
      if (scope->has_own(name)) return true;
    }
    return false;
  }

 private:
  const Scope* outer_;
  std::unordered_set<std::string_view> own_;
};

class GraphReader {
 public:
  GraphReader(const std::set<std::string_view>& domains, ProtoErrors& errors) : domains_(domains), errors_(errors) {}

  OnnxGraph read(const ProtoField& field) {
    read_graph(field, nullptr);
    return std::move(out_);
  }

 private:
  void read_graph(const ProtoField& field, const Scope* outer);
  // The parts of a graph that are there before its nodes run.
  void read_start(const ProtoField& graph, Scope& scope, bool outermost);
  void read_initializer(const ProtoField& field, Scope& scope);
  void count_weight(const OnnxTensor& tensor);
  void read_nodes(const ProtoField& graph, Scope& scope);
  void read_node(const ProtoField& field, Scope& scope);
  void check_operator(const ProtoField& field, std::string_view name, std::string_view domain);
  void read_attribute(const ProtoField& field, const Scope& scope);
  void read_outputs(const ProtoField& graph, const Scope& scope, bool outermost);
  void add_name(std::string_view name, uint64_t at, Scope& scope);
  void refuse(uint64_t at, std::string_view what) { errors_.refuse(at, what); }

  const std::set<std::string_view>& domains_;
  ProtoErrors& errors_;
  OnnxGraph out_;
  size_t names_ = 0;
  int depth_ = 0;
};

void GraphReader::add_name(std::string_view name, uint64_t at, Scope& scope) {
  if (name.size() > kOnnxNameBytesMax) return refuse(at, fmt::format("the name {} has more than {} bytes", quoted(name), kOnnxNameBytesMax));
  if (++names_ > kOnnxNamesMax) return refuse(at, fmt::format("it has more than {} names", kOnnxNamesMax));
  if (!scope.add(name)) refuse(at, fmt::format("the name {} is given twice", quoted(name)));
}

void GraphReader::read_graph(const ProtoField& field, const Scope* outer) {
  if (++depth_ > kOnnxDepthMax) return refuse(field.at, fmt::format("its graphs are nested deeper than {}", kOnnxDepthMax));
  Scope scope(outer);
  read_start(field, scope, outer == nullptr);
  read_nodes(field, scope);
  read_outputs(field, scope, outer == nullptr);
  --depth_;
}

void GraphReader::read_start(const ProtoField& graph, Scope& scope, bool outermost) {
  ProtoCursor weights(graph_field::kMessage, graph.bytes, graph.data_at, errors_);
  for (ProtoField part; weights.next(part);) {
    if (part.number == graph_field::kInitializer) read_initializer(part, scope);
    if (part.number == graph_field::kName && outermost) out_.name = part.text();
    if (part.number == graph_field::kSparse) refuse(part.at, "it has sparse weights: save them as dense ones");
  }
  std::unordered_set<std::string_view> inputs;
  ProtoCursor values(graph_field::kMessage, graph.bytes, graph.data_at, errors_);
  for (ProtoField part; values.next(part);) {
    if (part.number != graph_field::kInput) continue;
    const std::string_view name = onnx_value_name(part, errors_);
    if (!inputs.insert(name).second) refuse(part.at, fmt::format("the input {} is there twice", quoted(name)));
    if (scope.has_own(name)) continue;  // its default is among the weights: nobody needs to give it
    if (outermost) {
      if (std::optional<domain::TensorSpec> spec = read_onnx_input(part, errors_)) out_.inputs.push_back(std::move(*spec));
      if (out_.inputs.size() > domain::kTensorsMax) refuse(part.at, fmt::format("it has more than {} inputs", domain::kTensorsMax));
    }
    add_name(name, part.at, scope);
  }
}

void GraphReader::read_initializer(const ProtoField& field, Scope& scope) {
  const OnnxTensor tensor = read_onnx_tensor(field, "a weight without a name", errors_);
  if (!errors_.ok()) return;
  if (tensor.name.empty()) return refuse(field.at, "a weight has no name");
  add_name(tensor.name, field.at, scope);
  count_weight(tensor);
  if (tensor.location.empty()) return;
  const auto found = out_.external.find(tensor.location);
  if (found == out_.external.end() && out_.external.size() >= domain::kPackageEntriesMax)
    return refuse(field.at, fmt::format("its weights are in more than {} files: save them in one", domain::kPackageEntriesMax));
  OnnxExternal& external = found == out_.external.end() ? out_.external[std::string(tensor.location)] : found->second;
  if (external.user.empty() || tensor.end > external.bytes_min) external = {.bytes_min = tensor.end, .user = quoted(tensor.name), .at = field.at};
}

void GraphReader::count_weight(const OnnxTensor& tensor) {
  if (__builtin_add_overflow(out_.parameters, tensor.elements, &out_.parameters) || out_.parameters > INT64_MAX)
    return refuse(tensor.at, "the elements of all weights are more than can be counted");
  out_.type_bytes[tensor.type->word] += tensor.bytes;
}

void GraphReader::read_nodes(const ProtoField& graph, Scope& scope) {
  ProtoCursor cursor(graph_field::kMessage, graph.bytes, graph.data_at, errors_);
  for (ProtoField part; cursor.next(part);) {
    if (part.number == graph_field::kNode) read_node(part, scope);
  }
}

void GraphReader::read_node(const ProtoField& field, Scope& scope) {
  if (++out_.nodes > kOnnxNodesMax) return refuse(field.at, fmt::format("it has more than {} nodes", kOnnxNodesMax));
  std::string_view name;
  std::string_view op;
  std::string_view domain;
  std::string_view unknown;
  bool takes_unknown = false;
  ProtoCursor cursor(node_field::kMessage, field.bytes, field.data_at, errors_);
  for (ProtoField part; cursor.next(part);) {
    if (part.number == node_field::kName) name = part.text();
    if (part.number == node_field::kOperator) op = part.text();
    if (part.number == node_field::kDomain) domain = part.text();
    if (part.number == node_field::kOverload && !part.bytes.empty()) refuse(part.at, "a node calls a function of the model");
    // Without a name: an input that is left out.
    if (part.number == node_field::kInput && !part.bytes.empty() && !takes_unknown && !scope.knows(part.text())) {
      unknown = part.text();
      takes_unknown = true;
    }
  }
  check_operator(field, op, domain);
  if (takes_unknown)
    refuse(field.at,
           fmt::format("the node {} ({}) takes {}, which no input, weight or earlier node gives: the graph has a cycle, or its nodes are not in order",
                       quoted(name), quoted(op), quoted(unknown)));
  ProtoCursor again(node_field::kMessage, field.bytes, field.data_at, errors_);
  for (ProtoField part; again.next(part);) {
    if (part.number == node_field::kAttribute) read_attribute(part, scope);
  }
  // Known only behind the node, so that it cannot take what it gives itself.
  ProtoCursor outputs(node_field::kMessage, field.bytes, field.data_at, errors_);
  for (ProtoField part; outputs.next(part);) {
    if (part.number == node_field::kOutput && !part.bytes.empty()) add_name(part.text(), part.at, scope);
  }
}

void GraphReader::check_operator(const ProtoField& field, std::string_view name, std::string_view domain) {
  constexpr std::array<std::string_view, 3> kKnown = {"", "ai.onnx.ml", "com.microsoft"};
  if (name.empty()) return refuse(field.at, "a node has no operator");
  const std::string_view own = onnx_domain(domain);
  if (std::ranges::find(kKnown, own) == kKnown.end())
    return refuse(field.at,
                  fmt::format("the operator {} is of the domain {}: only those of ONNX, ai.onnx.ml and com.microsoft can run", quoted(name), quoted(domain)));
  if (!domains_.contains(own))
    refuse(field.at, fmt::format("the operator {} is of the domain {}, whose version the model does not say", quoted(name), quoted(domain)));
}

void GraphReader::read_attribute(const ProtoField& field, const Scope& scope) {
  ProtoCursor cursor(attribute_field::kMessage, field.bytes, field.data_at, errors_);
  for (ProtoField part; cursor.next(part);) {
    switch (part.number) {
      case attribute_field::kTensor:
      case attribute_field::kTensors: {
        const OnnxTensor tensor = read_onnx_tensor(part, "the tensor of an attribute", errors_);
        if (!tensor.location.empty()) refuse(part.at, "the tensor of an attribute has its data outside of the model: only weights may");
        if (errors_.ok()) count_weight(tensor);  // some exporters have all weights in nodes of their own
        break;
      }
      case attribute_field::kGraph:
      case attribute_field::kGraphs: read_graph(part, &scope); break;
      case attribute_field::kReference:
        if (!part.bytes.empty()) refuse(part.at, "an attribute refers to one of a function");
        break;
      case attribute_field::kSparse:
      case attribute_field::kSparses: refuse(part.at, "it has sparse weights: save them as dense ones"); break;
      default: break;
    }
  }
}

void GraphReader::read_outputs(const ProtoField& graph, const Scope& scope, bool outermost) {
  std::unordered_set<std::string_view> outputs;
  ProtoCursor cursor(graph_field::kMessage, graph.bytes, graph.data_at, errors_);
  for (ProtoField part; cursor.next(part);) {
    if (part.number != graph_field::kOutput) continue;
    const std::string_view name = onnx_value_name(part, errors_);
    if (!errors_.ok()) return;
    if (!scope.knows(name)) return refuse(part.at, fmt::format("no node gives the output {}", quoted(name)));
    if (!outermost) continue;
    if (!outputs.insert(name).second) return refuse(part.at, fmt::format("the output {} is there twice", quoted(name)));
    if (outputs.size() > domain::kTensorsMax) return refuse(part.at, fmt::format("it has more than {} outputs", domain::kTensorsMax));
    if (std::optional<domain::TensorSpec> spec = read_onnx_output(part, errors_)) out_.outputs.push_back(std::move(*spec));
  }
  if (outermost && outputs.empty()) refuse(graph.at, "it has no outputs");
}

}  // namespace

std::string_view onnx_domain(std::string_view written) { return written == "ai.onnx" ? std::string_view() : written; }

OnnxGraph read_onnx_graph(const ProtoField& field, const std::set<std::string_view>& domains, ProtoErrors& errors) {
  return GraphReader(domains, errors).read(field);
}

}  // namespace ebb::registry
