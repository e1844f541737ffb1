// The model around the graph, and the facts of both.
#include "registry/onnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "registry/gguf_cursor.h"
#include "registry/onnx_graph.h"
#include "registry/plain_text.h"
#include "registry/proto_cursor.h"

namespace ebb::registry {

namespace {

constexpr WireType kBytes = WireType::kBytes;
constexpr Repeats kOnce = Repeats::kOnce;
constexpr Repeats kMany = Repeats::kMany;

enum Field : uint32_t { kIrVersion = 1, kProducer = 2, kGraph = 7, kOpset = 8, kTraining = 20, kFunctions = 25 };
constexpr auto kRules = std::to_array<FieldRule>({{kIrVersion, WireType::kVarint, kOnce},
                                                  {kProducer, kBytes, kOnce},
                                                  {3, kBytes, kOnce},             // producer_version
                                                  {4, kBytes, kOnce},             // domain
                                                  {5, WireType::kVarint, kOnce},  // model_version
                                                  {6, kBytes, kOnce},             // doc_string
                                                  {kGraph, kBytes, kOnce},
                                                  {kOpset, kBytes, kMany},
                                                  {14, kBytes, kMany},  // metadata_props
                                                  {kTraining, kBytes, kMany},
                                                  {kFunctions, kBytes, kMany},
                                                  {26, kBytes, kMany}});  // configuration
constexpr MessageRule kModel{"ModelProto", kRules};

constexpr auto kOpsetRules = std::to_array<FieldRule>({{1, kBytes, kOnce}, {2, WireType::kVarint, kOnce}});
constexpr MessageRule kOpsetId{"OperatorSetIdProto", kOpsetRules};
constexpr size_t kOpsetsMax = 64;

constexpr size_t kWordBytesMax = 64;

// As it may stand in JSON, in a table and on a terminal.
std::string clean_word(std::string_view raw) {
  std::string word;
  for (const char c : raw.substr(0, kWordBytesMax)) {
    if (c >= 'A' && c <= 'Z') {
      word += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-') {
      word += c;
    }
  }
  return word;
}

class ModelReader {
 public:
  explicit ModelReader(std::span<const uint8_t> model) : model_(model) {}

  Result<OnnxModel> read() {
    if (model_.size() > kOnnxModelBytesMax)
      errors_.refuse(0, fmt::format("it has {} bytes; at most {} can be loaded: save its weights as external data", model_.size(), kOnnxModelBytesMax));
    ProtoCursor cursor(kModel, model_, 0, errors_);
    for (ProtoField field; cursor.next(field);)
      take(field);
    if (!graph_ || !ir_version_) errors_.refuse(model_.size(), graph_ ? "it does not say its ir_version" : "it has no graph");
    check_versions();
    if (!errors_.ok()) return fail(errors_.error());
    OnnxGraph graph = read_onnx_graph(*graph_, domains_, errors_);
    if (!errors_.ok()) return fail(errors_.error());
    return OnnxModel{.facts = facts_of(graph), .external = std::move(graph.external)};
  }

 private:
  void take(const ProtoField& field);
  void take_opset(const ProtoField& field);
  void check_versions();
  domain::ModelFacts facts_of(const OnnxGraph& graph) const;

  std::span<const uint8_t> model_;
  ProtoErrors errors_;
  std::optional<uint64_t> ir_version_;
  std::string_view producer_;
  std::optional<ProtoField> graph_;
  size_t opsets_ = 0;
  std::set<std::string_view> domains_;
};

void ModelReader::take(const ProtoField& field) {
  if (field.number == kIrVersion) ir_version_ = field.value;
  if (field.number == kProducer) producer_ = field.text();
  if (field.number == kGraph) graph_ = field;
  if (field.number == kOpset) take_opset(field);
  if (field.number == kTraining) errors_.refuse(field.at, "it has training in it: export it for inference");
  if (field.number == kFunctions) errors_.refuse(field.at, "it has functions of its own: inline them (onnx.inliner.inline_local_functions) and save it again");
}

void ModelReader::take_opset(const ProtoField& field) {
  std::string_view written;
  uint64_t version = 0;
  ProtoCursor cursor(kOpsetId, field.bytes, field.data_at, errors_);
  for (ProtoField part; cursor.next(part);) {
    if (part.number == 1) written = part.text();
    if (part.number == 2) version = part.value;
  }
  if (++opsets_ > kOpsetsMax) return errors_.refuse(field.at, fmt::format("it imports more than {} domains", kOpsetsMax));
  const std::string_view domain = onnx_domain(written);
  if (!domains_.insert(domain).second) return errors_.refuse(field.at, fmt::format("it imports the domain {} twice", quoted(written)));
  const auto check = [&](std::string_view name, uint64_t min, uint64_t max) {
    if (version < min || version > max)
      errors_.refuse(field.at, fmt::format("its operators are of version {} of {}; {} to {} can run: convert it (onnx.version_converter) or export it again",
                                           version, name, min, max));
  };
  // Of other domains no operator may be used, so their versions do not matter.
  if (domain.empty()) check("ONNX", kOnnxOpsetMin, kOnnxOpsetMax);
  if (domain == "ai.onnx.ml") check(domain, 1, kOnnxMlOpsetMax);
  if (domain == "com.microsoft") check(domain, 1, kOnnxMicrosoftOpsetMax);
}

void ModelReader::check_versions() {
  if (!errors_.ok()) return;
  if (*ir_version_ < kOnnxIrMin || *ir_version_ > kOnnxIrMax)
    errors_.refuse(0, fmt::format("its ir_version is {}; {} to {} can be loaded: export it again", *ir_version_, kOnnxIrMin, kOnnxIrMax));
}

domain::ModelFacts ModelReader::facts_of(const OnnxGraph& graph) const {
  domain::ModelFacts facts;
  facts.format = domain::ModelFormat::kOnnx;
  facts.architecture = clean_word(producer_);
  if (facts.architecture.empty()) facts.architecture = "onnx";
  facts.title = plain_title(graph.name);
  const auto heaviest = std::ranges::max_element(graph.type_bytes, {}, [](const auto& entry) { return entry.second; });
  if (heaviest != graph.type_bytes.end()) facts.quantization = heaviest->first;
  facts.parameters = graph.parameters;
  facts.inputs = graph.inputs;
  facts.outputs = graph.outputs;
  return facts;
}

}  // namespace

Result<OnnxModel> read_onnx(std::span<const uint8_t> model) { return ModelReader(model).read(); }

bool looks_like_onnx(std::span<const uint8_t> head, uint64_t file_bytes) {
  if (head.empty()) return false;
  if (head[0] == (kIrVersion << 3U)) return true;
  const auto rule = std::ranges::find_if(kRules, [&](const FieldRule& each) { return ((each.number << 3U) | static_cast<uint32_t>(each.type)) == head[0]; });
  if (rule == kRules.end() || rule->type != WireType::kBytes) return false;
  std::span<const uint8_t> rest = head.subspan(1);
  const std::optional<uint64_t> length = take_varint(rest);
  return length && *length <= file_bytes - (head.size() - rest.size());
}

Error external_too_short(const std::string& name, const OnnxExternal& wanted, uint64_t bytes) {
  return Error{.kind = ErrorKind::kInvalid,
               .message = fmt::format("not a sound ONNX model: the weight {} (at byte {}) ends at byte {} of '{}', which has {} bytes", wanted.user, wanted.at,
                                      wanted.bytes_min, name, bytes),
               .param = "source"};
}

}  // namespace ebb::registry
