// Kinds of errors to statuses and bodies.
#include "gateway/errors.h"

#include <algorithm>

#include "base/utf8.h"
#include "domain/budget.h"
#include "domain/rate_limit.h"
#include "wire/admin_json.h"
#include "wire/oip.h"
#include "wire/ollama.h"
#include "wire/openai.h"

namespace ebb::gateway {

Refusal refuse(int status, ErrorKind kind, std::string message, std::string param) {
  return {.status = status, .error = {.kind = kind, .message = std::move(message), .param = std::move(param)}};
}

Response json_response(std::string body) { return {.body = std::move(body)}; }

Response ndjson_response(std::string body) {
  return {.content_type = "application/x-ndjson", .headers = {{"Cache-Control", "no-cache"}}, .body = std::move(body)};
}

namespace {

Error cleaned(const Error& error) {
  Error out = error;
  out.message = clean_text(error.message, kErrorTextMax);
  out.param = clean_text(error.param, kErrorTextMax);
  return out;
}

std::string body_of(Dialect dialect, const Error& error) {
  switch (dialect) {
    case Dialect::kOpenAi: return wire::openai_error(error);
    case Dialect::kOllama: return wire::ollama_error(error);
    case Dialect::kOip: return wire::oip_error(error);
    case Dialect::kEbb: break;
  }
  return json::serialize(wire::to_json(error));
}

}  // namespace

std::string clean_text(std::string_view text, size_t bytes_max) {
  std::string out;
  while (!text.empty()) {
    const size_t length = character_bytes(text);
    if (out.size() + std::max<size_t>(length, 1) > bytes_max) return out + "…";
    if (length == 0) {
      out += '?';
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid: return 400;
    case ErrorKind::kUnauthorized: return 401;
    case ErrorKind::kForbidden: return 403;
    case ErrorKind::kNotFound: return 404;
    case ErrorKind::kExists: return 409;
    case ErrorKind::kTooLarge: return 413;
    case ErrorKind::kPoison: return 422;
    case ErrorKind::kFunction: return 502;
    case ErrorKind::kOverloaded:
    case ErrorKind::kQuota: return 429;
    case ErrorKind::kCancelled: return 499;
    case ErrorKind::kCorrupt:
    case ErrorKind::kIo:
    case ErrorKind::kInternal: return 500;
    case ErrorKind::kExhausted:
    case ErrorKind::kUnavailable: return 503;
    case ErrorKind::kTimeout: return 504;
  }
  return 500;
}

Response error_response(Dialect dialect, const Error& error) { return error_response(dialect, Refusal{.error = error}); }

Response error_response(Dialect dialect, const Refusal& refusal) {
  Response response{.status = refusal.status != 0 ? refusal.status : status_of(refusal.error.kind), .headers = refusal.headers};
  const Error error = cleaned(refusal.error);
  const auto advice = refusal.error.retry_after.count();
  if (advice > 0) {
    response.headers.emplace_back("Retry-After", std::to_string((advice + 999) / 1000));
    response.headers.emplace_back("retry-after-ms", std::to_string(advice));
  }
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  // OpenAI's clients try a 429 again unless they are told not to.
  const bool in_vain = refusal.error.code == domain::kOverBudget || refusal.error.code == domain::kOverSpending;
  if (refusal.error.kind == ErrorKind::kQuota && in_vain) response.headers.emplace_back("x-should-retry", "false");
  response.body = body_of(dialect, error) + "\n";
  return response;
}

std::string_view to_string(Dialect dialect) {
  switch (dialect) {
    case Dialect::kOpenAi: return "openai";
    case Dialect::kOllama: return "ollama";
    case Dialect::kOip: return "oip";
    case Dialect::kEbb: return "ebb";
  }
  return "";
}

Dialect dialect_of(std::string_view path) {
  for (const std::string_view own : {"/ebb", "/invoke/", "/metrics", "/livez", "/readyz", "/healthz"}) {
    if (path.starts_with(own)) return Dialect::kEbb;
  }
  if (path.starts_with("/v2")) return Dialect::kOip;
  return path.starts_with("/api/") ? Dialect::kOllama : Dialect::kOpenAi;
}

}  // namespace ebb::gateway
