// JSON for every module: Boost.JSON's value, a strict parser with bounds, and a reader of objects with a closed or open schema.
//
// parse_json refuses invalid UTF-8, duplicate depth bombs (`kJsonDepthMax`) and trailing text, and says at which byte.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb {

namespace json = boost::json;

inline constexpr size_t kJsonDepthMax = 64;

// One complete JSON text. Error: kInvalid, "… at byte N".
Result<json::value> parse_json(std::string_view text);

// Reads fields of an object and remembers the first thing that was wrong, so that callers read all they want and check once:
//
//   ObjectReader r(object, "messages[0]");
//   spec.role = r.required_string("role");
//   spec.count = r.integer("n", 1, 128).value_or(1);     // absent and null read as nullopt
//   r.refuse_unknown({"role", "n"});                     // closed schema: names the field
//   if (!r.ok()) return fail(r.error());
//
// The error's param is the path of the field ("messages[0].role"), its message says what was expected and what came.
class ObjectReader {
 public:
  // `value` must outlive the reader. A value that is no object is an error at `path` at once.
  ObjectReader(const json::value& value, std::string path);

  bool has(std::string_view key) const;                 // present and not null
  const json::value* find(std::string_view key) const;  // present and not null, else nullptr

  std::string required_string(std::string_view key);
  std::optional<std::string> string(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  // Whole numbers within [min, max]; 3.0 counts as 3, 3.5 does not.
  std::optional<int64_t> integer(std::string_view key, int64_t min, int64_t max);
  std::optional<double> number(std::string_view key, double min, double max);
  // A nested object (nullptr if absent), whose own reader should be made with path_of(key).
  const json::object* object(std::string_view key);
  const json::array* array(std::string_view key);

  void refuse_unknown(std::initializer_list<std::string_view> known);
  void add_error(std::string_view key, std::string message);
  // Takes over what a nested reader or parser found wrong.
  void adopt(Error error);

  std::string path_of(std::string_view key) const;
  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }

 private:
  const json::object* object_ = nullptr;
  std::string path_;
  std::optional<Error> error_;
};

}  // namespace ebb
