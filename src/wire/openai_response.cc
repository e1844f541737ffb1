// Answers and errors as OpenAI's clients expect them.
#include "domain/money.h"
#include "wire/openai.h"

namespace ebb::wire {

namespace {

std::string_view word(domain::FinishReason reason) { return reason == domain::FinishReason::kStop ? "stop" : "length"; }

json::object usage_object(const AnswerUsage& usage) {
  json::object out{
      {"prompt_tokens", usage.prompt_tokens}, {"completion_tokens", usage.completion_tokens}, {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
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

json::value text_or_null(std::string_view text) { return text.empty() ? json::value(nullptr) : json::value(text); }

}  // namespace

std::string chat_completion(const AnswerHead& head, std::string_view content, domain::FinishReason reason, const AnswerUsage& usage) {
  json::object message{{"role", "assistant"}, {"content", content}, {"refusal", nullptr}};
  json::object choice{{"index", 0}, {"message", std::move(message)}, {"logprobs", nullptr}, {"finish_reason", word(reason)}};
  const json::object out{{"id", head.id},
                         {"object", "chat.completion"},
                         {"created", head.created},
                         {"model", head.model},
                         {"choices", json::array{std::move(choice)}},
                         {"usage", usage_object(usage)}};
  return json::serialize(out);
}

json::object ChatChunks::chunk(json::array choices) const {
  json::object out{{"id", head_.id}, {"object", "chat.completion.chunk"}, {"created", head_.created}, {"model", head_.model}, {"choices", std::move(choices)}};
  if (include_usage_) out["usage"] = nullptr;
  return out;
}

namespace {

json::array one_choice(json::object delta, json::value finish_reason) {
  return json::array{json::object{{"index", 0}, {"delta", std::move(delta)}, {"logprobs", nullptr}, {"finish_reason", std::move(finish_reason)}}};
}

}  // namespace

std::string ChatChunks::role() const { return json::serialize(chunk(one_choice({{"role", "assistant"}, {"content", ""}}, nullptr))); }
std::string ChatChunks::content(std::string_view text) const { return json::serialize(chunk(one_choice({{"content", text}}, nullptr))); }
std::string ChatChunks::finish(domain::FinishReason reason) const { return json::serialize(chunk(one_choice({}, json::value(word(reason))))); }

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
