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

// The bodies of TensorStart, Bytes, Labels, HttpHead and Trailers. Errors: kCorrupt, for what does not parse or breaks a bound.
std::string encode_tensor_start(const domain::TensorStart& start);
Result<domain::TensorStart> decode_tensor_start(std::string_view body);
std::string encode_bytes(std::string_view data);
Result<domain::Bytes> decode_bytes(std::string_view body);
std::string encode_labels(const domain::Labels& labels);
Result<domain::Labels> decode_labels(std::string_view body);
std::string encode_http_head(const domain::HttpHead& head);
Result<domain::HttpHead> decode_http_head(std::string_view body);
std::string encode_trailers(const domain::Trailers& trailers);
Result<domain::Trailers> decode_trailers(std::string_view body);

// The body of Input: at most kBodyPieceBytesMax.
struct InputPiece {
  std::string data;
  bool last = false;
};
std::string encode_input(std::string_view data, bool last);
Result<InputPiece> decode_input(std::string_view body);
// The body of Credit and Taken.
std::string encode_credit(uint64_t bytes);
Result<uint64_t> decode_credit(std::string_view body);

}  // namespace ebb::wire
