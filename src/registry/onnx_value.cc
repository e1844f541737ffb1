// Messages in messages, each read by its table.
#include "registry/onnx_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "domain/limits.h"
#include "registry/gguf_cursor.h"
#include "registry/onnx_tensor.h"

namespace ebb::registry {

namespace {

constexpr WireType kBytes = WireType::kBytes;
constexpr Repeats kOnce = Repeats::kOnce;
constexpr Repeats kMany = Repeats::kMany;

namespace value_field {
enum : uint32_t { kName = 1, kType = 2 };
constexpr auto kRules =
    std::to_array<FieldRule>({{kName, kBytes, kOnce}, {kType, kBytes, kOnce}, {3, kBytes, kOnce}, {4, kBytes, kMany}});  // doc_string, metadata_props
constexpr MessageRule kMessage{"ValueInfoProto", kRules};
enum : uint32_t { kTensorType = 1, kDenotation = 6 };
constexpr auto kTypeRules = std::to_array<FieldRule>({{kTensorType, kBytes, kOnce},
                                                      {4, kBytes, kOnce},  // sequence, map, opaque, sparse tensor, optional
                                                      {5, kBytes, kOnce},
                                                      {kDenotation, kBytes, kOnce},
                                                      {7, kBytes, kOnce},
                                                      {8, kBytes, kOnce},
                                                      {9, kBytes, kOnce}});
constexpr MessageRule kTypeMessage{"TypeProto", kTypeRules};
enum : uint32_t { kElement = 1, kShape = 2 };
constexpr auto kTensorRules = std::to_array<FieldRule>({{kElement, WireType::kVarint, kOnce}, {kShape, kBytes, kOnce}});
constexpr MessageRule kTensorMessage{"TypeProto.Tensor", kTensorRules};
constexpr auto kShapeRules = std::to_array<FieldRule>({{1, kBytes, kMany}});
constexpr MessageRule kShapeMessage{"TensorShapeProto", kShapeRules};
enum : uint32_t { kSize = 1 };
constexpr auto kDimensionRules = std::to_array<FieldRule>({{kSize, WireType::kVarint, kOnce}, {2, kBytes, kOnce}, {3, kBytes, kOnce}});
constexpr MessageRule kDimensionMessage{"TensorShapeProto.Dimension", kDimensionRules};
}  // namespace value_field

class ValueReader {
 public:
  explicit ValueReader(ProtoErrors& errors) : errors_(errors) {}
  std::optional<domain::TensorSpec> read(const ProtoField& field, std::string_view what);

 private:
  void read_type(const ProtoField& field, const std::string& who, domain::TensorSpec& spec);
  void read_shape(const ProtoField& field, const std::string& who, domain::TensorSpec& spec);
  void check_carried(const ProtoField& field, const std::string& who, const domain::TensorSpec& spec);
  void refuse(uint64_t at, std::string_view what) { errors_.refuse(at, what); }

  ProtoErrors& errors_;
};

std::optional<domain::TensorSpec> ValueReader::read(const ProtoField& field, std::string_view what) {
  domain::TensorSpec spec{.name = std::string(onnx_value_name(field, errors_)), .shape = {}};
  const std::string who = fmt::format("the {} {}", what, quoted(spec.name));
  const bool plain = spec.name.size() <= domain::kTensorNameBytesMax && is_utf8(spec.name) &&
                     std::ranges::none_of(spec.name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!plain) refuse(field.at, fmt::format("{} has a name of more than {} bytes, or of other characters than UTF-8's", who, domain::kTensorNameBytesMax));
  bool typed = false;
  ProtoCursor cursor(value_field::kMessage, field.bytes, field.data_at, errors_);
  for (ProtoField part; cursor.next(part);) {
    if (part.number != value_field::kType) continue;
    typed = true;
    read_type(part, who, spec);
  }
  if (!typed) refuse(field.at, fmt::format("{} has no type", who));
  if (what == "input") check_carried(field, who, spec);
  if (!errors_.ok()) return std::nullopt;
  return spec;
}

void ValueReader::read_type(const ProtoField& field, const std::string& who, domain::TensorSpec& spec) {
  bool is_tensor = false;
  bool shaped = false;
  ProtoCursor kinds(value_field::kTypeMessage, field.bytes, field.data_at, errors_);
  for (ProtoField kind; kinds.next(kind);) {
    if (kind.number == value_field::kDenotation) continue;
    if (kind.number != value_field::kTensorType || is_tensor)
      return refuse(kind.at,
                    fmt::format("{} is not a tensor but a sequence, a map or something optional, which no call can carry: export it as a tensor", who));
    is_tensor = true;
    uint64_t element = 0;
    ProtoCursor cursor(value_field::kTensorMessage, kind.bytes, kind.data_at, errors_);
    for (ProtoField part; cursor.next(part);) {
      if (part.number == value_field::kElement) element = part.value;
      if (part.number != value_field::kShape) continue;
      shaped = true;
      read_shape(part, who, spec);
    }
    const OnnxType* type = find_onnx_type(element);
    if (type == nullptr || !type->type)
      return refuse(kind.at,
                    fmt::format("{} has elements of the type {}, which no call can carry", who, type == nullptr ? fmt::to_string(element) : type->word));
    spec.type = *type->type;
  }
  if (!is_tensor) return refuse(field.at, fmt::format("{} has no type", who));
  if (!shaped) refuse(field.at, fmt::format("{} does not say how many dimensions it has: infer the shapes (onnx.shape_inference) and save it again", who));
}

void ValueReader::read_shape(const ProtoField& field, const std::string& who, domain::TensorSpec& spec) {
  ProtoCursor cursor(value_field::kShapeMessage, field.bytes, field.data_at, errors_);
  for (ProtoField dimension; cursor.next(dimension);) {
    if (spec.shape.size() == domain::kTensorDimensionsMax)
      return refuse(dimension.at, fmt::format("{} has more than {} dimensions", who, domain::kTensorDimensionsMax));
    int64_t size = -1;  // a word, or nothing: any
    ProtoCursor parts(value_field::kDimensionMessage, dimension.bytes, dimension.data_at, errors_);
    for (ProtoField part; parts.next(part);) {
      // Some exporters write -1 for any.
      if (part.number == value_field::kSize) size = std::max<int64_t>(static_cast<int64_t>(part.value), -1);
    }
    spec.shape.push_back(size);
  }
}

void ValueReader::check_carried(const ProtoField& field, const std::string& who, const domain::TensorSpec& spec) {
  std::vector<int64_t> least = spec.shape;
  std::ranges::replace(least, -1, 1);
  const Result<int64_t> elements = domain::element_count(least);
  const uint64_t bytes = elements ? static_cast<uint64_t>(*elements) * domain::element_bytes(spec.type) : UINT64_MAX;
  if (bytes > domain::kTensorBytesMax)
    refuse(field.at, fmt::format("{} is {}: more than the {} MiB that a call can carry", who, to_string(spec), domain::kTensorBytesMax >> 20U));
}

}  // namespace

std::string_view onnx_value_name(const ProtoField& field, ProtoErrors& errors) {
  std::string_view name;
  ProtoCursor cursor(value_field::kMessage, field.bytes, field.data_at, errors);
  for (ProtoField part; cursor.next(part);) {
    if (part.number == value_field::kName) name = part.text();
  }
  if (name.empty()) errors.refuse(field.at, "an input or output has no name");
  return name;
}

std::optional<domain::TensorSpec> read_onnx_input(const ProtoField& field, ProtoErrors& errors) { return ValueReader(errors).read(field, "input"); }
std::optional<domain::TensorSpec> read_onnx_output(const ProtoField& field, ProtoErrors& errors) { return ValueReader(errors).read(field, "output"); }

}  // namespace ebb::registry
