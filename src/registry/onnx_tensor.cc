// Types, dimensions and the one place where the elements are.
#include "registry/onnx_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "domain/limits.h"
#include "registry/gguf_cursor.h"
#include "registry/onnx.h"
#include "wire/package.h"

namespace ebb::registry {

namespace {

using domain::DataType;

constexpr auto kTypes = std::to_array<OnnxType>({
    {1, "FP32", 32, DataType::kFp32},      {2, "UINT8", 8, DataType::kUint8},     {3, "INT8", 8, DataType::kInt8},       {4, "UINT16", 16, DataType::kUint16},
    {5, "INT16", 16, DataType::kInt16},    {6, "INT32", 32, DataType::kInt32},    {7, "INT64", 64, DataType::kInt64},    {8, "BYTES", 0, DataType::kBytes},
    {9, "BOOL", 8, DataType::kBool},       {10, "FP16", 16, DataType::kFp16},     {11, "FP64", 64, DataType::kFp64},     {12, "UINT32", 32, DataType::kUint32},
    {13, "UINT64", 64, DataType::kUint64}, {14, "COMPLEX64", 64, std::nullopt},   {15, "COMPLEX128", 128, std::nullopt}, {16, "BF16", 16, DataType::kBf16},
    {17, "FP8_E4M3FN", 8, std::nullopt},   {18, "FP8_E4M3FNUZ", 8, std::nullopt}, {19, "FP8_E5M2", 8, std::nullopt},     {20, "FP8_E5M2FNUZ", 8, std::nullopt},
    {21, "UINT4", 4, std::nullopt},        {22, "INT4", 4, std::nullopt},         {23, "FP4_E2M1", 4, std::nullopt},     {24, "FP8_E8M0", 8, std::nullopt},
    {25, "UINT2", 2, std::nullopt},        {26, "INT2", 2, std::nullopt},
});

enum Field : uint32_t {
  kDims = 1,
  kDataType = 2,
  kSegment = 3,
  kFloats = 4,
  kInt32s = 5,
  kStrings = 6,
  kInt64s = 7,
  kName = 8,
  kRaw = 9,
  kDoubles = 10,
  kUint64s = 11,
  kExternal = 13,
  kLocation = 14,
};

constexpr auto kFields = std::to_array<FieldRule>({
    {kDims, WireType::kVarint, Repeats::kNumbers},
    {kDataType, WireType::kVarint, Repeats::kOnce},
    {kSegment, WireType::kBytes, Repeats::kOnce},
    {kFloats, WireType::kFixed32, Repeats::kNumbers},
    {kInt32s, WireType::kVarint, Repeats::kNumbers},
    {kStrings, WireType::kBytes, Repeats::kMany},
    {kInt64s, WireType::kVarint, Repeats::kNumbers},
    {kName, WireType::kBytes, Repeats::kOnce},
    {kRaw, WireType::kBytes, Repeats::kOnce},
    {kDoubles, WireType::kFixed64, Repeats::kNumbers},
    {kUint64s, WireType::kVarint, Repeats::kNumbers},
    {12, WireType::kBytes, Repeats::kOnce},  // doc_string
    {kExternal, WireType::kBytes, Repeats::kMany},
    {kLocation, WireType::kVarint, Repeats::kOnce},
    {16, WireType::kBytes, Repeats::kMany},  // metadata_props
});
constexpr MessageRule kTensor{"TensorProto", kFields};

constexpr auto kEntryFields = std::to_array<FieldRule>({{1, WireType::kBytes, Repeats::kOnce}, {2, WireType::kBytes, Repeats::kOnce}});
constexpr MessageRule kEntry{"StringStringEntryProto", kEntryFields};

bool multiply(uint64_t a, uint64_t b, uint64_t& product) { return !__builtin_mul_overflow(a, b, &product) && product <= INT64_MAX; }

// The field that holds elements of the type one by one, and how many elements an entry of it is or how many entries an element takes.
struct Typed {
  Field field;
  unsigned entries;  // of an element
  unsigned packed;   // elements of an entry
};
Typed typed_of(const OnnxType& type) {
  switch (type.id) {
    case 1: return {kFloats, 1, 1};
    case 14: return {kFloats, 2, 1};
    case 7: return {kInt64s, 1, 1};
    case 8: return {kStrings, 1, 1};
    case 11: return {kDoubles, 1, 1};
    case 15: return {kDoubles, 2, 1};
    case 12:
    case 13: return {kUint64s, 1, 1};
    default: return {kInt32s, 1, type.bits < 8 ? 8 / type.bits : 1};
  }
}

class TensorReader {
 public:
  TensorReader(const ProtoField& field, std::string_view what, ProtoErrors& errors) : field_(field), what_(what), errors_(errors) { out_.at = field.at; }

  OnnxTensor read() {
    // The name first, for messages: it stands behind the dimensions.
    ProtoCursor names(kTensor, field_.bytes, field_.data_at, errors_);
    for (ProtoField part; names.next(part);) {
      if (part.number == kName) out_.name = part.text();
    }
    ProtoCursor cursor(kTensor, field_.bytes, field_.data_at, errors_);
    for (ProtoField part; cursor.next(part);)
      take(part);
    if (errors_.ok()) check();
    return out_;
  }

 private:
  void refuse(std::string_view why) {
    errors_.refuse(field_.at, fmt::format("{} {}", out_.name.empty() ? std::string(what_) : "the tensor " + quoted(out_.name), why));
  }
  void take(const ProtoField& part);
  void take_dimensions(const ProtoField& part);
  void take_dimension(uint64_t size);
  void count(const ProtoField& part);
  void take_external(const ProtoField& part);
  std::optional<uint64_t> number(std::string_view text, std::string_view key);
  void check();
  void check_external();
  void check_inside();

  const ProtoField& field_;
  std::string_view what_;
  ProtoErrors& errors_;
  OnnxTensor out_;
  uint64_t type_ = 0;
  uint64_t product_ = 1;  // of the dimensions that are not 0
  bool none_ = false;     // one is 0
  size_t dimensions_ = 0;
  std::optional<uint64_t> raw_;
  uint32_t typed_field_ = 0;  // which of the fields of elements is there
  uint64_t typed_ = 0;        // and how many it has
  bool external_ = false;
  bool has_entries_ = false;
  std::optional<uint64_t> offset_;
  std::optional<uint64_t> length_;
};

void TensorReader::take(const ProtoField& part) {
  switch (part.number) {
    case kDims: return take_dimensions(part);
    case kDataType: type_ = part.value; return;
    case kSegment: return refuse("is a segment of a tensor, which no library loads");
    case kRaw: raw_ = part.bytes.size(); return;
    case kExternal: return take_external(part);
    case kLocation:
      if (part.value > 1) refuse(fmt::format("has the data location {}", part.value));
      external_ = part.value == 1;
      return;
    case kFloats:
    case kInt32s:
    case kStrings:
    case kInt64s:
    case kDoubles:
    case kUint64s: return count(part);
    default: return;
  }
}

void TensorReader::take_dimension(uint64_t size) {
  if (++dimensions_ > domain::kTensorDimensionsMax) return refuse(fmt::format("has more than {} dimensions", domain::kTensorDimensionsMax));
  if (size > INT64_MAX) return refuse("has a negative dimension");
  if (size == 0) {
    none_ = true;
  } else if (!multiply(product_, size, product_)) {
    refuse("has dimensions whose product overflows");  // also beside a 0, which would hide it
  }
}

void TensorReader::take_dimensions(const ProtoField& part) {
  if (!part.packed) return take_dimension(part.value);
  for (std::span<const uint8_t> rest = part.bytes; errors_.ok() && !rest.empty();) {
    const std::optional<uint64_t> size = take_varint(rest);
    if (!size) return refuse("has dimensions that are cut");
    take_dimension(*size);
  }
}

void TensorReader::count(const ProtoField& part) {
  if (typed_field_ != 0 && typed_field_ != part.number) return refuse("has elements in two fields");
  typed_field_ = part.number;
  if (!part.packed) {
    ++typed_;
    return;
  }
  const size_t fixed = part.number == kFloats ? 4 : part.number == kDoubles ? 8 : 0;
  if (fixed != 0) {
    if (part.bytes.size() % fixed != 0) return refuse("has elements that are cut");
    typed_ += part.bytes.size() / fixed;
    return;
  }
  // Each number ends with a byte below 0x80.
  typed_ += static_cast<uint64_t>(std::ranges::count_if(part.bytes, [](uint8_t byte) { return byte < 0x80; }));
  if (!part.bytes.empty() && part.bytes.back() >= 0x80) refuse("has elements that are cut");
}

std::optional<uint64_t> TensorReader::number(std::string_view text, std::string_view key) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size() && value <= INT64_MAX) return value;
  refuse(fmt::format("has the {} {} of its external data, which is no number of bytes", key, quoted(text)));
  return std::nullopt;
}

void TensorReader::take_external(const ProtoField& part) {
  has_entries_ = true;
  std::string_view key;
  std::string_view value;
  ProtoCursor cursor(kEntry, part.bytes, part.data_at, errors_);
  for (ProtoField entry; cursor.next(entry);)
    (entry.number == 1 ? key : value) = entry.text();
  if (!errors_.ok()) return;
  if (key == "location" && out_.location.empty()) {
    if (!wire::is_package_name(value) || value == wire::kModelEntry || value == wire::kManifestEntry)
      return refuse(
          fmt::format("is in the file {}: external data must be a file beside the model or below it, named by A-Z a-z 0-9 . _ - and /", quoted(value)));
    out_.location = value;
  } else if (key == "offset" && !offset_) {
    offset_ = number(value, key);
  } else if (key == "length" && !length_) {
    length_ = number(value, key);
  } else if (key != "checksum") {
    // Some keys hold what the library made of weights before, and it takes their bytes at their word.
    refuse(fmt::format("says {} of its external data, once too often or unknown", quoted(key)));
  }
}

void TensorReader::check() {
  out_.type = find_onnx_type(type_);
  if (out_.type == nullptr) return refuse(fmt::format("has the type {}, which the library does not have", type_));
  out_.elements = none_ ? 0 : product_;
  uint64_t bits = 0;
  if (!multiply(product_, std::max(out_.type->bits, 8U), bits)) return refuse("has dimensions whose bytes overflow");
  out_.bytes = (out_.elements * out_.type->bits + 7) / 8;
  if (external_) {
    check_external();
  } else if (has_entries_) {
    refuse("names external data, but says that its data are inside");
  } else {
    check_inside();
  }
}

void TensorReader::check_external() {
  if (out_.location.empty()) return refuse("has its data outside, but does not say in which file");
  if (raw_ || typed_field_ != 0) return refuse("has its data outside and inside too");
  if (out_.type->bits == 0) return refuse("has strings outside of the model");
  if (length_ && *length_ != out_.bytes)
    return refuse(fmt::format("takes {} bytes by its type {} and dimensions, but claims {} of external data", out_.bytes, out_.type->word, *length_));
  if (__builtin_add_overflow(offset_.value_or(0), out_.bytes, &out_.end) || out_.end > wire::kPackageEntryBytesMax)
    refuse("has external data beyond what a file may have");
}

void TensorReader::check_inside() {
  const Typed typed = typed_of(*out_.type);
  if (raw_ && typed_field_ != 0) return refuse("has its data twice");
  if (raw_) {
    if (out_.type->bits == 0) return refuse("has strings as raw data");
    if (*raw_ != out_.bytes) refuse(fmt::format("takes {} bytes by its type {} and dimensions, but has {}", out_.bytes, out_.type->word, *raw_));
    return;
  }
  if (typed_field_ != 0 && typed_field_ != typed.field) return refuse(fmt::format("has its elements in a field that is not of the type {}", out_.type->word));
  uint64_t wanted = 0;
  if (!multiply((out_.elements + typed.packed - 1) / typed.packed, typed.entries, wanted) || wanted != typed_)
    refuse(fmt::format("has {} elements by its dimensions, but data of {}", out_.elements, typed_));
}

}  // namespace

const OnnxType* find_onnx_type(uint64_t id) {
  const auto* found = std::ranges::lower_bound(kTypes, id, {}, &OnnxType::id);
  return found != kTypes.end() && found->id == id ? found : nullptr;
}

OnnxTensor read_onnx_tensor(const ProtoField& field, std::string_view what, ProtoErrors& errors) { return TensorReader(field, what, errors).read(); }

}  // namespace ebb::registry
