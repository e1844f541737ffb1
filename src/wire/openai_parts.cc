// JSON of the shared parts.
#include "wire/openai_parts.h"

#include "base/utf8.h"

namespace ebb::wire {

namespace {

// A token that is part of a character only has its bytes; its text is what any decoder would show.
json::object candidate_object(const domain::TokenLogprob::Candidate& candidate) {
  json::array bytes;
  for (const char byte : candidate.bytes)
    bytes.push_back(static_cast<unsigned char>(byte));
  return {{"token", replace_invalid_utf8(candidate.bytes)}, {"logprob", candidate.logprob}, {"bytes", std::move(bytes)}};
}

}  // namespace

std::string_view finish_word(domain::FinishReason reason) {
  switch (reason) {
    case domain::FinishReason::kStop: return "stop";
    case domain::FinishReason::kLength: return "length";
    case domain::FinishReason::kToolCalls: return "tool_calls";
  }
  return "stop";
}

json::object usage_object(const AnswerUsage& usage) {
  json::object out{
      {"prompt_tokens", usage.prompt_tokens}, {"completion_tokens", usage.completion_tokens}, {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
  out["prompt_tokens_details"] = {{"cached_tokens", usage.cached_tokens}};
  out["completion_tokens_details"] = {{"reasoning_tokens", usage.reasoning_tokens}};
  if (usage.cost) out["ebb"] = {{"cost", usage.cost->cost}, {"billed_ms", usage.cost->billed_ms}, {"tier", domain::to_string(usage.cost->tier)}};
  return out;
}

json::value logprobs_object(const std::vector<domain::TokenLogprob>& logprobs) {
  json::array content;
  for (const domain::TokenLogprob& logprob : logprobs) {
    json::object one = candidate_object(logprob.chosen);
    json::array top;
    for (const domain::TokenLogprob::Candidate& candidate : logprob.top)
      top.push_back(candidate_object(candidate));
    one["top_logprobs"] = std::move(top);
    content.push_back(std::move(one));
  }
  return json::object{{"content", std::move(content)}, {"refusal", nullptr}};
}

json::array tool_calls_array(const std::vector<domain::ToolCall>& calls) {
  json::array out;
  for (const domain::ToolCall& call : calls)
    out.push_back({{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  return out;
}

}  // namespace ebb::wire
