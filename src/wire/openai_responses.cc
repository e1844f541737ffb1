// POST /v1/responses into a call: items become messages.
#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"
#include "wire/openai.h"
#include "wire/openai_fields.h"
#include "wire/openai_read.h"

namespace ebb::wire {

namespace {

constexpr int64_t kOutputTokensMin = 16;

void check_nul(ObjectReader& item, std::string_view key, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) item.add_error(key, fmt::format("'{}' has a NUL character", item.path_of(key)));
}

// A string, or parts of text.
std::string read_parts(ObjectReader& item, std::string_view key) {
  const json::value* content = item.find(key);
  std::string joined;
  if (content == nullptr || (!content->is_string() && !content->is_array())) {
    item.add_error(key, fmt::format("'{}' must be a string or an array of text parts", item.path_of(key)));
  } else if (content->is_string()) {
    joined = content->get_string();
  } else {
    for (size_t i = 0; i < content->get_array().size() && item.ok(); ++i) {
      ObjectReader part(content->get_array()[i], fmt::format("{}[{}]", item.path_of(key), i));
      const std::string type = part.required_string("type");
      if (type == "refusal") {
        joined += part.required_string("refusal");
      } else if (type == "input_text" || type == "output_text" || type == "text") {
        joined += part.required_string("text");
      } else if (part.ok()) {
        part.add_error("type", fmt::format("'{}': the model takes text only, no '{}'", part.path_of("type"), type.substr(0, 32)));
      }
      if (!part.ok()) item.adopt(part.error());
    }
  }
  check_nul(item, key, joined);
  return joined;
}

class Items {
 public:
  explicit Items(std::vector<domain::ChatMessage>& messages) : messages_(messages) {}

  void read(ObjectReader& item) {
    const std::string type = item.string("type").value_or("message");
    if (type == "message") {
      message(item);
    } else if (type == "function_call") {
      call(item);
    } else if (type == "function_call_output") {
      output(item);
    } else if (type == "item_reference") {
      item.add_error("type", fmt::format("'{}': this server keeps no items: send them whole", item.path_of("type")));
    } else if (type != "reasoning") {  // what a model thought before is not said to it again
      item.add_error("type", fmt::format("'{}': items of type '{}' are not supported", item.path_of("type"), type.substr(0, 32)));
    }
  }

 private:
  void message(ObjectReader& item) {
    domain::ChatMessage out{.role = item.required_string("role"), .content = {}};
    const bool known = out.role == "user" || out.role == "system" || out.role == "developer" || out.role == "assistant";
    if (item.ok() && !known) item.add_error("role", fmt::format("'{}' must be one of user, system, developer and assistant", item.path_of("role")));
    out.content = read_parts(item, "content");
    messages_.push_back(std::move(out));
  }

  // Calls side by side are one message of the assistant.
  void call(ObjectReader& item) {
    domain::ToolCall call{.id = item.required_string("call_id"), .name = item.required_string("name"), .arguments = item.required_string("arguments")};
    if (item.ok() && !is_tool_name(call.name))
      item.add_error("name", fmt::format("'{}' must have 1 to {} letters, digits, '_' or '-'", item.path_of("name"), domain::kToolNameBytesMax));
    check_nul(item, "arguments", call.arguments);
    if (messages_.empty() || messages_.back().role != "assistant") messages_.push_back({.role = "assistant", .content = {}});
    messages_.back().tool_calls.push_back(std::move(call));
    if (std::cmp_greater(messages_.back().tool_calls.size(), domain::kToolCallsMax))
      item.add_error("type", fmt::format("'{}': over {} function calls side by side", item.path_of("type"), domain::kToolCallsMax));
  }

  void output(ObjectReader& item) {
    domain::ChatMessage out{.role = "tool", .content = {}, .tool_calls = {}, .tool_call_id = item.required_string("call_id")};
    out.content = read_parts(item, "output");
    const bool asked = std::ranges::any_of(messages_, [&out](const domain::ChatMessage& message) {
      return std::ranges::find(message.tool_calls, out.tool_call_id, &domain::ToolCall::id) != message.tool_calls.end();
    });
    if (item.ok() && !asked) item.add_error("call_id", fmt::format("'{}': no function call before it has this id", item.path_of("call_id")));
    messages_.push_back(std::move(out));
  }

  std::vector<domain::ChatMessage>& messages_;
};

void read_input(ObjectReader& reader, std::vector<domain::ChatMessage>& messages) {
  const json::value* input = reader.find("input");
  if (input == nullptr || (!input->is_string() && !input->is_array())) return reader.add_error("input", "'input' is required: a string, or an array of items");
  if (input->is_string()) {
    check_nul(reader, "input", input->get_string());
    messages.push_back({.role = "user", .content = std::string(input->get_string())});
    return;
  }
  const json::array& list = input->get_array();
  if (list.empty()) return reader.add_error("input", "'input' must not be empty");
  if (list.size() > domain::kMessagesMax)
    return reader.add_error("input", fmt::format("'input' has {} items, at most {} are allowed", list.size(), domain::kMessagesMax));
  Items items(messages);
  for (size_t i = 0; i < list.size() && reader.ok(); ++i) {
    ObjectReader item(list[i], fmt::format("input[{}]", i));
    items.read(item);
    if (!item.ok()) reader.adopt(item.error());
  }
  if (reader.ok() && messages.empty()) reader.add_error("input", "'input' has nothing for the model");
}

void read_logprobs_asked(ObjectReader& reader, domain::Sampling& sampling) {
  const auto top = reader.integer("top_logprobs", 0, domain::kTopLogprobsMax);
  bool wanted = false;
  if (const json::array* include = reader.array("include")) {
    wanted = std::ranges::any_of(*include, [](const json::value& one) { return one.is_string() && one.get_string() == "message.output_text.logprobs"; });
  }
  if (top && *top > 0 && !wanted) reader.add_error("top_logprobs", "'top_logprobs' is allowed only with 'include': [\"message.output_text.logprobs\"]");
  if (wanted) sampling.top_logprobs = static_cast<int>(top.value_or(0));
}

// What the response says of its request.
json::object echo(const json::object& body, const ResponseRequest& request, const domain::Chat& chat) {
  const auto given = [&body](std::string_view key, json::value otherwise) {
    const json::value* value = body.if_contains(key);
    return value == nullptr || value->is_null() ? otherwise : *value;
  };
  const json::object plain{{"format", {{"type", "text"}}}};
  return {{"instructions", given("instructions", nullptr)},
          {"max_output_tokens", given("max_output_tokens", nullptr)},
          {"metadata", given("metadata", json::object{})},
          {"parallel_tool_calls", chat.parallel_tool_calls},
          {"previous_response_id", nullptr},
          {"reasoning", given("reasoning", json::object{{"effort", nullptr}, {"summary", nullptr}})},
          {"store", false},
          {"temperature", request.call.sampling.temperature},
          {"text", given("text", plain)},
          {"tool_choice", given("tool_choice", "auto")},
          {"tools", given("tools", json::array{})},
          {"top_p", request.call.sampling.top_p},
          {"truncation", "disabled"},
          {"background", false},
          {"user", given("user", nullptr)}};
}

}  // namespace

Result<ResponseRequest> parse_response(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  ResponseRequest request;
  domain::Chat chat;
  request.call.endpoint = read_model(reader);
  if (const auto instructions = reader.string("instructions"); instructions && !instructions->empty()) {
    check_nul(reader, "instructions", *instructions);
    chat.messages.push_back({.role = "system", .content = *instructions});
  }
  read_input(reader, chat.messages);
  bool named = false;
  if (reader.ok()) read_tools(reader, ToolForm::kFlat, chat, named);
  if (const json::value* text = reader.find("text"); text != nullptr && reader.ok()) {
    ObjectReader inner(*text, "text");
    if (const json::value* format = inner.find("format")) read_format(*format, "text.format", ToolForm::kFlat, chat, inner);
    if (!inner.ok()) reader.adopt(inner.error());
  }
  request.call.sampling.max_tokens = reader.integer("max_output_tokens", kOutputTokensMin, domain::kContextTokensMax);
  request.call.sampling.temperature = reader.number("temperature", 0, 2).value_or(1.0);
  request.call.sampling.top_p = reader.number("top_p", 0, 1).value_or(1.0);
  read_logprobs_asked(reader, request.call.sampling);
  request.stream = reader.boolean("stream").value_or(false);
  check_fields(reader, value->get_object(), response_fields(), request.ignored);
  if (!reader.ok()) return fail(reader.error());
  request.echoed = echo(value->get_object(), request, chat);
  request.call.input = std::move(chat);
  return request;
}

}  // namespace ebb::wire
