// Errors as OpenAI's clients expect them, and models.
#include "domain/budget.h"
#include "domain/rate_limit.h"
#include "wire/openai.h"

namespace ebb::wire {

namespace {

// The `type` of the error object; clients look at the status first, people and dashboards at this.
std::string_view type_of(const Error& error) {
  if (error.code == domain::kOverRate) return "requests";
  switch (error.kind) {
    case ErrorKind::kInvalid:
    case ErrorKind::kUnauthorized:
    case ErrorKind::kForbidden:
    case ErrorKind::kNotFound:
    case ErrorKind::kExists:
    case ErrorKind::kTooLarge:
    case ErrorKind::kPoison: return "invalid_request_error";
    case ErrorKind::kOverloaded: return "requests";
    case ErrorKind::kQuota: return "insufficient_quota";
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

json::object openai_error_object(const Error& error) {
  return {{"message", error.message}, {"type", type_of(error)}, {"param", text_or_null(error.param)}, {"code", text_or_null(code_of(error))}};
}

namespace {

bool may_help_again(const Error& error) {
  return type_of(error) != "invalid_request_error" && error.code != domain::kOverBudget && error.code != domain::kOverSpending;
}

}  // namespace

std::string openai_error(const Error& error) { return json::serialize(json::object{{"error", openai_error_object(error)}}); }

std::string openai_stream_error(const Error& error, std::string_view request_id, int64_t completion_tokens) {
  json::object inner = openai_error_object(error);
  inner["ebb"] = {{"request_id", request_id}, {"completion_tokens", completion_tokens}, {"retryable", may_help_again(error)}};
  return json::serialize(json::object{{"error", std::move(inner)}});
}

json::object openai_model(std::string_view id, int64_t created, json::object extra) {
  return {{"id", id}, {"object", "model"}, {"created", created}, {"owned_by", "ebb"}, {"ebb", std::move(extra)}};
}

}  // namespace ebb::wire
