// What a GGUF header says, as views into its bytes: read by read_header, which checks the structure, and turned into facts by
// facts_of, which checks the meaning. Both are parts of registry/gguf.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "domain/model.h"

namespace ebb::registry {

enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

struct GgufArray {
  GgufType type = GgufType::kU8;
  uint64_t count = 0;
  std::span<const uint8_t> bytes;  // the elements; empty for strings
};
struct GgufValue {
  GgufType type = GgufType::kU8;
  std::variant<uint64_t, int64_t, double, bool, std::string_view, GgufArray> value;
  uint64_t at = 0;  // where in the file, for messages
};

struct GgufHeader {
  uint32_t version = 0;
  std::map<std::string_view, GgufValue> keys;
  uint64_t alignment = 32;
  uint64_t parameters = 0;         // elements of all tensors
  std::string_view heaviest_type;  // the tensor type that most bytes have
  uint64_t file_bytes = 0;

  const GgufValue* find(std::string_view key) const;
};

// The views are into `head`, which must outlive them.
Result<GgufHeader> read_header(std::span<const uint8_t> head, uint64_t file_bytes);
Result<domain::ModelFacts> facts_of(const GgufHeader& header);

// The element of a numeric array as an unsigned number; nullopt if negative, no integer, or out of the array.
std::optional<uint64_t> unsigned_element(const GgufArray& array, uint64_t index);
// Bytes of one element; 0 for strings and arrays.
uint64_t element_bytes(GgufType type);

}  // namespace ebb::registry
