// Server-sent events, as far as OpenAI's streams use them. Pure.
#pragma once

#include <string>
#include <string_view>

namespace ebb::wire {

inline constexpr std::string_view kSseContentType = "text/event-stream; charset=utf-8";
// Clients skip it; it keeps proxies from cutting what is silent.
inline constexpr std::string_view kSseComment = ": keep-alive\n\n";
inline constexpr std::string_view kSseDone = "data: [DONE]\n\n";

// Appends one event. `line` must not contain a line break (serialised JSON never does).
void append_sse(std::string& out, std::string_view line);
// The same with a name before it.
void append_named_sse(std::string& out, std::string_view name, std::string_view line);

}  // namespace ebb::wire
