// Small parsers and writers.
#include "function/lambda_text.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <boost/archive/iterators/binary_from_base64.hpp>
#include <boost/archive/iterators/dataflow_exception.hpp>
#include <boost/archive/iterators/transform_width.hpp>

#include "base/json.h"
#include "domain/limits.h"
#include "wire/passed_headers.h"
#include "wire/trace_context.h"
#include "wire/worker_call.h"

namespace ebb::function {

namespace {

constexpr std::string_view kZeros("\0\0\0\0\0\0\0\0", 8);

bool is_word(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return text.size() >= 2 && text.front() >= 'A' && text.front() <= 'Z' && std::ranges::all_of(text, letter);
}

std::unexpected<Error> no_head(std::string_view why) {
  return fail(Error{.kind = ErrorKind::kFunction,
                    .message = fmt::format("the function's streamed answer does not begin with a head (JSON, then eight zero bytes): {}", why),
                    .code = "function_bad_answer"});
}

Result<domain::HttpHead> read_prelude(std::string_view text) {
  const Result<json::value> value = parse_json(text);
  if (!value) return no_head(value.error().message);
  ObjectReader reader(*value, "head");
  domain::HttpHead head{.status = static_cast<int>(reader.integer("statusCode", 200, 599).value_or(200))};
  if (const json::object* headers = reader.object("headers"))
    for (const auto& [name, header] : *headers) {
      if (header.is_string()) {
        head.headers.emplace_back(name, header.as_string());
      } else if (header.is_number() || header.is_bool()) {
        head.headers.emplace_back(name, json::serialize(header));
      } else {
        reader.add_error("headers", "a header must have a text");
      }
    }
  if (const json::array* cookies = reader.array("cookies"))
    for (const json::value& cookie : *cookies)
      if (cookie.is_string()) head.headers.emplace_back("Set-Cookie", cookie.as_string());
  if (!reader.ok()) return no_head(reader.error().message);
  head.headers = wire::headers_for_caller(head.headers);
  // What the server would not take from us.
  Result<domain::HttpHead> checked = wire::decode_http_head(wire::encode_http_head(head));
  if (!checked) return no_head(checked.error().message);
  return checked;
}

}  // namespace

std::string uuid_of(uint64_t high, uint64_t low) {
  high = (high & ~0xf000ULL) | 0x4000ULL;
  low = (low & ~(3ULL << 62U)) | (2ULL << 62U);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xffffU, high & 0xffffU, low >> 48U, low & 0xffff'ffff'ffffULL);
}

RuntimePath runtime_path(std::string_view method, std::string_view target) {
  using What = RuntimePath::What;
  constexpr std::string_view kBase = "/2018-06-01/runtime/";
  constexpr std::string_view kInvocation = "invocation/";
  target = target.substr(0, target.find('?'));
  if (method == "GET" && (target == "/ping" || target == "/2018-06-01/ping")) return {.what = What::kPing};
  if (!target.starts_with(kBase)) return {};
  target.remove_prefix(kBase.size());
  if (method == "GET" && target == "invocation/next") return {.what = What::kNext};
  if (method == "POST" && target == "init/error") return {.what = What::kInitError};
  if (method != "POST" || !target.starts_with(kInvocation)) return {};
  target.remove_prefix(kInvocation.size());
  const size_t slash = target.find('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view id = target.substr(0, slash);
  if (target.substr(slash) == "/response") return {.what = What::kResponse, .id = id};
  if (target.substr(slash) == "/error") return {.what = What::kError, .id = id};
  return {};
}

std::string error_type_of(std::string_view header) {
  for (const std::string_view category : {"Runtime.", "Function."})
    if (header.starts_with(category) && is_word(header.substr(category.size()))) return std::string(header);
  return header.starts_with("Function.") ? "Function.Unknown" : "Runtime.Unknown";
}

std::string error_json(std::string_view type, std::string_view message) {
  return json::serialize(json::object{{"errorMessage", message}, {"errorType", type}});
}

std::string exit_words(const container::EndOfFunction& end) {
  if (end.why == container::EndOfFunction::Why::kOutOfMemory) return end.detail;
  if (end.signal == 0) return fmt::format("exit status {}", end.code);
  return end.signal == SIGKILL ? "signal: killed" : fmt::format("signal: {}", end.signal);
}

bool is_json(std::string_view body) { return parse_json(body).has_value(); }

std::string error_sentence(std::string_view body, std::string_view type) {
  std::string kind(type);
  std::string message(body.substr(0, 500));
  if (const Result<json::value> value = parse_json(body); value && value->is_object()) {
    ObjectReader reader(*value, "error");
    kind = reader.string("errorType").value_or(kind);
    message = reader.string("errorMessage").value_or(message);
  }
  return fmt::format("{}: {}", kind, message);
}

std::string xray_trace(std::string_view traceparent) {
  const auto trace = wire::parse_traceparent(traceparent);
  if (!trace) return {};
  const std::string id = wire::trace_id_hex(*trace);
  return fmt::format("Root=1-{}-{};Parent={:016x};Sampled={}", id.substr(0, 8), id.substr(8), trace->parent_id, trace->flags & 1U);
}

std::string function_arn(std::string_view name) { return fmt::format("arn:aws:lambda:us-east-1:000000000000:function:{}", name); }

Result<std::string> decode_client_context(std::string_view base64) {
  namespace it = boost::archive::iterators;
  using Decoder = it::transform_width<it::binary_from_base64<const char*>, 8, 6>;
  const auto wrong = [] {
    return fail(ErrorKind::kInvalid, "the header X-Amz-Client-Context is not JSON in base64, of at most 3583 bytes", "X-Amz-Client-Context");
  };
  if (base64.size() > domain::kLambdaClientContextBytesMax) return wrong();
  const size_t padding = base64.ends_with("==") ? 2 : base64.ends_with('=') ? 1 : 0;
  base64.remove_suffix(padding);
  if ((base64.size() + padding) % 4 != 0) return wrong();
  std::string text;
  try {
    const size_t bytes = base64.size() * 6 / 8;
    // The decoder reads as many letters as the bytes need, and no more.
    Decoder at(base64.begin());
    for (size_t i = 0; i < bytes; ++i, ++at)
      text += static_cast<char>(*at);
  } catch (const it::dataflow_exception&) {
    return wrong();
  }
  // It becomes a header of the runtime's.
  const bool plain = std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!plain || !is_json(text)) return wrong();
  return text;
}

Result<std::optional<domain::HttpHead>> PreludeReader::feed(std::string_view bytes) {
  const size_t from = buffer_.size() < kZeros.size() ? 0 : buffer_.size() - kZeros.size();
  buffer_ += bytes;
  const size_t end = buffer_.find(kZeros, from);
  if (std::min(end, buffer_.size()) > domain::kHttpHeaderBytesMax) return no_head("it is larger than 32 KiB");
  if (end == std::string::npos) return std::nullopt;
  Result<domain::HttpHead> head = read_prelude(std::string_view(buffer_).substr(0, end));
  if (!head) return fail(head.error());
  rest_at_ = end + kZeros.size();
  return *head;
}

}  // namespace ebb::function
