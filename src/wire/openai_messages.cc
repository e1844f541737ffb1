// The messages of a chat, and that calls of tools and their results belong together.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "domain/limits.h"
#include "wire/openai_read.h"

namespace ebb::wire {

namespace {

bool is_empty(const json::value& value) { return (value.is_array() && value.get_array().empty()) || (value.is_object() && value.get_object().empty()); }

std::string part_error(ObjectReader& part, const std::string& type) {
  const bool media = type == "image_url" || type == "input_audio" || type == "file" || type == "video_url";
  if (media) return fmt::format("'{}': the model takes text only, no '{}'", part.path_of("type"), type);
  return fmt::format("'{}' must be 'text' or 'refusal', not '{}'", part.path_of("type"), type.substr(0, 32));
}

// A string, or an array of text parts that are joined. Engines take text as C strings here and there: what follows a NUL would be lost.
std::string read_content(ObjectReader& message, bool may_be_absent) {
  const json::value* content = message.find("content");
  std::string joined;
  if (content == nullptr) {
    if (!may_be_absent) message.add_error("content", fmt::format("'{}' is required: a string, or an array of text parts", message.path_of("content")));
  } else if (content->is_string()) {
    joined = content->get_string();
  } else if (!content->is_array()) {
    message.add_error("content", fmt::format("'{}' must be a string or an array of text parts", message.path_of("content")));
  } else {
    for (size_t i = 0; i < content->get_array().size() && message.ok(); ++i) {
      ObjectReader part(content->get_array()[i], fmt::format("{}[{}]", message.path_of("content"), i));
      const std::string type = part.required_string("type");
      if (part.ok() && type != "text" && type != "refusal") part.add_error("type", part_error(part, type));
      joined += part.required_string(type == "refusal" ? "refusal" : "text");
      if (!part.ok()) message.adopt(part.error());
    }
  }
  if (joined.find('\0') != std::string::npos) message.add_error("content", fmt::format("'{}' has a NUL character", message.path_of("content")));
  return joined;
}

domain::ToolCall read_tool_call(const json::value& value, std::string path, ObjectReader& message) {
  ObjectReader reader(value, std::move(path));
  domain::ToolCall call{.id = reader.required_string("id"), .name = {}, .arguments = {}};
  const std::string type = reader.string("type").value_or("function");
  if (reader.ok() && type != "function") reader.add_error("type", fmt::format("'{}' must be 'function'", reader.path_of("type")));
  if (!reader.has("function")) reader.add_error("function", fmt::format("'{}' is required", reader.path_of("function")));
  if (const json::value* function = reader.find("function")) {
    ObjectReader inner(*function, reader.path_of("function"));
    call.name = inner.required_string("name");
    call.arguments = inner.required_string("arguments");
    if (inner.ok() && !is_tool_name(call.name))
      inner.add_error("name", fmt::format("'{}' must have 1 to {} letters, digits, '_' or '-'", inner.path_of("name"), domain::kToolNameBytesMax));
    if (inner.ok() && call.arguments.find('\0') != std::string::npos)
      inner.add_error("arguments", fmt::format("'{}' has a NUL character", inner.path_of("arguments")));
    if (!inner.ok()) reader.adopt(inner.error());
  }
  if (!reader.ok()) message.adopt(reader.error());
  return call;
}

void read_tool_calls(ObjectReader& message, domain::ChatMessage& out) {
  const json::array* calls = message.array("tool_calls");
  if (calls == nullptr || calls->empty()) return;
  if (out.role != "assistant") return message.add_error("tool_calls", fmt::format("'{}' is for assistants only", message.path_of("tool_calls")));
  if (std::cmp_greater(calls->size(), domain::kToolCallsMax))
    return message.add_error("tool_calls",
                             fmt::format("'{}' has {} entries, at most {} are allowed", message.path_of("tool_calls"), calls->size(), domain::kToolCallsMax));
  for (size_t i = 0; i < calls->size() && message.ok(); ++i)
    out.tool_calls.push_back(read_tool_call((*calls)[i], fmt::format("{}[{}]", message.path_of("tool_calls"), i), message));
}

// `open`: ids of calls whose results may still come.
domain::ChatMessage read_message(const json::value& value, std::string path, std::set<std::string>& open, ObjectReader& parent) {
  ObjectReader message(value, std::move(path));
  domain::ChatMessage out{.role = message.required_string("role"), .content = {}};
  static constexpr std::array kRoles = std::to_array<std::string_view>({"system", "developer", "user", "assistant", "tool"});
  if (message.ok() && std::find(kRoles.begin(), kRoles.end(), out.role) == kRoles.end())
    message.add_error("role", out.role == "function"
                                  ? fmt::format("'{}': the role 'function' went out of use: use 'tool' with 'tool_call_id'", message.path_of("role"))
                                  : fmt::format("'{}' must be one of system, developer, user, assistant and tool", message.path_of("role")));
  for (const std::string_view key : {"function_call", "audio"}) {
    const json::value* found = message.find(key);
    if (found != nullptr && !is_empty(*found)) message.add_error(key, fmt::format("'{}' is not supported: leave it out", message.path_of(key)));
  }
  read_tool_calls(message, out);
  const std::optional<std::string> refusal = message.string("refusal");
  out.content = read_content(message, out.role == "assistant" && (!out.tool_calls.empty() || refusal));
  if (out.content.empty() && refusal) out.content = *refusal;
  if (message.ok() && out.role == "tool") {
    out.tool_call_id = message.required_string("tool_call_id");
    if (message.ok() && open.erase(out.tool_call_id) == 0)
      message.add_error("tool_call_id", fmt::format("'{}': no assistant message before it has a tool call with this id that waits for its result",
                                                    message.path_of("tool_call_id")));
  } else if (message.ok()) {
    message.string("tool_call_id");
    open.clear();
    for (const domain::ToolCall& call : out.tool_calls)
      open.insert(call.id);
  }
  message.string("name");  // a label; its type is still checked
  if (!message.ok()) parent.adopt(message.error());
  return out;
}

}  // namespace

std::vector<domain::ChatMessage> read_messages(ObjectReader& reader) {
  std::vector<domain::ChatMessage> out;
  if (!reader.has("messages")) reader.add_error("messages", "'messages' is required");
  const json::array* messages = reader.array("messages");
  if (messages == nullptr) return out;
  if (messages->empty()) reader.add_error("messages", "'messages' must not be empty");
  if (messages->size() > domain::kMessagesMax) {
    reader.add_error("messages", fmt::format("'messages' has {} entries, at most {} are allowed", messages->size(), domain::kMessagesMax));
    return out;
  }
  std::set<std::string> open;
  for (size_t i = 0; i < messages->size() && reader.ok(); ++i)
    out.push_back(read_message((*messages)[i], fmt::format("messages[{}]", i), open, reader));
  return out;
}

}  // namespace ebb::wire
