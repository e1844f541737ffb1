// The bytes of a request's head, judged before any parser sees them: what lets two readers of one connection disagree about where a
// request ends is refused, not repaired. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/errors.h"

namespace ebb::gateway {

// Header lines of real clients are some twenty.
inline constexpr size_t kHeaderLinesMax = 100;

// `head` is everything up to and including the empty line. Refuses: control characters and bare CR or LF, folded lines, more than
// kHeaderLinesMax lines, HTTP/1.1 without Host, a second Host, Content-Length or Transfer-Encoding, both of the latter together, a
// length that is not 1 to 18 digits, a transfer coding other than exactly "chunked" or one with HTTP/1.0.
std::optional<Refusal> check_head(std::string_view head);

// Whether the first bytes can become a request at all; a TLS greeting cannot, and would only time out.
std::optional<Refusal> check_first_byte(char first);

// The path of a head that may be broken, for the dialect of its refusal.
std::string_view path_of_head(std::string_view head);

}  // namespace ebb::gateway
