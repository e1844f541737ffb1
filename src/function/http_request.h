// A request to a function as bytes of HTTP/1.1. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/http.h"

namespace ebb::function {

struct BodyFraming {
  bool chunked = false;
  std::optional<uint64_t> length;  // neither: there is no body
};
// As the caller framed it. Error kInvalid: a Content-Length that is none, or one without a body.
Result<BodyFraming> framing_of(const domain::HttpRequest& request);

// Up to and with the empty line. Host is the caller's if it gave one.
std::string head_text(const domain::HttpRequest& request, const BodyFraming& framing, uint16_t port);

// What goes before a piece of a chunked body; a CR LF goes after it.
std::string chunk_head(size_t bytes);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace ebb::function
