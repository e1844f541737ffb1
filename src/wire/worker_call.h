// A call and the pieces of its answer as bodies of frames between server and worker (worker.proto). Pure.
//
// Both ends read what the other wrote, and neither trusts it: a worker checks that a call keeps the bounds of its server, the server that a
// piece of text keeps those of a worker.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/call.h"

namespace ebb::wire {

// The body of Execute; the endpoint's name and the deadline stay in the server.
std::string encode_call(const domain::Call& call);
// Error kCorrupt: it does not parse, or breaks a bound of domain/limits.h.
Result<domain::Call> decode_call(std::string_view body);

// The body of Text.
std::string encode_text(const domain::Text& text);
// Error kCorrupt, as above; also for text that is no UTF-8.
Result<domain::Text> decode_text(std::string_view body);

// The body of Vector.
std::string encode_vector(std::span<const float> values);
// Error kCorrupt: it has no values, too many, or one that is no number.
Result<domain::Vector> decode_vector(std::string_view body);

}  // namespace ebb::wire
