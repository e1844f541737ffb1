// The pieces of an answer as bodies of frames from a worker to the server (worker.proto). Pure.
//
// The server reads them, and trusts no worker: what does not parse or breaks a bound of domain/limits.h is kCorrupt. Whether a piece may
// come at this point of an answer is not decided here.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/call.h"

namespace ebb::wire {

// The body of Text. Error also for text that is no UTF-8, and a log probability that is none.
std::string encode_text(const domain::Text& text);
Result<domain::Text> decode_text(std::string_view body);

// The body of Vector. Error also for one without values, or with one that is no number.
std::string encode_vector(std::span<const float> values);
Result<domain::Vector> decode_vector(std::string_view body);

// The body of TensorStart. Error also for bytes that do not fit the shape.
std::string encode_tensor_start(const domain::TensorStart& start);
Result<domain::TensorStart> decode_tensor_start(std::string_view body);

// The body of Bytes: of a tensor or an HTTP answer, as announced before. 1 to kBodyPieceBytesMax of them.
std::string encode_bytes(std::string_view data);
Result<domain::Bytes> decode_bytes(std::string_view body);

// The body of Labels. Error also for a label that is no UTF-8, or a score that is no number.
std::string encode_labels(const domain::Labels& labels);
Result<domain::Labels> decode_labels(std::string_view body);

// The bodies of HttpHead and Trailers. Error also for a status that ends no exchange, and a header that HTTP would read as something else.
std::string encode_http_head(const domain::HttpHead& head);
Result<domain::HttpHead> decode_http_head(std::string_view body);
std::string encode_trailers(const domain::Trailers& trailers);
Result<domain::Trailers> decode_trailers(std::string_view body);

}  // namespace ebb::wire
