// Refusals as HTTP: which status a kind of error has, and the body in the dialect of the route. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ebb::gateway {

// Whose clients speak on a route: decides the shape of its errors.
enum class Dialect { kOpenAi, kOllama, kOip, kEbb };
std::string_view to_string(Dialect dialect);  // "openai", …

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  bool foreign = false;  // made by a function: its headers are its own
};

// A request that is refused before a handler sees it, with the status where the error's kind alone does not say it.
struct Refusal {
  int status = 0;
  Error error;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// Made by functions, since the compiler copies temporaries with braces wrongly inside coroutines: there, call these.
Refusal refuse(int status, ErrorKind kind, std::string message, std::string param = {});
Response json_response(std::string body);
Response ndjson_response(std::string body = {});

// Text that may hold bytes of a request, fit for JSON and logs: at most `bytes_max`, what is not UTF-8 replaced by '?'.
std::string clean_text(std::string_view text, size_t bytes_max);

int status_of(ErrorKind kind);
// Retry-After (whole seconds, rounded up) and retry-after-ms come from the error's advice. Messages may quote the request: they are
// cleaned, and cut at kErrorTextMax.
inline constexpr size_t kErrorTextMax = 2000;
Response error_response(Dialect dialect, const Error& error);
Response error_response(Dialect dialect, const Refusal& refusal);

// The dialect of a path that may have no route.
Dialect dialect_of(std::string_view path);

}  // namespace ebb::gateway
