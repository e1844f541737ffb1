// One element at a time, by its type.
#include "wire/tensor_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/utf8.h"
#include "wire/base64.h"

namespace ebb::wire {

static_assert(std::endian::native == std::endian::little, "elements go out as they lie in memory");

namespace {

using domain::DataType;

constexpr size_t kShownBytesMax = 40;

std::string shown(const json::value& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  const std::string text = value.is_double() ? fmt::format("{}", value.get_double()) : json::serialize(value);
  return text.size() <= kShownBytesMax ? text : "a longer text";
}

std::unexpected<Error> wrong(DataType type, const json::value& value, std::string_view what) {
  return fail(ErrorKind::kInvalid, fmt::format("{} is {}", shown(value), what.empty() ? fmt::format("no {}", to_string(type)) : std::string(what)));
}

template <class T>
void append_bytes(std::string& data, T value) {
  data.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
Status append_whole(std::string& data, DataType type, const json::value& value) {
  json::error_code error;
  // Exact: what does not fit, or has a fraction, is an error of the conversion.
  const T number = value.is_number() ? value.to_number<T>(error) : T{0};
  if (!value.is_number() || error) return wrong(type, value, {});
  append_bytes(data, number);
  return {};
}

std::optional<double> special_number(const json::value& value) {
  const json::string* word = value.if_string();
  if (word == nullptr) return std::nullopt;
  if (*word == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (*word == "Infinity") return std::numeric_limits<double>::infinity();
  if (*word == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

template <class T>
Status append_fraction(std::string& data, DataType type, const json::value& value) {
  if (const auto special = special_number(value)) {
    append_bytes(data, static_cast<T>(*special));
    return {};
  }
  if (!value.is_number()) return wrong(type, value, {});
  const auto number = value.to_number<double>();
  if (std::abs(number) > static_cast<double>(std::numeric_limits<T>::max())) return wrong(type, value, {});
  append_bytes(data, static_cast<T>(number));
  return {};
}

Status append_bool(std::string& data, const json::value& value) {
  const bool* truth = value.if_bool();
  json::error_code error;
  const int64_t number = value.is_number() ? value.to_number<int64_t>(error) : -1;
  if (truth == nullptr && (error || (number != 0 && number != 1))) return wrong(DataType::kBool, value, "no BOOL: true, false, 1 or 0");
  data += truth != nullptr ? static_cast<char>(*truth) : static_cast<char>(number);
  return {};
}

Status append_blob(std::string& data, std::string_view bytes) {
  append_bytes(data, static_cast<uint32_t>(bytes.size()));
  data += bytes;
  return {};
}

Status append_text(std::string& data, const json::value& value, BytesForm form) {
  if (const json::string* text = value.if_string()) return append_blob(data, {text->data(), text->size()});
  const json::object* object = form == BytesForm::kTextOrBase64 ? value.if_object() : nullptr;
  const json::value* packed = object == nullptr || object->size() != 1 ? nullptr : object->if_contains("b64");
  if (packed == nullptr || !packed->is_string())
    return wrong(DataType::kBytes, value, form == BytesForm::kText ? "no string, as BYTES are" : R"(neither a string nor {"b64": "…"}, as BYTES are)");
  const auto bytes = decode_base64({packed->get_string().data(), packed->get_string().size()});
  if (!bytes) return fail(ErrorKind::kInvalid, "its \"b64\" is not base64");
  return append_blob(data, *bytes);
}

std::unexpected<Error> only_binary(DataType type) {
  return fail(ErrorKind::kInvalid, fmt::format("{} has no JSON form: send and ask for it as binary data", to_string(type)));
}

// Walks what may be nested.
class Reader {
 public:
  Reader(const domain::TensorHead& head, std::string_view path, std::string& out) : head_(head), path_(path), out_(out) {}

  Status read_flat(const json::array& list, int64_t count) {
    if (std::cmp_not_equal(list.size(), count)) return wrong_size(path_, list.size(), count);
    return read_row(list, path_);
  }

  Status read_nested(const json::value& value, size_t depth, const std::string& place) {
    const json::array* list = value.if_array();
    if (list == nullptr) return misplaced(place, fmt::format("must be a list, as the shape [{}] asks", fmt::join(head_.shape, ",")));
    if (std::cmp_not_equal(list->size(), head_.shape[depth])) return wrong_size(place, list->size(), head_.shape[depth]);
    if (depth + 1 == head_.shape.size()) return read_row(*list, place);
    for (size_t i = 0; i < list->size(); ++i) {
      if (Status read = read_nested((*list)[i], depth + 1, fmt::format("{}[{}]", place, i)); !read) return read;
    }
    return {};
  }

  Status misplaced(const std::string& place, const std::string& what) const {
    return fail(ErrorKind::kInvalid, fmt::format("input '{}': '{}' {}", head_.name, place, what), std::string(path_));
  }

 private:
  Status read_row(const json::array& list, std::string_view place) {
    for (size_t i = 0; i < list.size(); ++i) {
      if (Status read = append_element(out_, head_.type, list[i], BytesForm::kText); !read)
        return fail(ErrorKind::kInvalid, fmt::format("input '{}': '{}[{}]': {}", head_.name, place, i, read.error().message), std::string(path_));
    }
    return {};
  }
  Status wrong_size(std::string_view place, size_t have, int64_t want) const {
    return misplaced(std::string(place), fmt::format("has {} elements, and its shape [{}] asks for {}", have, fmt::join(head_.shape, ","), want));
  }

  const domain::TensorHead& head_;
  std::string_view path_;
  std::string& out_;
};

template <class T>
T element_as(std::string_view element) {
  T value{};
  element.copy(reinterpret_cast<char*>(&value), sizeof value);
  return value;
}

template <class T>
Status append_number(std::string& out, std::string_view element) {
  const T value = element_as<T>(element);
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(value)) return fail(ErrorKind::kInvalid, fmt::format("{} has no JSON form: ask for binary data", value));
  }
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end);
  return {};
}

Status append_blob_json(std::string& out, std::string_view bytes, BytesForm form) {
  if (is_utf8(bytes)) {
    out += json::serialize(json::string_view(bytes.data(), bytes.size()));
  } else if (form == BytesForm::kTextOrBase64) {
    out += R"({"b64":")" + encode_base64(bytes) + "\"}";
  } else {
    return fail(ErrorKind::kInvalid, "BYTES that are not UTF-8 have no JSON form: ask for binary data");
  }
  return {};
}

}  // namespace

Status append_element(std::string& data, DataType type, const json::value& value, BytesForm form) {
  switch (type) {
    case DataType::kBool: return append_bool(data, value);
    case DataType::kUint8: return append_whole<uint8_t>(data, type, value);
    case DataType::kUint16: return append_whole<uint16_t>(data, type, value);
    case DataType::kUint32: return append_whole<uint32_t>(data, type, value);
    case DataType::kUint64: return append_whole<uint64_t>(data, type, value);
    case DataType::kInt8: return append_whole<int8_t>(data, type, value);
    case DataType::kInt16: return append_whole<int16_t>(data, type, value);
    case DataType::kInt32: return append_whole<int32_t>(data, type, value);
    case DataType::kInt64: return append_whole<int64_t>(data, type, value);
    case DataType::kFp32: return append_fraction<float>(data, type, value);
    case DataType::kFp64: return append_fraction<double>(data, type, value);
    case DataType::kBytes: return append_text(data, value, form);
    case DataType::kFp16:
    case DataType::kBf16: break;
  }
  return only_binary(type);
}

Result<std::string> read_elements(const json::value& value, const domain::TensorHead& head, std::string_view path) {
  const Result<int64_t> count = domain::element_count(head.shape);
  if (!count) return fail(count.error());
  std::string out;
  Reader reader(head, path, out);
  const json::array* list = value.if_array();
  if (list == nullptr) return fail(reader.misplaced(std::string(path), "must be a list").error());
  const bool nested = head.shape.size() > 1 && !list->empty() && list->front().is_array();
  const Status read = nested ? reader.read_nested(value, 0, std::string(path)) : reader.read_flat(*list, *count);
  if (!read) return fail(read.error());
  return out;
}

size_t first_element_bytes(DataType type, std::string_view data) {
  size_t bytes = domain::element_bytes(type);
  if (type == DataType::kBytes) bytes = data.size() < sizeof(uint32_t) ? sizeof(uint32_t) : sizeof(uint32_t) + element_as<uint32_t>(data);
  return bytes <= data.size() ? bytes : 0;
}

Status append_json(std::string& out, DataType type, std::string_view element, BytesForm form) {
  switch (type) {
    case DataType::kBool: out += element[0] != 0 ? "true" : "false"; return {};
    case DataType::kUint8: return append_number<uint8_t>(out, element);
    case DataType::kUint16: return append_number<uint16_t>(out, element);
    case DataType::kUint32: return append_number<uint32_t>(out, element);
    case DataType::kUint64: return append_number<uint64_t>(out, element);
    case DataType::kInt8: return append_number<int8_t>(out, element);
    case DataType::kInt16: return append_number<int16_t>(out, element);
    case DataType::kInt32: return append_number<int32_t>(out, element);
    case DataType::kInt64: return append_number<int64_t>(out, element);
    case DataType::kFp32: return append_number<float>(out, element);
    case DataType::kFp64: return append_number<double>(out, element);
    case DataType::kBytes: return append_blob_json(out, element.substr(sizeof(uint32_t)), form);
    case DataType::kFp16:
    case DataType::kBf16: break;
  }
  return only_binary(type);
}

}  // namespace ebb::wire
