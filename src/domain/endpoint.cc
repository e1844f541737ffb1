// Defaults of a revision.
#include "domain/endpoint.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"

namespace ebb::domain {

namespace {

bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Compute buffers of one slot's share of a batch; small beside KV for real contexts.
constexpr uint64_t kSlotScratchBytes = 4ULL << 20U;
// Of a text that is computed in one piece: the widest layer is four times as wide as a token, and a few tensors of that size live at once.
constexpr uint64_t kPieceBytesPerValue = 48;
constexpr int64_t kEchoMemoryMib = 64;
// Of a model in ONNX, for each byte of its inputs: layers between them are wider and several live at once. A picture of 224 × 224 in three colours
// takes 37 MiB, which is what common classifiers need. A dimension of any size counts as the tokens of a text, or as one item where it is the first.
constexpr uint64_t kOnnxBytesPerInputByte = 64;
constexpr uint64_t kOnnxSlotBytesMin = 16ULL << 20U;
constexpr uint64_t kOnnxSlotBytesMax = 1ULL << 30U;
constexpr int64_t kOnnxAnySize = 256;
constexpr uint64_t kOnnxTensorBytesLeast = 512ULL << 20U;

bool is_onnx(const std::optional<Model>& model) { return model && model->facts.format == ModelFormat::kOnnx; }
bool is_text(Task task) { return task == Task::kEmbedding || task == Task::kTextClassification; }

uint64_t onnx_slot_bytes(const ModelFacts& facts, int64_t tokens) {
  uint64_t bytes = 0;
  for (const TensorSpec& input : facts.inputs) {
    uint64_t one = std::max<size_t>(element_bytes(input.type), 1);
    for (size_t i = 0; i < input.shape.size(); ++i) {
      const int64_t any = i == 0 ? 1 : tokens > 0 ? tokens : kOnnxAnySize;
      one *= static_cast<uint64_t>(std::max<int64_t>(input.shape[i] < 0 ? any : input.shape[i], 1));
      one = std::min(one, kOnnxSlotBytesMax);  // no product of dimensions overflows
    }
    bytes += one;
  }
  return std::clamp(bytes * kOnnxBytesPerInputByte, kOnnxSlotBytesMin, kOnnxSlotBytesMax);
}

// Tokens of one text or conversation; 0: the model takes no text. Error: kInvalid, param "context".
Result<int64_t> context_of(const EndpointSpec& spec, const std::optional<Model>& model) {
  if (is_onnx(model) && !is_text(model->facts.task)) {
    if (!spec.context_tokens) return 0;
    return fail(ErrorKind::kInvalid, fmt::format("'context' is given, but model '{}' takes no text: leave it out", model->name), "context");
  }
  const int64_t own = model ? model->facts.train_context : kContextAuto;
  if (own <= 0) return fail(ErrorKind::kInvalid, fmt::format("model '{}' does not say its context length", model->name), "model");
  const bool whole = is_onnx(model);  // its tokenizer says how much, by the package
  const bool vectors = model && !model->facts.pooling.empty();
  const int64_t wanted = spec.context_tokens.value_or(whole ? own : std::min(own, vectors ? kContextAutoOfVectors : kContextAuto));
  if (model && wanted > own)
    return fail(ErrorKind::kInvalid, fmt::format("'context' is {}, but model '{}' was made for at most {} tokens", wanted, model->name, own), "context");
  return wanted;
}

// The engine that the model is for, where the owner named none. Error: kInvalid, param "engine".
Result<Engine> engine_of(const EndpointSpec& spec, const std::optional<Model>& model) {
  if (!model || spec.engine == Engine::kEcho || spec.engine == Engine::kContainer) return spec.engine;
  const Engine own = is_onnx(model) ? Engine::kOnnx : Engine::kLlama;
  if (spec.engine == Engine::kLlama || spec.engine == own) return own;  // llama is what is written where nothing was
  return fail(ErrorKind::kInvalid,
              fmt::format("'engine' is {}, but model '{}' is in {}: leave it out", to_string(spec.engine), model->name, to_string(model->facts.format)),
              "engine");
}

}  // namespace

std::string_view to_string(Engine engine) {
  switch (engine) {
    case Engine::kEcho: return "echo";
    case Engine::kOnnx: return "onnx";
    case Engine::kContainer: return "container";
    case Engine::kLlama: break;
  }
  return "llama";
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kEndpointNameBytesMax || !is_name_char(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_name_char(c) || c == '.' || c == '_' || c == '-'; });
}

int slots_max(Engine engine) { return engine == Engine::kLlama ? kTextSlotsMax : kSlotsPerWorkerMax; }

bool slots_are_cheap(Engine engine) { return engine != Engine::kLlama; }

bool can_hold(Engine engine) { return engine == Engine::kLlama || engine == Engine::kEcho; }

uint64_t Revision::slot_bytes() const {
  if (by_instances()) return static_cast<uint64_t>(memory_mib) << 20U;
  if (!model) return kSlotScratchBytes;
  if (is_onnx(model)) return onnx_slot_bytes(model->facts, context_tokens);
  const auto tokens = static_cast<uint64_t>(context_tokens);
  const uint64_t piece = model->facts.pooling.empty() ? 0 : tokens * static_cast<uint64_t>(model->facts.width) * kPieceBytesPerValue;
  return model->facts.kv_bytes_per_token * tokens + piece + kSlotScratchBytes;
}

// One execution may take what it is billed for, or what an estimate may be wrong by; each further one adds a slot.
uint64_t Revision::tensor_bytes_max() const {
  if (!is_onnx(model)) return 0;
  const uint64_t first = static_cast<uint64_t>(memory_mib) << 20U;
  return std::max(first, spec.memory_mib ? 0 : kOnnxTensorBytesLeast) + static_cast<uint64_t>(spec.scaling.max - 1) * slot_bytes();
}

namespace {

Result<Revision> make_function_revision(Revision revision) {
  const FunctionSpec& spec = *revision.spec.function;
  const Function& function = *revision.function;
  if (spec.command.empty() && !function.image.facts.has_program())
    return fail(ErrorKind::kInvalid,
                fmt::format("image '{}@{}' says no program to run (no entrypoint, no cmd): give 'command'", function.image.name, function.image.version),
                "command");
  if (function.contract == Contract::kLambda && spec.concurrency.value_or(1) > 1)
    return fail(ErrorKind::kInvalid, "'concurrency' must be 1 for the contract lambda: its runtime takes one call at a time", "concurrency");
  revision.calls_per_instance = spec.concurrency.value_or(contract_defaults(function.contract).concurrency);
  revision.memory_mib = revision.spec.memory_mib.value_or(kFunctionMemoryMib);
  return revision;
}

}  // namespace

Result<Revision> make_revision(RevisionId id, EndpointSpec spec, std::optional<Model> model, WallTime created, std::optional<Function> function) {
  Revision revision{.id = id, .spec = std::move(spec), .model = std::move(model), .function = std::move(function), .created = created};
  if (revision.spec.function) return make_function_revision(std::move(revision));
  const Result<Engine> engine = engine_of(revision.spec, revision.model);
  if (!engine) return fail(engine.error());
  revision.spec.engine = *engine;
  if (revision.spec.scaling.max > slots_max(*engine))
    return fail(
        ErrorKind::kInvalid,
        fmt::format("'scaling.max' is {}, and a model that generates text runs at most {} calls at once", revision.spec.scaling.max, slots_max(*engine)),
        "scaling.max");
  const Result<int64_t> context = context_of(revision.spec, revision.model);
  if (!context) return fail(context.error());
  revision.context_tokens = *context;

  const uint64_t needed = revision.weights_bytes() + kWorkerBaseBytes + revision.slot_bytes();
  const auto estimate = revision.model ? static_cast<int64_t>(((needed >> 20U) + 64) / 64 * 64) : kEchoMemoryMib;
  revision.memory_mib = revision.spec.memory_mib.value_or(estimate);
  return revision;
}

}  // namespace ebb::domain
