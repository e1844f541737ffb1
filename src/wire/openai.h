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
#include "domain/usage.h"

namespace ebb::wire {

struct ChatRequest {
  domain::Call call;
  int64_t choices = 1;
  bool names_a_tool = false;  // of `tools` one must be called: the answer then ends with "stop", as the original's does
  bool stream = false;
  bool include_usage = false;
  std::vector<std::string> ignored;  // names of fields without effect, at most kIgnoredMax, printable ASCII
};
inline constexpr size_t kIgnoredMax = 16;

// The body of POST /v1/chat/completions. Error: kInvalid with the path of the field as param.
Result<ChatRequest> parse_chat(std::string_view body);

// What all parts of one answer have in common.
struct AnswerHead {
  std::string id;  // "chatcmpl-…"
  int64_t created = 0;
  std::string model;
};

struct AnswerUsage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;     // of the prompt's
  int64_t reasoning_tokens = 0;  // of the completion's
  // What the call cost, as the extra key "ebb"; absent where it is not known.
  struct Cost {
    std::string cost;
    int64_t billed_ms = 0;
    domain::Tier tier = domain::Tier::kWarm;
  };
  std::optional<Cost> cost;
};

// One choice of an answer, whole.
struct AnswerChoice {
  std::string content;
  std::string reasoning;
  std::vector<domain::ToolCall> tool_calls;
  std::optional<std::vector<domain::TokenLogprob>> logprobs;  // of the content; absent: not asked for
  domain::FinishReason reason = domain::FinishReason::kStop;
};

std::string chat_completion(const AnswerHead& head, const std::vector<AnswerChoice>& choices, const AnswerUsage& usage);

// The events of a stream, one `data:` JSON each. With `include_usage` every chunk carries "usage": null.
class ChatChunks {
 public:
  ChatChunks(AnswerHead head, bool include_usage) : head_(std::move(head)), include_usage_(include_usage) {}
  std::string role(int choice) const;
  // The piece as its part's delta. `tool_call_id`: of the call that it begins. Empty: there is nothing to tell.
  std::string piece(int choice, const domain::Text& text, std::string_view tool_call_id) const;
  std::string finish(int choice, domain::FinishReason reason) const;
  std::string usage(const AnswerUsage& usage) const;

 private:
  json::object chunk(json::array choices) const;
  AnswerHead head_;
  bool include_usage_;
};

// {"error": {"message", "type", "param", "code"}}: all four keys, always.
std::string openai_error(const Error& error);

// The same for a stream that fails after its first byte: with the request, the tokens that were given out, and whether asking again
// may help.
std::string openai_stream_error(const Error& error, std::string_view request_id, int64_t completion_tokens);

// One element of GET /v1/models; `extra` holds Ebb's own facts and is added under the key "ebb".
json::object openai_model(std::string_view id, int64_t created, json::object extra);

}  // namespace ebb::wire
