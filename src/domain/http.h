// A request to a container function and its answer, as the platform carries them: neither parses a body.
//
// What passes and what does not is one rule, wire/passed_headers.h.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ebb::domain {

// In their order; names as they came.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // a token, upper case
  std::string target;  // origin form: a path, perhaps with a query
  HttpHeaders headers;
  bool has_body = false;  // it follows in pieces (invoke/call_stream.h)
  bool operator==(const HttpRequest&) const = default;
};

// The head of an answer; its body follows as Bytes.
struct HttpHead {
  int status = 200;  // 200…599
  HttpHeaders headers;
  bool operator==(const HttpHead&) const = default;
};

}  // namespace ebb::domain
