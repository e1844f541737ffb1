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

uint64_t Revision::slot_bytes() const {
  if (by_instances()) return static_cast<uint64_t>(memory_mib) << 20U;
  if (!model) return kSlotScratchBytes;
  const auto tokens = static_cast<uint64_t>(context_tokens);
  const uint64_t piece = model->facts.pooling.empty() ? 0 : tokens * static_cast<uint64_t>(model->facts.width) * kPieceBytesPerValue;
  return model->facts.kv_bytes_per_token * tokens + piece + kSlotScratchBytes;
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
  const int64_t own = revision.model ? revision.model->facts.train_context : kContextAuto;
  if (revision.model && own <= 0) return fail(ErrorKind::kInvalid, fmt::format("model '{}' does not say its context length", revision.model->name), "model");
  const bool vectors = revision.model && !revision.model->facts.pooling.empty();
  const int64_t wanted = revision.spec.context_tokens.value_or(std::min(own, vectors ? kContextAutoOfVectors : kContextAuto));
  if (revision.model && wanted > own)
    return fail(ErrorKind::kInvalid, fmt::format("'context' is {}, but model '{}' was made for at most {} tokens", wanted, revision.model->name, own),
                "context");
  revision.context_tokens = wanted;

  const uint64_t needed = revision.weights_bytes() + kWorkerBaseBytes + revision.slot_bytes();
  const auto estimate = revision.model ? static_cast<int64_t>(((needed >> 20U) + 64) / 64 * 64) : kEchoMemoryMib;
  revision.memory_mib = revision.spec.memory_mib.value_or(estimate);
  return revision;
}

}  // namespace ebb::domain
