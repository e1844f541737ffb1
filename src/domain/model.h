// A model in the registry: a name, a version, and the artifact's digest and facts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/tensor.h"

namespace ebb::domain {

// A SHA-256 digest as bytes: parsed, never a string that is joined to a path.
struct Digest {
  std::array<uint8_t, 32> bytes{};
  auto operator<=>(const Digest&) const = default;
  std::string hex() const;
};
// Exactly 64 hex digits, with or without "sha256:" or "sha256=" before them.
Result<Digest> parse_digest(std::string_view text);

enum class ModelFormat { kGguf, kOnnx };
std::string_view to_string(ModelFormat format);  // "gguf", "onnx"

// What an ONNX model's package says that it is for; kTensors: it says nothing, and takes and gives tensors.
enum class Task { kTensors, kEmbedding, kTextClassification, kImageClassification };
std::string_view to_string(Task task);  // "tensors", "embedding", "text-classification", "image-classification"

// What the file's header says, read by our own reader before the file is published.
struct ModelFacts {
  ModelFormat format = ModelFormat::kGguf;
  std::string architecture;  // "llama"
  std::string title;         // general.name, for people
  std::string quantization;  // "Q4_1"
  uint64_t parameters = 0;
  uint64_t weights_bytes = 0;  // the file's size
  int64_t layers = 0;
  int64_t train_context = 0;  // tokens
  int64_t vocabulary = 0;
  uint64_t kv_bytes_per_token = 0;  // 0: it keeps none; else layers × kv heads × head size × 2 × 2 bytes
  bool has_chat_template = false;
  // How the vectors of a text's tokens become one: "mean", "cls", "last"; empty: the model generates text.
  std::string pooling;
  int64_t width = 0;  // values of a token's vector; 0: not known (added by an older version)
  // Of ONNX models.
  Task task = Task::kTensors;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  bool operator==(const ModelFacts&) const = default;

  // What it is asked for: "completion" (text), "embedding" (vectors), or another task's word.
  std::string_view capability() const;
};

struct Model {
  std::string name;
  int64_t version = 0;  // 1, 2, … in the order of adding; "name" means the newest, "name@2" that one
  Digest digest;
  ModelFacts facts;
  WallTime added{};
  std::string source;  // where it came from, without credentials
  bool operator==(const Model&) const = default;
};

struct ModelRef {
  std::string name;
  std::optional<int64_t> version;
  bool operator==(const ModelRef&) const = default;
};
// "smol" or "smol@3". Names: [a-z0-9] then [a-z0-9._-], at most 63 bytes. Error: kInvalid with param "model".
Result<ModelRef> parse_model_ref(std::string_view text);
std::string to_string(const ModelRef& ref);

}  // namespace ebb::domain
