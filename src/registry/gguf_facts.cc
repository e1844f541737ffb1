// What the keys of a sound header mean, and whether they agree: architecture, sizes, vocabulary, KV memory.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "registry/gguf_cursor.h"
#include "registry/gguf_header.h"
#include "registry/gguf_types.h"
#include "registry/plain_text.h"

namespace ebb::registry {

namespace {

constexpr uint64_t kLayersMax = 4096;
constexpr uint64_t kContextMax = 1ULL << 30U;
constexpr uint64_t kHeadsMax = 65'536;
constexpr uint64_t kWidthMax = 1ULL << 24U;

class Facts {
 public:
  explicit Facts(const GgufHeader& header) : header_(header) {}

  Result<domain::ModelFacts> read() {
    check_whole();
    read_names();
    read_sizes();
    read_vocabulary();
    if (error_) return fail(*error_);
    return std::move(out_);
  }

 private:
  void check_whole();
  void read_names();
  void read_sizes();
  void read_vocabulary();
  // KV bytes of one token of all layers, both caches in 16 bits.
  uint64_t kv_bytes(uint64_t heads, uint64_t head_width);
  uint64_t kv_heads(uint64_t layer, uint64_t otherwise);
  std::string pooling();
  void check_length(std::string_view key, GgufType type, GgufType or_type, uint64_t tokens);

  void refuse(std::string message) {
    if (!error_) error_ = Error{.kind = ErrorKind::kInvalid, .message = std::move(message), .param = "source"};
  }
  std::string own(std::string_view key) const { return fmt::format("{}.{}", out_.architecture, key); }
  // A whole number from min to max. Absent: `otherwise`.
  uint64_t number(std::string_view key, uint64_t otherwise, uint64_t min, uint64_t max);
  uint64_t required(std::string_view key, uint64_t min, uint64_t max);
  std::string_view text(std::string_view key);
  bool flag(std::string_view key, bool otherwise);

  const GgufHeader& header_;
  domain::ModelFacts out_;
  std::optional<Error> error_;
};

uint64_t Facts::number(std::string_view key, uint64_t otherwise, uint64_t min, uint64_t max) {
  const GgufValue* found = header_.find(key);
  if (found == nullptr) return otherwise;
  std::optional<uint64_t> value;
  if (const auto* plain = std::get_if<uint64_t>(&found->value)) value = *plain;
  if (const auto* with_sign = std::get_if<int64_t>(&found->value); with_sign != nullptr && *with_sign >= 0) value = static_cast<uint64_t>(*with_sign);
  if (value && *value >= min && *value <= max) return *value;
  refuse(fmt::format("not a usable model: {} (at byte {}) is not a whole number from {} to {}", key, found->at, min, max));
  return otherwise;
}

uint64_t Facts::required(std::string_view key, uint64_t min, uint64_t max) {
  if (header_.find(key) == nullptr) refuse(fmt::format("not a usable model: the key '{}' is missing", key));
  return number(key, min, min, max);
}

std::string_view Facts::text(std::string_view key) {
  const GgufValue* found = header_.find(key);
  if (found == nullptr) return {};
  if (const auto* value = std::get_if<std::string_view>(&found->value)) return *value;
  refuse(fmt::format("not a usable model: {} (at byte {}) is not a string", key, found->at));
  return {};
}

void Facts::check_whole() {
  const uint64_t parts = number("split.count", 0, 0, 65'535);
  const uint64_t part = number("split.no", 0, 0, 65'535);
  if (parts > 1)
    refuse(fmt::format("this is part {} of a model that is split into {} files; join them first: llama-gguf-split --merge FIRST-PART.gguf WHOLE.gguf", part + 1,
                       parts));
  const std::string_view kind = text("general.type");
  if (!kind.empty() && kind != "model") refuse(fmt::format("this file is not a model but of the kind {}", quoted(kind)));
}

void Facts::read_names() {
  const std::string_view architecture = text("general.architecture");
  const bool sound = !architecture.empty() && architecture.size() <= 64 && std::ranges::all_of(architecture, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
  if (!sound) refuse(fmt::format("not a usable model: general.architecture is {}", architecture.empty() ? "missing" : quoted(architecture)));
  out_.architecture = sound ? std::string(architecture) : "unknown";
  out_.title = plain_title(text("general.name"));
  const std::string_view word = file_type_word(number("general.file_type", 1024, 0, UINT32_MAX));
  out_.quantization = word.empty() ? header_.heaviest_type : word;
  out_.parameters = header_.parameters;
  out_.weights_bytes = header_.file_bytes;
  out_.has_chat_template = !text("tokenizer.chat_template").empty();
}

void Facts::read_sizes() {
  const uint64_t layers = required(own("block_count"), 1, kLayersMax);
  out_.layers = static_cast<int64_t>(layers);
  out_.train_context = static_cast<int64_t>(required(own("context_length"), 1, kContextMax));
  const uint64_t width = required(own("embedding_length"), 1, kWidthMax);
  // The head count may be one for all layers or one for each; the first stands for the default head width.
  uint64_t heads = 0;
  const GgufValue* found = header_.find(own("attention.head_count"));
  if (const auto* array = found != nullptr ? std::get_if<GgufArray>(&found->value) : nullptr) {
    heads = unsigned_element(*array, 0).value_or(0);
  } else {
    heads = number(own("attention.head_count"), 0, 0, kHeadsMax);
  }
  if (error_) return;
  out_.width = static_cast<int64_t>(width);
  out_.pooling = pooling();
  // What sees a text as a whole keeps nothing of it.
  if (!flag(own("attention.causal"), true)) return;
  out_.kv_bytes_per_token = kv_bytes(heads, heads == 0 ? 0 : width / heads);
}

bool Facts::flag(std::string_view key, bool otherwise) {
  const GgufValue* found = header_.find(key);
  if (found == nullptr) return otherwise;
  if (const auto* value = std::get_if<bool>(&found->value)) return *value;
  refuse(fmt::format("not a usable model: {} (at byte {}) is not a boolean", key, found->at));
  return otherwise;
}

// The library's numbers.
std::string Facts::pooling() {
  constexpr std::array<std::string_view, 5> kNames{"", "mean", "cls", "last", "rank"};
  const std::string_view name = kNames[number(own("pooling_type"), 0, 0, kNames.size() - 1)];
  if (name == "rank") refuse("this model ranks texts, which nothing here asks for: add a chat model or an embedding model");
  if (name.empty() && !flag(own("attention.causal"), true))
    refuse(fmt::format("this model sees a text as a whole, but does not say how the vectors of its tokens become one: convert it again with '{}'",
                       own("pooling_type")));
  return std::string(name);
}

uint64_t Facts::kv_heads(uint64_t layer, uint64_t otherwise) {
  const std::string key = own("attention.head_count_kv");
  const GgufValue* found = header_.find(key);
  const auto* array = found != nullptr ? std::get_if<GgufArray>(&found->value) : nullptr;
  if (array == nullptr) return number(key, otherwise, 0, kHeadsMax);
  const std::optional<uint64_t> heads = unsigned_element(*array, layer);
  if (!heads || *heads > kHeadsMax) refuse(fmt::format("not a usable model: {} (at byte {}) has no sound number of heads for layer {}", key, found->at, layer));
  return heads.value_or(0);
}

uint64_t Facts::kv_bytes(uint64_t heads, uint64_t head_width) {
  constexpr uint64_t kElementBytes = 2;
  const uint64_t key_width = number(own("attention.key_length"), head_width, 0, kWidthMax);
  const uint64_t value_width = number(own("attention.value_length"), head_width, 0, kWidthMax);
  uint64_t total = 0;  // 2^12 layers × 2^16 heads × 2^25 × 2 stays below 2^64
  for (int64_t layer = 0; !error_ && layer < out_.layers; ++layer)
    total += kv_heads(static_cast<uint64_t>(layer), heads) * (key_width + value_width) * kElementBytes;
  return total;
}

void Facts::check_length(std::string_view key, GgufType type, GgufType or_type, uint64_t tokens) {
  const GgufValue* found = header_.find(key);
  if (found == nullptr) return;
  const auto* array = std::get_if<GgufArray>(&found->value);
  if (array == nullptr || (array->type != type && array->type != or_type))
    return refuse(fmt::format("not a usable model: {} (at byte {}) is not an array of the right type", key, found->at));
  if (array->count != tokens) refuse(fmt::format("not a usable model: {} (at byte {}) has {} elements for {} tokens", key, found->at, array->count, tokens));
}

void Facts::read_vocabulary() {
  const GgufValue* found = header_.find("tokenizer.ggml.tokens");
  if (found == nullptr) return refuse("not a usable model: it has no vocabulary (the key 'tokenizer.ggml.tokens' is missing)");
  const auto* tokens = std::get_if<GgufArray>(&found->value);
  if (tokens == nullptr || tokens->type != GgufType::kString || tokens->count == 0)
    return refuse(fmt::format("not a usable model: tokenizer.ggml.tokens (at byte {}) is not an array of strings", found->at));
  out_.vocabulary = static_cast<int64_t>(tokens->count);
  // An engine that trusts one array's length for another reads beyond it.
  check_length("tokenizer.ggml.scores", GgufType::kF32, GgufType::kI32, tokens->count);
  check_length("tokenizer.ggml.token_type", GgufType::kI32, GgufType::kU32, tokens->count);
}

}  // namespace

Result<domain::ModelFacts> facts_of(const GgufHeader& header) { return Facts(header).read(); }

}  // namespace ebb::registry
