// POST /v1/chat/completions into a call.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "domain/limits.h"
#include "wire/openai.h"

namespace ebb::wire {

namespace {

// Names are shorter; more would only be carried around to be quoted in an error.
constexpr size_t kModelBytesMax = 256;

// What the table of the API says about each field that does not go into the call.
enum class Rule {
  kHonoured,  // read below
  kLabel,     // says something about the caller, asks for nothing
  kAdvice,    // may be passed over, and the caller is told
  kNeutral,   // has an effect unless its value is the neutral one; else refused by name
};

struct Field {
  std::string_view name;
  Rule rule;
};

constexpr std::array kFields = std::to_array<Field>({
    {"model", Rule::kHonoured},
    {"messages", Rule::kHonoured},
    {"max_tokens", Rule::kHonoured},
    {"max_completion_tokens", Rule::kHonoured},
    {"temperature", Rule::kHonoured},
    {"top_p", Rule::kHonoured},
    {"stop", Rule::kHonoured},
    {"seed", Rule::kHonoured},
    {"stream", Rule::kHonoured},
    {"stream_options", Rule::kHonoured},
    {"n", Rule::kHonoured},
    {"user", Rule::kLabel},
    {"safety_identifier", Rule::kLabel},
    {"metadata", Rule::kLabel},
    {"prompt_cache_key", Rule::kLabel},
    {"prompt_cache_retention", Rule::kAdvice},
    {"store", Rule::kAdvice},
    {"service_tier", Rule::kAdvice},
    {"reasoning_effort", Rule::kAdvice},
    {"verbosity", Rule::kAdvice},
    {"parallel_tool_calls", Rule::kLabel},  // without tools it asks for nothing
    {"presence_penalty", Rule::kNeutral},
    {"frequency_penalty", Rule::kNeutral},
    {"logit_bias", Rule::kNeutral},
    {"logprobs", Rule::kNeutral},
    {"top_logprobs", Rule::kNeutral},
    {"tools", Rule::kNeutral},
    {"tool_choice", Rule::kNeutral},
    {"functions", Rule::kNeutral},
    {"function_call", Rule::kNeutral},
    {"response_format", Rule::kNeutral},
    {"modalities", Rule::kNeutral},
    {"audio", Rule::kNeutral},
    {"prediction", Rule::kNeutral},
    {"web_search_options", Rule::kNeutral},
});

bool is_zero(const json::value& value) { return value.is_number() && value.to_number<double>() == 0.0; }
bool is_word(const json::value& value, std::string_view word) { return value.is_string() && value.get_string() == word; }
bool is_empty(const json::value& value) { return (value.is_array() && value.get_array().empty()) || (value.is_object() && value.get_object().empty()); }

// Whether a kNeutral field says what happens anyway.
bool is_neutral(std::string_view name, const json::value& value) {
  if (name == "presence_penalty" || name == "frequency_penalty") return is_zero(value);
  if (name == "logit_bias" || name == "tools" || name == "functions") return is_empty(value);
  if (name == "logprobs") return value.is_bool() && !value.get_bool();
  if (name == "tool_choice" || name == "function_call") return is_word(value, "none") || is_word(value, "auto");
  if (name == "response_format") return value.is_object() && value.get_object().contains("type") && is_word(value.get_object().at("type"), "text");
  if (name == "modalities") return value.is_array() && value.get_array().size() == 1 && is_word(value.get_array()[0], "text");
  return false;
}

bool is_printable(std::string_view name) {
  return name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127 && c != ',' && c != '"'; });
}

void check_fields(ObjectReader& reader, const json::object& object, std::vector<std::string>& ignored) {
  for (const auto& field : object) {
    const std::string_view name = field.key();
    if (field.value().is_null()) continue;
    const auto* known = std::find_if(kFields.begin(), kFields.end(), [&](const Field& each) { return each.name == name; });
    if (known == kFields.end() || known->rule == Rule::kAdvice) {
      if (ignored.size() < kIgnoredMax && is_printable(name)) ignored.emplace_back(name);
    } else if (known->rule == Rule::kNeutral && !is_neutral(name, field.value())) {
      reader.add_error(name, fmt::format("'{}' is not supported yet: leave it out", name));
    }
  }
}

// A string, or an array of text parts that are joined. Absent content is the caller's mistake except where `tool_calls` would explain it.
std::string read_content(ObjectReader& message) {
  const json::value* content = message.find("content");
  if (content == nullptr) {
    message.add_error("content", fmt::format("'{}' is required: a string, or an array of text parts", message.path_of("content")));
    return {};
  }
  if (content->is_string()) return std::string(content->get_string());
  if (!content->is_array()) {
    message.add_error("content", fmt::format("'{}' must be a string or an array of text parts", message.path_of("content")));
    return {};
  }
  std::string joined;
  for (size_t i = 0; i < content->get_array().size(); ++i) {
    ObjectReader part(content->get_array()[i], fmt::format("{}[{}]", message.path_of("content"), i));
    const std::string type = part.required_string("type");
    if (part.ok() && type != "text")
      part.add_error("type", fmt::format("'{}': parts of type '{}' are not supported yet: only 'text'", part.path_of("type"), type.substr(0, 32)));
    joined += part.required_string("text");
    if (!part.ok()) message.adopt(part.error());
  }
  return joined;
}

domain::ChatMessage read_message(const json::value& value, std::string path, ObjectReader& parent) {
  ObjectReader message(value, std::move(path));
  domain::ChatMessage out{.role = message.required_string("role"), .content = {}};
  static constexpr std::array kRoles = std::to_array<std::string_view>({"system", "developer", "user", "assistant"});
  if (message.ok() && std::find(kRoles.begin(), kRoles.end(), out.role) == kRoles.end()) {
    const bool later = out.role == "tool" || out.role == "function";
    message.add_error("role", later ? fmt::format("'{}': the role '{}' is not supported yet", message.path_of("role"), out.role)
                                    : fmt::format("'{}' must be one of system, developer, user and assistant", message.path_of("role")));
  }
  for (const std::string_view key : {"tool_calls", "function_call", "audio", "refusal", "tool_call_id"}) {
    const json::value* found = message.find(key);
    if (found != nullptr && !is_empty(*found)) message.add_error(key, fmt::format("'{}' is not supported yet: leave it out", message.path_of(key)));
  }
  out.content = read_content(message);
  // Engines take text as C strings here and there: what follows a NUL would be lost without a word.
  if (out.content.find('\0') != std::string::npos) message.add_error("content", fmt::format("'{}' has a NUL character", message.path_of("content")));
  message.string("name");  // a label; its type is still checked
  if (!message.ok()) parent.adopt(message.error());
  return out;
}

void read_messages(ObjectReader& reader, domain::Call& call) {
  if (!reader.has("messages")) reader.add_error("messages", "'messages' is required");
  const json::array* messages = reader.array("messages");
  if (messages == nullptr) return;
  if (messages->empty()) reader.add_error("messages", "'messages' must not be empty");
  if (messages->size() > domain::kMessagesMax)
    return reader.add_error("messages", fmt::format("'messages' has {} entries, at most {} are allowed", messages->size(), domain::kMessagesMax));
  for (size_t i = 0; i < messages->size() && reader.ok(); ++i)
    call.messages.push_back(read_message((*messages)[i], fmt::format("messages[{}]", i), reader));
}

void read_stop(ObjectReader& reader, domain::Sampling& sampling) {
  const json::value* stop = reader.find("stop");
  if (stop == nullptr) return;
  const auto add = [&](const json::value& one, const std::string& path) {
    if (!one.is_string()) return reader.adopt({.kind = ErrorKind::kInvalid, .message = fmt::format("'{}' must be a string", path), .param = path});
    const std::string_view text = one.get_string();
    if (text.empty() || text.size() > domain::kStopStringBytesMax)
      return reader.adopt(
          {.kind = ErrorKind::kInvalid, .message = fmt::format("'{}' must have 1 to {} bytes", path, domain::kStopStringBytesMax), .param = path});
    sampling.stop.emplace_back(text);
  };
  if (!stop->is_array()) return add(*stop, "stop");
  const json::array& list = stop->get_array();
  if (list.size() > domain::kStopStringsMax)
    return reader.add_error("stop", fmt::format("'stop' has {} strings, at most {} are allowed", list.size(), domain::kStopStringsMax));
  for (size_t i = 0; i < list.size(); ++i)
    add(list[i], fmt::format("stop[{}]", i));
}

void read_sampling(ObjectReader& reader, domain::Sampling& sampling) {
  const auto old_name = reader.integer("max_tokens", 1, domain::kContextTokensMax);
  const auto new_name = reader.integer("max_completion_tokens", 1, domain::kContextTokensMax);
  if (old_name && new_name && *old_name != *new_name) reader.add_error("max_tokens", "'max_tokens' and 'max_completion_tokens' differ: give one of them");
  sampling.max_tokens = new_name ? new_name : old_name;
  sampling.temperature = reader.number("temperature", 0, 2).value_or(1.0);
  sampling.top_p = reader.number("top_p", 0, 1).value_or(1.0);
  sampling.seed = reader.integer("seed", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  const auto n = reader.integer("n", 1, 128);
  if (n && *n != 1) reader.add_error("n", "'n' above 1 is not supported yet: ask several times");
  read_stop(reader, sampling);
}

void read_streaming(ObjectReader& reader, ChatRequest& request) {
  request.stream = reader.boolean("stream").value_or(false);
  const json::value* options = reader.find("stream_options");
  if (options == nullptr) return;
  if (!request.stream) reader.add_error("stream_options", "'stream_options' is allowed only with 'stream': true");
  ObjectReader inner(*options, "stream_options");
  request.include_usage = inner.boolean("include_usage").value_or(false);
  inner.boolean("include_obfuscation");
  if (!inner.ok()) reader.adopt(inner.error());
}

}  // namespace

Result<ChatRequest> parse_chat(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  ChatRequest request;
  request.call.endpoint = reader.required_string("model");
  if (reader.ok() && request.call.endpoint.empty()) reader.add_error("model", "'model' is empty: give the name of an endpoint");
  if (request.call.endpoint.size() > kModelBytesMax)
    reader.add_error("model", fmt::format("'model' has over {} bytes: no endpoint has such a name", kModelBytesMax));
  read_messages(reader, request.call);
  read_sampling(reader, request.call.sampling);
  read_streaming(reader, request);
  check_fields(reader, value->get_object(), request.ignored);
  if (!reader.ok()) return fail(reader.error());
  return request;
}

}  // namespace ebb::wire
