// OpenAI's HTTP dialect: requests into calls, events into answers, errors into its error object. Pure; contract in docs.
//
// What becomes of each field is in openai_fields.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/call.h"
#include "wire/answer.h"

namespace ebb::wire {

struct ChatRequest {
  domain::Call call;
  int64_t choices = 1;
  bool names_a_tool = false;  // of `tools` one must be called: the answer then ends with "stop", as the original's does
  bool stream = false;
  bool include_usage = false;
  std::vector<std::string> ignored;
};

// The body of POST /v1/chat/completions. Error: kInvalid with the path of the field as param.
Result<ChatRequest> parse_chat(std::string_view body);
Result<Asked> ask_chat(std::string_view body);

struct CompletionRequest {
  std::vector<domain::Call> prompts;  // one for each prompt
  int64_t choices = 1;                // of each prompt …
  int64_t best_of = 1;                // … out of so many
  bool logprobs = false;
  bool echo = false;
  bool stream = false;
  bool include_usage = false;
  std::vector<std::string> ignored;
};

// The body of POST /v1/completions.
Result<CompletionRequest> parse_completion(std::string_view body);
Result<Asked> ask_completion(std::string_view body);

struct ResponseRequest {
  domain::Call call;
  bool stream = false;
  std::vector<std::string> ignored;
  json::object echoed;  // the request's own fields that a response repeats
};

// The body of POST /v1/responses. Nothing is stored: what refers to an earlier response is refused.
Result<ResponseRequest> parse_response(std::string_view body);
Result<Asked> ask_response(std::string_view body);

// The body of POST /v1/embeddings: one call for all texts.
Result<Asked> ask_embeddings(std::string_view body);

// {"error": {"message", "type", "param", "code"}}: all four keys, always.
std::string openai_error(const Error& error);
json::object openai_error_object(const Error& error);  // what stands under "error"

// The same for a stream that fails after its first byte: with the request, the tokens that were given out, and whether asking again
// may help.
std::string openai_stream_error(const Error& error, std::string_view request_id, int64_t completion_tokens);

// One element of GET /v1/models; `extra` holds Ebb's own facts and is added under the key "ebb".
json::object openai_model(std::string_view id, int64_t created, json::object extra);

}  // namespace ebb::wire
