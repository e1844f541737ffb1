// The strict parser and the typed reader.
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ebb {

namespace {

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_: return "a number";
    case json::kind::string: return "a string";
    case json::kind::array: return "an array";
    case json::kind::object: return "an object";
  }
  return "something else";
}

}  // namespace

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  json::parser parser({}, options);
  json::error_code error;
  const size_t used = parser.write_some(text.data(), text.size(), error);
  if (error) return fail(ErrorKind::kInvalid, fmt::format("the body is not valid JSON: {} at byte {}", error.message(), used));
  const size_t rest = text.find_first_not_of(" \t\r\n", used);
  if (rest != std::string_view::npos) return fail(ErrorKind::kInvalid, fmt::format("the body is not valid JSON: text after the value at byte {}", rest));
  return parser.release();
}

ObjectReader::ObjectReader(const json::value& value, std::string path) : object_(value.if_object()), path_(std::move(path)) {
  if (object_ == nullptr) {
    const std::string where = path_.empty() ? "the body" : fmt::format("'{}'", path_);
    error_ = Error{.kind = ErrorKind::kInvalid, .message = fmt::format("{} must be an object, not {}", where, kind_name(value)), .param = path_};
  }
}

std::string ObjectReader::path_of(std::string_view key) const { return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key); }

const json::value* ObjectReader::find(std::string_view key) const {
  if (object_ == nullptr) return nullptr;
  const json::value* value = object_->if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool ObjectReader::has(std::string_view key) const { return find(key) != nullptr; }

void ObjectReader::add_error(std::string_view key, std::string message) {
  if (!error_) error_ = Error{.kind = ErrorKind::kInvalid, .message = std::move(message), .param = path_of(key)};
}

void ObjectReader::adopt(Error error) {
  if (!error_) error_ = std::move(error);
}

std::optional<std::string> ObjectReader::string(std::string_view key) {
  const json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    add_error(key, fmt::format("'{}' must be a string, not {}", path_of(key), kind_name(*value)));
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::string ObjectReader::required_string(std::string_view key) {
  if (!has(key)) add_error(key, fmt::format("'{}' is required", path_of(key)));
  return string(key).value_or("");
}

std::optional<bool> ObjectReader::boolean(std::string_view key) {
  const json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) {
    add_error(key, fmt::format("'{}' must be true or false, not {}", path_of(key), kind_name(*value)));
    return std::nullopt;
  }
  return value->get_bool();
}

std::optional<double> ObjectReader::number(std::string_view key, double min, double max) {
  const json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    add_error(key, fmt::format("'{}' must be a number, not {}", path_of(key), kind_name(*value)));
    return std::nullopt;
  }
  const double number = value->to_number<double>();
  if (!std::isfinite(number) || number < min || number > max) {
    add_error(key, fmt::format("'{}' must be between {} and {}, not {}", path_of(key), min, max, number));
    return std::nullopt;
  }
  return number;
}

std::optional<int64_t> ObjectReader::integer(std::string_view key, int64_t min, int64_t max) {
  const json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  json::error_code error;
  const auto whole = value->is_number() ? value->to_number<int64_t>(error) : int64_t{0};
  if (!value->is_number() || (error && value->is_double() && std::isfinite(value->get_double()) && value->get_double() != std::floor(value->get_double()))) {
    add_error(key,
              fmt::format("'{}' must be a whole number, not {}", path_of(key), value->is_number() ? json::serialize(*value) : std::string(kind_name(*value))));
    return std::nullopt;
  }
  if (error || whole < min || whole > max) {
    add_error(key, fmt::format("'{}' must be between {} and {}, not {}", path_of(key), min, max, json::serialize(*value)));
    return std::nullopt;
  }
  return whole;
}

const json::object* ObjectReader::object(std::string_view key) {
  const json::value* value = find(key);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) add_error(key, fmt::format("'{}' must be an object, not {}", path_of(key), kind_name(*value)));
  return value->if_object();
}

const json::array* ObjectReader::array(std::string_view key) {
  const json::value* value = find(key);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) add_error(key, fmt::format("'{}' must be an array, not {}", path_of(key), kind_name(*value)));
  return value->if_array();
}

void ObjectReader::refuse_unknown(std::initializer_list<std::string_view> known) {
  if (object_ == nullptr) return;
  for (const auto& field : *object_) {
    if (std::find(known.begin(), known.end(), std::string_view(field.key())) == known.end())
      add_error(field.key(), fmt::format("'{}' is not a known field", path_of(field.key())));
  }
}

}  // namespace ebb
