// A search for markers, holding back what may be the beginning of one.
#include "engine_llama/generic_tools.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"

namespace ebb::engine_llama {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string tools_text(const domain::Chat& chat) {
  std::string out =
      "# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function signatures within <tools></tools> "
      "XML tags:\n<tools>";
  for (const domain::Tool& tool : chat.tools) {
    json::object function{{"name", tool.name}, {"description", tool.description}};
    // It was parsed before it came here; a schema that is none any more would be shown as text.
    const Result<json::value> parameters = parse_json(tool.parameters);
    function["parameters"] = parameters ? *parameters : json::value(tool.parameters);
    out += "\n" + json::serialize(json::object{{"type", "function"}, {"function", std::move(function)}});
  }
  out +=
      "\n</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n"
      "<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";
  return out;
}

std::string call_text(const domain::ToolCall& call) {
  return fmt::format("{}{}{}{}{}}}{}", kCallBegin, kNameBegin, call.name, kArgumentsBegin, call.arguments.empty() ? "{}" : call.arguments, kCallEnd);
}

std::string with_calls(const domain::ChatMessage& message) {
  std::string content = message.content;
  for (const domain::ToolCall& call : message.tool_calls)
    content += (content.empty() ? "" : "\n") + call_text(call);
  return content;
}

// The length of the longest end of `text` that begins `marker`.
size_t begun(std::string_view text, std::string_view marker) {
  for (size_t length = std::min(text.size(), marker.size()); length > 0; --length) {
    if (text.ends_with(marker.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::vector<domain::ChatMessage> without_tools(const domain::Chat& chat) {
  std::vector<domain::ChatMessage> out;
  bool results = false;  // the last message holds results of tools, and more may follow in it
  for (const domain::ChatMessage& message : chat.messages) {
    if (message.role == "tool") {
      const std::string result = fmt::format("<tool_response>\n{}\n</tool_response>", message.content);
      if (results) {
        out.back().content += "\n" + result;
      } else {
        out.push_back({.role = "user", .content = result});
      }
      results = true;
      continue;
    }
    results = false;
    out.push_back({.role = message.role, .content = with_calls(message)});
  }
  if (chat.tools.empty() || chat.tool_choice == domain::ToolChoice::kNone) return out;
  const bool has_system = !out.empty() && (out.front().role == "system" || out.front().role == "developer");
  if (!has_system) out.insert(out.begin(), {.role = "system", .content = ""});
  std::string& system = out.front().content;
  system += (system.empty() ? "" : "\n\n") + tools_text(chat);
  return out;
}

std::vector<domain::Text> GenericToolReader::add(std::string_view text) {
  held_ += text;
  std::vector<domain::Text> out;
  while (advance(out)) {
  }
  return out;
}

void GenericToolReader::give_text(std::string_view text, std::vector<domain::Text>& out) const {
  if (!text.empty() && !calls_only_) out.push_back({.text = std::string(text)});
}

void GenericToolReader::give_arguments(size_t bytes, std::vector<domain::Text>& out) {
  if (bytes == 0) return;
  arguments_.append(held_, 0, bytes);
  out.push_back({.text = held_.substr(0, bytes), .part = domain::Part::kToolCall, .tool_index = calls_ - 1});
  held_.erase(0, bytes);
}

bool GenericToolReader::advance(std::vector<domain::Text>& out) {
  if (in_ == In::kText) {
    const size_t begin = held_.find(kCallBegin);
    if (begin == std::string::npos) {
      // Blanks at the end may be those before a call, and go with it.
      const size_t marker = held_.size() - begun(held_, kCallBegin);
      const size_t last = std::string_view(held_).substr(0, marker).find_last_not_of(kBlanks);
      const size_t safe = last == std::string::npos ? 0 : last + 1;
      give_text(std::string_view(held_).substr(0, safe), out);
      held_.erase(0, safe);
      return false;
    }
    const size_t last = std::string_view(held_).substr(0, begin).find_last_not_of(kBlanks);
    if (last != std::string::npos) give_text(std::string_view(held_).substr(0, last + 1), out);
    held_.erase(0, begin + kCallBegin.size());
    in_ = In::kHead;
    return true;
  }
  if (in_ == In::kHead) {
    const std::string_view head = std::string_view(held_).substr(0, kNameBegin.size());
    if (!kNameBegin.starts_with(head)) {  // no grammar held the model to it: text that only looked like a call
      give_text(kCallBegin, out);
      in_ = In::kText;
      return true;
    }
    const size_t end = held_.find(kArgumentsBegin);
    if (end == std::string::npos || end <= kNameBegin.size()) return false;
    out.push_back({.part = domain::Part::kToolCall, .tool_index = calls_, .tool_name = held_.substr(kNameBegin.size(), end - kNameBegin.size())});
    ++calls_;
    arguments_.clear();
    held_.erase(0, end + kArgumentsBegin.size());
    in_ = In::kArguments;
    return true;
  }
  // A newline does not stand inside a JSON string, so the end cannot be part of an argument.
  static const std::string kEnd = "}" + std::string(kCallEnd);
  const size_t end = held_.find(kEnd);
  const size_t safe = end != std::string::npos ? end : held_.size() - begun(held_, kEnd);
  give_arguments(safe, out);
  if (end == std::string::npos) return false;
  held_.erase(0, kEnd.size());
  ++ended_;
  in_ = In::kText;
  return true;
}

std::vector<domain::Text> GenericToolReader::finish() {
  std::vector<domain::Text> out;
  if (in_ == In::kText && calls_ == 0) give_text(held_, out);
  // Cut off by the length limit. What is held begins like the end of a call; its brace is the arguments' own where they are not whole yet.
  if (in_ == In::kArguments && !held_.empty() && !parse_json(arguments_)) give_arguments(1, out);
  held_.clear();
  return out;
}

}  // namespace ebb::engine_llama
