// Answers and errors as OpenAI's clients expect them.
#include "base/utf8.h"
#include "domain/money.h"
#include "wire/openai.h"

namespace ebb::wire {

namespace {

std::string_view word(domain::FinishReason reason) {
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

// The `type` of the error object; clients look at the status first, people and dashboards at this.
std::string_view type_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
    case ErrorKind::kUnauthorized:
    case ErrorKind::kNotFound:
    case ErrorKind::kExists:
    case ErrorKind::kTooLarge:
    case ErrorKind::kPoison: return "invalid_request_error";
    case ErrorKind::kOverloaded: return "requests";
    default: return "server_error";
  }
}

std::string code_of(const Error& error) {
  if (!error.code.empty()) return error.code;
  switch (error.kind) {
    case ErrorKind::kUnauthorized: return "invalid_api_key";
    case ErrorKind::kNotFound: return error.param == "model" ? "model_not_found" : "not_found";
    case ErrorKind::kOverloaded: return "rate_limit_exceeded";
    case ErrorKind::kInvalid: return "";
    default: return std::string(to_string(error.kind));
  }
}

// A token that is part of a character only has its bytes; its text is what any decoder would show.
json::object candidate_object(const domain::TokenLogprob::Candidate& candidate) {
  json::array bytes;
  for (const char byte : candidate.bytes)
    bytes.push_back(static_cast<unsigned char>(byte));
  return {{"token", replace_invalid_utf8(candidate.bytes)}, {"logprob", candidate.logprob}, {"bytes", std::move(bytes)}};
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

json::value logprobs_or_null(const std::optional<std::vector<domain::TokenLogprob>>& logprobs) {
  return logprobs ? logprobs_object(*logprobs) : json::value(nullptr);
}

json::array tool_calls_array(const std::vector<domain::ToolCall>& calls) {
  json::array out;
  for (const domain::ToolCall& call : calls)
    out.push_back({{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  return out;
}

json::value text_or_null(std::string_view text) { return text.empty() ? json::value(nullptr) : json::value(text); }

}  // namespace

std::string chat_completion(const AnswerHead& head, const std::vector<AnswerChoice>& choices, const AnswerUsage& usage) {
  json::array list;
  for (const AnswerChoice& choice : choices) {
    json::object message{{"role", "assistant"}, {"content", choice.content}, {"refusal", nullptr}};
    if (choice.content.empty() && !choice.tool_calls.empty()) message["content"] = nullptr;
    if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
    if (!choice.tool_calls.empty()) message["tool_calls"] = tool_calls_array(choice.tool_calls);
    list.push_back(
        {{"index", list.size()}, {"message", std::move(message)}, {"logprobs", logprobs_or_null(choice.logprobs)}, {"finish_reason", word(choice.reason)}});
  }
  const json::object out{{"id", head.id},       {"object", "chat.completion"}, {"created", head.created},
                         {"model", head.model}, {"choices", std::move(list)},  {"usage", usage_object(usage)}};
  return json::serialize(out);
}

json::object ChatChunks::chunk(json::array choices) const {
  json::object out{{"id", head_.id}, {"object", "chat.completion.chunk"}, {"created", head_.created}, {"model", head_.model}, {"choices", std::move(choices)}};
  if (include_usage_) out["usage"] = nullptr;
  return out;
}

namespace {

json::array one_choice(int index, json::object delta, json::value finish_reason, json::value logprobs = nullptr) {
  return json::array{
      json::object{{"index", index}, {"delta", std::move(delta)}, {"logprobs", std::move(logprobs)}, {"finish_reason", std::move(finish_reason)}}};
}

// The id, the type and the name stand in the first piece only: clients put repeated strings together.
json::object tool_delta(const domain::Text& text, std::string_view id) {
  json::object call{{"index", text.tool_index}};
  json::object function;
  if (!text.tool_name.empty()) {
    call["id"] = id;
    call["type"] = "function";
    function["name"] = text.tool_name;
  }
  function["arguments"] = text.text;
  call["function"] = std::move(function);
  return {{"tool_calls", json::array{std::move(call)}}};
}

}  // namespace

std::string ChatChunks::role(int choice) const { return json::serialize(chunk(one_choice(choice, {{"role", "assistant"}, {"content", ""}}, nullptr))); }

std::string ChatChunks::piece(int choice, const domain::Text& text, std::string_view tool_call_id) const {
  json::object delta;
  if (text.part == domain::Part::kToolCall && !(text.text.empty() && text.tool_name.empty())) delta = tool_delta(text, tool_call_id);
  if (text.part == domain::Part::kContent && !text.text.empty()) delta["content"] = text.text;
  if (text.part == domain::Part::kReasoning && !text.text.empty()) delta["reasoning_content"] = text.text;
  if (delta.empty() && text.logprobs.empty()) return {};
  json::value logprobs = text.logprobs.empty() ? json::value(nullptr) : logprobs_object(text.logprobs);
  return json::serialize(chunk(one_choice(choice, std::move(delta), nullptr, std::move(logprobs))));
}

std::string ChatChunks::finish(int choice, domain::FinishReason reason) const {
  return json::serialize(chunk(one_choice(choice, {}, json::value(word(reason)))));
}

std::string ChatChunks::usage(const AnswerUsage& usage) const {
  json::object out = chunk({});
  out["usage"] = usage_object(usage);
  return json::serialize(out);
}

namespace {

json::object error_object(const Error& error) {
  return {{"message", error.message}, {"type", type_of(error.kind)}, {"param", text_or_null(error.param)}, {"code", text_or_null(code_of(error))}};
}

bool may_help_again(ErrorKind kind) { return type_of(kind) != "invalid_request_error"; }

}  // namespace

std::string openai_error(const Error& error) { return json::serialize(json::object{{"error", error_object(error)}}); }

std::string openai_stream_error(const Error& error, std::string_view request_id, int64_t completion_tokens) {
  json::object inner = error_object(error);
  inner["ebb"] = {{"request_id", request_id}, {"completion_tokens", completion_tokens}, {"retryable", may_help_again(error.kind)}};
  return json::serialize(json::object{{"error", std::move(inner)}});
}

json::object openai_model(std::string_view id, int64_t created, json::object extra) {
  return {{"id", id}, {"object", "model"}, {"created", created}, {"owned_by", "ebb"}, {"ebb", std::move(extra)}};
}

}  // namespace ebb::wire
