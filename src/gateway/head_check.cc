// Line by line over the raw head.
#include "gateway/head_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace ebb::gateway {

namespace {

Refusal bad(std::string message) { return {.status = 400, .error = {.kind = ErrorKind::kInvalid, .message = std::move(message)}}; }

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

struct Framing {
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
};

std::optional<Refusal> check_line(std::string_view line, bool http_1_0, Framing& framing) {
  if (line.front() == ' ' || line.front() == '\t') return bad("a header line starts with a space: folded headers are not accepted");
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return bad("a header line has no name or no colon");
  const std::string_view name = line.substr(0, colon);
  if (name.find_first_of(" \t") != std::string_view::npos) return bad("a header name has a space in it");
  const std::string_view value = trim(line.substr(colon + 1));
  if (same(name, "host") && ++framing.hosts > 1) return bad("there are two Host headers");
  if (same(name, "content-length")) {
    if (++framing.lengths > 1) return bad("there are two Content-Length headers");
    if (value.empty() || value.size() > 18 || value.find_first_not_of("0123456789") != std::string_view::npos)
      return bad("Content-Length is not a number of bytes");
  }
  if (same(name, "transfer-encoding")) {
    if (++framing.codings > 1) return bad("there are two Transfer-Encoding headers");
    if (http_1_0) return bad("Transfer-Encoding is not allowed with HTTP/1.0");
    if (!same(value, "chunked"))
      return Refusal{.status = 501, .error = {.kind = ErrorKind::kInvalid, .message = "Transfer-Encoding must be exactly 'chunked'"}};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> check_head(std::string_view head) {
  Framing framing;
  bool http_1_0 = false;
  size_t lines = 0;
  for (size_t at = 0; at < head.size(); ++lines) {
    const size_t end = head.find("\r\n", at);
    if (end == std::string_view::npos) return bad("the request's head does not end with an empty line");
    const std::string_view line = head.substr(at, end - at);
    at = end + 2;
    const bool control = std::any_of(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
    if (control) return bad("the request's head has a control character, or a line that does not end with CR LF");
    if (line.empty()) break;
    if (lines > kHeaderLinesMax)
      return Refusal{.status = 431,
                     .error = {.kind = ErrorKind::kTooLarge, .message = fmt::format("the request has more than {} header lines", kHeaderLinesMax)}};
    if (lines == 0) {
      http_1_0 = line.ends_with(" HTTP/1.0");
      if (!http_1_0 && !line.ends_with(" HTTP/1.1")) {
        if (line.find(" HTTP/") == std::string_view::npos) return bad("the first line is not an HTTP/1.1 request line");
        return Refusal{.status = 505, .error = {.kind = ErrorKind::kInvalid, .message = "only HTTP/1.1 and HTTP/1.0 are spoken here"}};
      }
      continue;
    }
    if (auto refusal = check_line(line, http_1_0, framing)) return refusal;
  }
  if (framing.lengths > 0 && framing.codings > 0) return bad("Content-Length and Transfer-Encoding exclude each other");
  if (framing.hosts == 0 && !http_1_0) return bad("HTTP/1.1 needs a Host header");
  return std::nullopt;
}

std::optional<Refusal> check_first_byte(char first) {
  if (first >= 'A' && first <= 'Z') return std::nullopt;
  if (first == 0x16) return bad("this port speaks plain HTTP, not TLS: use http://");
  return bad("the request does not start with an HTTP method");
}

std::string_view path_of_head(std::string_view head) {
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  const size_t start = line.find(' ');
  if (start == std::string_view::npos) return {};
  const std::string_view rest = line.substr(start + 1);
  return rest.substr(0, rest.find(' '));
}

}  // namespace ebb::gateway
