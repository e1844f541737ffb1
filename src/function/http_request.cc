// Lines of a head.
#include "function/http_request.h"

#include <fmt/format.h>

#include <charconv>

#include "wire/passed_headers.h"

namespace ebb::function {

namespace {

std::unexpected<Error> wrong_length() { return fail(ErrorKind::kInvalid, "the request's Content-Length does not go with its body", "Content-Length"); }

bool expects_body(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

}  // namespace

Result<BodyFraming> framing_of(const domain::HttpRequest& request) {
  std::optional<uint64_t> length;
  for (const auto& [name, value] : request.headers) {
    if (!wire::same_name(name, "Content-Length")) continue;
    uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bytes);
    if (length || error != std::errc{} || end != value.data() + value.size()) return wrong_length();
    length = bytes;
  }
  if (request.has_body) return BodyFraming{.chunked = !length, .length = length};
  if (length.value_or(0) > 0) return wrong_length();
  // Some servers wait for a body that a method usually has.
  if (length || expects_body(request.method)) return BodyFraming{.length = 0};
  return BodyFraming{};
}

std::string head_text(const domain::HttpRequest& request, const BodyFraming& framing, uint16_t port) {
  const std::string* host = wire::find_header(request.headers, "Host");
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target, host != nullptr ? *host : fmt::format("localhost:{}", port));
  for (const auto& [name, value] : request.headers)
    if (!wire::same_name(name, "Host") && !wire::same_name(name, "Content-Length") && !wire::same_name(name, "Transfer-Encoding") &&
        !wire::same_name(name, "Connection"))
      fmt::format_to(std::back_inserter(text), "{}: {}\r\n", name, value);
  if (framing.length) fmt::format_to(std::back_inserter(text), "Content-Length: {}\r\n", *framing.length);
  if (framing.chunked) text += "Transfer-Encoding: chunked\r\n";
  return text + "\r\n";
}

std::string chunk_head(size_t bytes) { return fmt::format("{:x}\r\n", bytes); }

}  // namespace ebb::function
