// The structure of a GGUF header, checked byte by byte:
//   "GGUF"  u32 version  u64 tensors  u64 keys;  keys × {string key, u32 type, value};
//   tensors × {string name, u32 n, u64 dims[n], u32 type, u64 offset};  padding to the alignment;  tensor data
#include "registry/gguf_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "registry/gguf.h"
#include "registry/gguf_cursor.h"
#include "registry/gguf_types.h"

namespace ebb::registry {

namespace {

constexpr uint32_t kTypesEnd = 13;

bool multiply(uint64_t a, uint64_t b, uint64_t& product) { return !__builtin_mul_overflow(a, b, &product) && product <= INT64_MAX; }
bool add(uint64_t a, uint64_t b, uint64_t& sum) { return !__builtin_add_overflow(a, b, &sum) && sum <= INT64_MAX; }
bool is_printable(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

class HeaderReader {
 public:
  HeaderReader(std::span<const uint8_t> head, uint64_t file_bytes) : head_(head), in_(head, file_bytes) { out_.file_bytes = file_bytes; }

  Result<GgufHeader> read() {
    read_start();
    for (uint64_t i = 0; in_.ok() && i < keys_; ++i)
      read_key();
    read_alignment();
    for (uint64_t i = 0; in_.ok() && i < tensors_; ++i)
      read_tensor();
    check_data();
    if (!in_.ok()) return fail(in_.error());
    return std::move(out_);
  }

 private:
  void read_start();
  void read_key();
  void read_array(const std::string& name, GgufValue& value);
  void read_alignment();
  void read_tensor();
  // The elements of a tensor; refuses a shape that does not fit its type.
  uint64_t read_shape(const std::string& name, uint64_t& row);
  void check_data();

  std::span<const uint8_t> head_;
  GgufCursor in_;
  GgufHeader out_;
  uint64_t tensors_ = 0;
  uint64_t keys_ = 0;
  uint64_t data_bytes_ = 0;  // where the next tensor must begin, from the start of the data
  std::set<std::string_view> names_;
  std::map<std::string_view, uint64_t> bytes_by_type_;
  // The tensor that ends last and where, to say so when the file is too short.
  std::string_view last_name_;
  uint64_t last_end_ = 0;
};

void HeaderReader::read_start() {
  if (out_.file_bytes == 0) return in_.refuse(0, "the file is empty");
  const auto magic = in_.number<uint32_t>("the magic 'GGUF'");
  if (in_.ok() && magic != 0x46554747U) {
    const std::string_view start(reinterpret_cast<const char*>(head_.data()), 4);
    const bool reversed = start == "FUGG";
    return in_.refuse(0, reversed ? "it is big endian, which the engine does not load" : fmt::format("it begins with {} instead of 'GGUF'", quoted(start)));
  }
  out_.version = in_.number<uint32_t>("the version");
  if (in_.ok() && (out_.version < 2 || out_.version > 3)) return in_.refuse(4, fmt::format("its version is {}; 2 and 3 can be read", out_.version));
  tensors_ = in_.number<uint64_t>("the number of tensors");
  keys_ = in_.number<uint64_t>("the number of keys");
  if (tensors_ > kGgufTensorsMax) return in_.refuse(8, fmt::format("it claims {} tensors; at most {} are allowed", tensors_, kGgufTensorsMax));
  if (keys_ > kGgufKeysMax) return in_.refuse(16, fmt::format("it claims {} keys; at most {} are allowed", keys_, kGgufKeysMax));
  if (in_.ok() && tensors_ == 0) return in_.refuse(8, "it has no tensors");
}

void HeaderReader::read_key() {
  const uint64_t at = in_.position();
  const std::string_view key = in_.string("a key", kGgufKeyBytesMax);
  if (!in_.ok()) return;
  if (!is_printable(key)) return in_.refuse(at, fmt::format("the key {} is empty or has characters that are not printable", quoted(key)));
  const std::string name = quoted(key);
  const auto type = in_.number<uint32_t>("the type of key " + name);
  if (type >= kTypesEnd) return in_.refuse(at, fmt::format("the key {} has the unknown type {}", name, type));
  GgufValue value{.type = static_cast<GgufType>(type), .value = {}, .at = in_.position()};
  const std::string what = "the value of key " + name;
  switch (value.type) {
    case GgufType::kU8: value.value = uint64_t{in_.number<uint8_t>(what)}; break;
    case GgufType::kU16: value.value = uint64_t{in_.number<uint16_t>(what)}; break;
    case GgufType::kU32: value.value = uint64_t{in_.number<uint32_t>(what)}; break;
    case GgufType::kU64: value.value = in_.number<uint64_t>(what); break;
    case GgufType::kI8: value.value = int64_t{in_.number<int8_t>(what)}; break;
    case GgufType::kI16: value.value = int64_t{in_.number<int16_t>(what)}; break;
    case GgufType::kI32: value.value = int64_t{in_.number<int32_t>(what)}; break;
    case GgufType::kI64: value.value = in_.number<int64_t>(what); break;
    case GgufType::kF32: value.value = double{in_.number<float>(what)}; break;
    case GgufType::kF64: value.value = in_.number<double>(what); break;
    case GgufType::kBool: {
      const auto byte = in_.number<uint8_t>(what);
      if (byte > 1) return in_.refuse(value.at, fmt::format("{} is a boolean of {}", what, byte));
      value.value = byte == 1;
      break;
    }
    case GgufType::kString: value.value = in_.string(what, kGgufStringBytesMax); break;
    case GgufType::kArray: read_array(name, value); break;
  }
  if (in_.ok() && !out_.keys.emplace(key, value).second) in_.refuse(at, fmt::format("the key {} comes twice", name));
}

void HeaderReader::read_array(const std::string& name, GgufValue& value) {
  const std::string what = "the array of key " + name;
  const auto type = in_.number<uint32_t>(what);
  GgufArray array{.type = static_cast<GgufType>(type), .count = in_.number<uint64_t>(what), .bytes = {}};
  if (!in_.ok()) return;
  if (type >= kTypesEnd) return in_.refuse(value.at, fmt::format("{} has elements of the unknown type {}", what, type));
  if (array.type == GgufType::kArray) return in_.refuse(value.at, fmt::format("{} has arrays as elements, which no model needs", what));
  if (array.count > kGgufArrayElementsMax)
    return in_.refuse(value.at, fmt::format("{} claims {} elements; at most {} are allowed", what, array.count, kGgufArrayElementsMax));
  if (array.type == GgufType::kString) {
    // Each string takes at least its length: a count that cannot fit fails here, before the walk.
    if (array.count > in_.left() / 8) return in_.skip(array.count * 8, what);
    for (uint64_t i = 0; in_.ok() && i < array.count; ++i)
      in_.string(what, kGgufStringBytesMax);
  } else {
    const uint64_t bytes = array.count * element_bytes(array.type);
    const uint64_t from = in_.position();
    in_.skip(bytes, what);
    if (in_.ok()) array.bytes = head_.subspan(static_cast<size_t>(from), static_cast<size_t>(bytes));
  }
  value.value = array;
}

void HeaderReader::read_alignment() {
  const GgufValue* value = out_.find("general.alignment");
  if (!in_.ok() || value == nullptr) return;
  if (value->type != GgufType::kU32) return in_.refuse(value->at, "general.alignment is not of type u32");
  out_.alignment = std::get<uint64_t>(value->value);
  if (out_.alignment < 8 || out_.alignment > kGgufAlignmentMax || (out_.alignment & (out_.alignment - 1)) != 0)
    in_.refuse(value->at, fmt::format("general.alignment is {}, not a power of two from 8 to {}", out_.alignment, kGgufAlignmentMax));
}

uint64_t HeaderReader::read_shape(const std::string& name, uint64_t& row) {
  const uint64_t at = in_.position();
  const auto dimensions = in_.number<uint32_t>("the number of dimensions of tensor " + name);
  if (dimensions > kGgufDimensionsMax) {
    in_.refuse(at, fmt::format("tensor {} has {} dimensions; at most {} are allowed", name, dimensions, kGgufDimensionsMax));
    return 0;
  }
  row = 1;
  uint64_t elements = 1;
  for (uint32_t i = 0; in_.ok() && i < dimensions; ++i) {
    const auto size = in_.number<uint64_t>("the dimensions of tensor " + name);
    if (i == 0) row = size;
    // A zero would hide an overflow in the dimensions beside it.
    if (in_.ok() && (size == 0 || !multiply(elements, size, elements)))
      in_.refuse(at, size == 0 ? fmt::format("dimension {} of tensor {} is zero", i, name) : fmt::format("the dimensions of tensor {} overflow", name));
  }
  return elements;
}

void HeaderReader::read_tensor() {
  const uint64_t at = in_.position();
  const std::string_view raw = in_.string("a tensor's name", kGgufTensorNameBytesMax);
  if (!in_.ok()) return;
  if (!is_printable(raw)) return in_.refuse(at, fmt::format("the tensor name {} is empty or has characters that are not printable", quoted(raw)));
  const std::string name = quoted(raw);
  if (!names_.insert(raw).second) return in_.refuse(at, fmt::format("the tensor {} comes twice", name));
  uint64_t row = 1;
  const uint64_t elements = read_shape(name, row);
  const auto id = in_.number<uint32_t>("the type of tensor " + name);
  const auto offset = in_.number<uint64_t>("the offset of tensor " + name);
  if (!in_.ok()) return;
  const TensorType* type = find_tensor_type(id);
  if (type == nullptr) return in_.refuse(at, fmt::format("tensor {} has the unknown type {}", name, id));
  if (row % type->block_elements != 0)
    return in_.refuse(at,
                      fmt::format("tensor {} has rows of {} elements, not a multiple of the {} in a block of {}", name, row, type->block_elements, type->name));
  if (offset % out_.alignment != 0)
    return in_.refuse(at, fmt::format("tensor {} begins at offset {}, which is not a multiple of {}", name, offset, out_.alignment));
  // The engine reads tensors one after the other and refuses gaps; so an overlap has no place either.
  if (offset != data_bytes_) return in_.refuse(at, fmt::format("tensor {} begins at offset {} but the one before it ends at {}", name, offset, data_bytes_));
  uint64_t bytes = 0;
  if (!multiply(elements / type->block_elements, type->block_bytes, bytes) || !add(offset, bytes, last_end_) ||
      !add(last_end_, (out_.alignment - last_end_ % out_.alignment) % out_.alignment, data_bytes_) || !add(out_.parameters, elements, out_.parameters))
    return in_.refuse(at, fmt::format("the size of tensor {} overflows", name));
  last_name_ = raw;
  bytes_by_type_[type->name] += bytes;
  // Said of the first tensor that goes past the end, since all later ones do too. Only the padding of the header is not counted yet.
  uint64_t end = 0;
  if (!add(in_.position(), last_end_, end) || end > in_.file_bytes())
    in_.refuse(at, fmt::format("tensor {} ends at byte {} or later, beyond the file's {} bytes", name, end, in_.file_bytes()));
}

void HeaderReader::check_data() {
  if (!in_.ok()) return;
  const uint64_t header_end = in_.position();
  const uint64_t data_start = header_end + (out_.alignment - header_end % out_.alignment) % out_.alignment;
  uint64_t end = 0;
  if (!add(data_start, last_end_, end) || end > in_.file_bytes())
    return in_.refuse(header_end, fmt::format("tensor {} ends at byte {} beyond the file's {} bytes", quoted(last_name_), end, in_.file_bytes()));
  const auto heaviest = std::ranges::max_element(bytes_by_type_, {}, [](const auto& entry) { return entry.second; });
  if (heaviest != bytes_by_type_.end()) out_.heaviest_type = heaviest->first;
}

}  // namespace

const GgufValue* GgufHeader::find(std::string_view key) const {
  const auto found = keys.find(key);
  return found == keys.end() ? nullptr : &found->second;
}

uint64_t element_bytes(GgufType type) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool: return 1;
    case GgufType::kU16:
    case GgufType::kI16: return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32: return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64: return 8;
    case GgufType::kString:
    case GgufType::kArray: return 0;
  }
  return 0;
}

std::optional<uint64_t> unsigned_element(const GgufArray& array, uint64_t index) {
  const uint64_t bytes = element_bytes(array.type);
  if (bytes == 0 || index >= array.count || array.type == GgufType::kF32 || array.type == GgufType::kF64) return std::nullopt;
  uint64_t value = 0;
  std::memcpy(&value, array.bytes.data() + index * bytes, bytes);
  const bool is_signed = array.type == GgufType::kI8 || array.type == GgufType::kI16 || array.type == GgufType::kI32 || array.type == GgufType::kI64;
  if (is_signed && (value >> (8 * bytes - 1)) != 0) return std::nullopt;
  return value;
}

Result<GgufHeader> read_header(std::span<const uint8_t> head, uint64_t file_bytes) { return HeaderReader(head, file_bytes).read(); }

}  // namespace ebb::registry
