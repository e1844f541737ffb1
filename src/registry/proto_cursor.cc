// Tags, numbers and lengths, each within what is left of its message.
#include "registry/proto_cursor.h"

#include <fmt/format.h>

#include <algorithm>

namespace ebb::registry {

namespace {

constexpr int kVarintBytesMax = 10;

}  // namespace

void ProtoErrors::refuse(uint64_t at, std::string_view what) {
  if (error_) return;
  error_ = Error{.kind = ErrorKind::kInvalid, .message = fmt::format("not a sound ONNX model: {} (at byte {})", what, at), .param = "source"};
}

std::optional<uint64_t> take_varint(std::span<const uint8_t>& bytes) {
  uint64_t value = 0;
  for (int i = 0; i < kVarintBytesMax; ++i) {
    if (static_cast<size_t>(i) == bytes.size()) return std::nullopt;
    const uint8_t byte = bytes[static_cast<size_t>(i)];
    if (i == kVarintBytesMax - 1 && byte > 1) return std::nullopt;
    value |= static_cast<uint64_t>(byte & 0x7fU) << (7U * static_cast<unsigned>(i));
    if (byte < 0x80) {
      bytes = bytes.subspan(static_cast<size_t>(i) + 1);
      return value;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> ProtoCursor::varint(std::string_view what) {
  std::span<const uint8_t> rest = message_.subspan(used_);
  const std::optional<uint64_t> value = take_varint(rest);
  if (value) {
    used_ = message_.size() - rest.size();
  } else {
    errors_.refuse(position(), fmt::format("{} in {} is cut or no number of 64 bits", what, rule_.name));
  }
  return value;
}

bool ProtoCursor::take(uint64_t bytes, ProtoField& field) {
  const uint64_t left = message_.size() - used_;
  if (bytes > left) {
    errors_.refuse(field.at, fmt::format("field {} of {} claims {} bytes and {} are left", field.number, rule_.name, bytes, left));
    return false;
  }
  field.data_at = position();
  field.bytes = message_.subspan(used_, bytes);
  used_ += bytes;
  return true;
}

bool ProtoCursor::next(ProtoField& field) {
  if (!errors_.ok() || used_ == message_.size()) return false;
  field = {.at = position()};
  const std::optional<uint64_t> tag = varint("the tag of a field");
  if (!tag) return false;
  const uint64_t number = *tag >> 3U;
  const auto type = static_cast<WireType>(*tag & 7U);
  const auto rule = std::ranges::find(rule_.fields, number, &FieldRule::number);
  if (rule == rule_.fields.end()) {
    errors_.refuse(field.at, fmt::format("{} has no field {}", rule_.name, number));
    return false;
  }
  field.number = static_cast<uint32_t>(number);
  field.packed = rule->repeats == Repeats::kNumbers && type == WireType::kBytes;
  if (type != rule->type && !field.packed) {
    errors_.refuse(field.at, fmt::format("field {} of {} has the wire type {}", number, rule_.name, static_cast<int>(type)));
    return false;
  }
  const uint32_t bit = 1U << static_cast<unsigned>(rule - rule_.fields.begin());
  if (rule->repeats == Repeats::kOnce && (seen_ & bit) != 0) {
    errors_.refuse(field.at, fmt::format("{} has field {} twice", rule_.name, number));
    return false;
  }
  seen_ |= bit;
  if (type == WireType::kFixed64) return take(8, field);
  if (type == WireType::kFixed32) return take(4, field);
  const std::optional<uint64_t> value = varint(type == WireType::kBytes ? "a length" : "a number");
  if (!value) return false;
  if (type == WireType::kBytes) return take(*value, field);
  field.value = *value;
  return true;
}

}  // namespace ebb::registry
