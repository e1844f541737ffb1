// Reads messages of the protobuf encoding as they stand in the bytes, by a table of the fields that a message may have: no generated code, no copy, no
// memory of its own. Stricter than protobuf, so that there is one way to read a file: unknown fields, groups, a field that comes twice where it may
// come once, and numbers of more than 64 bits are refused, where parsers would merge, skip or cut them.
//
// The first failure sticks in ProtoErrors: every cursor over the same errors ends then, so that callers read on and look once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb::registry {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
// kNumbers: any number of numbers, each a field of its own or many in one field of bytes.
enum class Repeats : uint8_t { kOnce, kMany, kNumbers };

struct FieldRule {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  Repeats repeats = Repeats::kOnce;
};
struct MessageRule {
  std::string_view name;              // "ModelProto", for messages
  std::span<const FieldRule> fields;  // at most 32
};

struct ProtoField {
  uint32_t number = 0;
  uint64_t value = 0;              // of a number
  std::span<const uint8_t> bytes;  // of kBytes; empty and `packed` false: a number
  bool packed = false;             // kNumbers in one field: each is in `bytes`
  uint64_t at = 0;                 // where it stands in the file
  uint64_t data_at = 0;            // where `bytes` do

  std::string_view text() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

class ProtoErrors {
 public:
  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }
  // Records what is wrong at byte `at`, unless something was wrong before.
  void refuse(uint64_t at, std::string_view what);

 private:
  std::optional<Error> error_;
};

class ProtoCursor {
 public:
  // `at`: where the message stands in the file.
  ProtoCursor(const MessageRule& rule, std::span<const uint8_t> message, uint64_t at, ProtoErrors& errors)
      : rule_(rule), message_(message), start_(at), errors_(errors) {}
  // False at the message's end, and when something is wrong.
  bool next(ProtoField& field);

 private:
  std::optional<uint64_t> varint(std::string_view what);
  bool take(uint64_t bytes, ProtoField& field);
  uint64_t position() const { return start_ + used_; }

  const MessageRule& rule_;
  std::span<const uint8_t> message_;
  uint64_t start_;
  uint64_t used_ = 0;
  uint32_t seen_ = 0;  // a bit for each rule
  ProtoErrors& errors_;
};

// The next of the numbers that are packed as varints. nullopt: `bytes` begin with none (they are cut, or it has more than 64 bits).
std::optional<uint64_t> take_varint(std::span<const uint8_t>& bytes);

}  // namespace ebb::registry
