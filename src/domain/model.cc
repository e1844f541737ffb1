// Parsing of digests and model references.
#include "domain/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "domain/endpoint.h"

namespace ebb::domain {

std::string_view to_string(ModelFormat format) { return format == ModelFormat::kOnnx ? "onnx" : "gguf"; }

std::string_view to_string(Task task) {
  switch (task) {
    case Task::kEmbedding: return "embedding";
    case Task::kTextClassification: return "text-classification";
    case Task::kImageClassification: return "image-classification";
    case Task::kTensors: break;
  }
  return "tensors";
}

std::string_view ModelFacts::capability() const {
  if (format == ModelFormat::kOnnx) return to_string(task);
  return pooling.empty() ? "completion" : "embedding";
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Digest::hex() const {
  std::string text;
  for (const uint8_t byte : bytes)
    text += fmt::format("{:02x}", byte);
  return text;
}

Result<Digest> parse_digest(std::string_view text) {
  for (const std::string_view prefix : {"sha256:", "sha256="}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  Digest digest;
  if (text.size() != 64) return fail(ErrorKind::kInvalid, fmt::format("a SHA-256 digest has 64 hex digits, not {}", text.size()));
  for (size_t i = 0; i < digest.bytes.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return fail(ErrorKind::kInvalid, "a SHA-256 digest has only hex digits");
    digest.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return digest;
}

Result<ModelRef> parse_model_ref(std::string_view text) {
  ModelRef ref;
  const size_t at = text.find('@');
  ref.name = std::string(text.substr(0, at));
  if (!is_name(ref.name)) return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a model name: {}", ref.name, kNameRule), "model");
  if (at == std::string_view::npos) return ref;
  const std::string_view digits = text.substr(at + 1);
  int64_t version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (error != std::errc{} || end != digits.data() + digits.size() || version < 1)
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a model version: write name@1, name@2, …", digits), "model");
  ref.version = version;
  return ref;
}

std::string to_string(const ModelRef& ref) { return ref.version ? fmt::format("{}@{}", ref.name, *ref.version) : ref.name; }

}  // namespace ebb::domain
