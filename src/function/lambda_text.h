// What Lambda's APIs say in words: ids, errors, traces, and the head of an answer that is streamed. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "container/sandbox.h"
#include "domain/http.h"

namespace ebb::function {

// A version 4 UUID of these bits.
std::string uuid_of(uint64_t high, uint64_t low);

// A path below /2018-06-01/runtime/ as what is asked.
struct RuntimePath {
  enum class What { kNext, kResponse, kError, kInitError, kPing, kOther } what = What::kOther;
  std::string_view id = {};
};
RuntimePath runtime_path(std::string_view method, std::string_view target);

// Kept if it is Runtime.Word or Function.Word, else the Unknown of the nearest of the two.
std::string error_type_of(std::string_view header);
// {"errorMessage":…,"errorType":…}
std::string error_json(std::string_view type, std::string_view message);
// "type: message" of a runtime's error, for people; its text as far as it is none.
std::string error_sentence(std::string_view body, std::string_view type);
// How a process ended, as Lambda says it: "exit status 1", "signal: killed".
std::string exit_words(const container::EndOfFunction& end);
// Whether it is a JSON text.
bool is_json(std::string_view body);

// X-Ray's form of a traceparent; empty if that is none.
std::string xray_trace(std::string_view traceparent);
std::string function_arn(std::string_view name);
// Of the caller's X-Amz-Client-Context. Error: kInvalid.
Result<std::string> decode_client_context(std::string_view base64);

// The start of an answer with the type application/vnd.awslambda.http-integration-response: a JSON head, eight zero bytes, then its body.
class PreludeReader {
 public:
  // Takes bytes until the head is whole; what belongs to the body is then in rest(). Error kFunction: it is none, or longer than a head may be.
  Result<std::optional<domain::HttpHead>> feed(std::string_view bytes);
  std::string_view rest() const { return std::string_view(buffer_).substr(rest_at_); }

 private:
  std::string buffer_;
  size_t rest_at_ = 0;
};
inline constexpr std::string_view kPreludeType = "application/vnd.awslambda.http-integration-response";

}  // namespace ebb::function
