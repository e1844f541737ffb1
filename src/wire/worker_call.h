// A call as bodies of frames from the server to a worker (worker.proto), and the credit by which either end paces the other. Pure.
//
// Both ends read what the other wrote, and neither trusts it: a worker checks that a call keeps the bounds of its server. What comes back
// is in worker_answer.h, which comes with this.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/call.h"
#include "wire/worker_answer.h"

namespace ebb::wire {

// The body of Execute; the endpoint's name and the deadline stay in the server.
std::string encode_call(const domain::Call& call);
// Error kCorrupt: it does not parse, or breaks a bound of domain/limits.h.
Result<domain::Call> decode_call(std::string_view body);

// The body of Input: a piece of the body that HttpRequest::has_body announced, of at most kBodyPieceBytesMax.
struct InputPiece {
  std::string data;
  bool last = false;
};
std::string encode_input(std::string_view data, bool last);
Result<InputPiece> decode_input(std::string_view body);

// The body of Credit, and of Taken, which comes back: 1 to kBodyWindowBytes.
std::string encode_credit(uint64_t bytes);
Result<uint64_t> decode_credit(std::string_view body);

}  // namespace ebb::wire
