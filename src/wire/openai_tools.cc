// Tools, the choice among them, and formats of answers.
#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"
#include "wire/openai_read.h"

namespace ebb::wire {

namespace {

constexpr std::string_view kNoArguments = R"({"type":"object","properties":{}})";
constexpr std::string_view kAnyObject = R"({"type":"object"})";

// `kind`: what may not be named otherwise, for the error.
std::string read_name(ObjectReader& reader) {
  std::string name = reader.required_string("name");
  if (reader.ok() && !is_tool_name(name))
    reader.add_error("name", fmt::format("'{}' must have 1 to {} letters, digits, '_' or '-'", reader.path_of("name"), domain::kToolNameBytesMax));
  return name;
}

std::string read_description(ObjectReader& reader) {
  std::string description = reader.string("description").value_or("");
  if (description.size() > domain::kToolDescriptionBytesMax)
    reader.add_error("description", fmt::format("'{}' has over {} bytes", reader.path_of("description"), domain::kToolDescriptionBytesMax));
  if (description.find('\0') != std::string::npos) reader.add_error("description", fmt::format("'{}' has a NUL character", reader.path_of("description")));
  return description;
}

// The schema's text, prepared (see there for "strict"); `otherwise` where there is none.
std::string read_schema(ObjectReader& reader, std::string_view key, std::string_view otherwise) {
  const bool strict = reader.boolean("strict").value_or(false);
  const json::value* schema = reader.find(key);
  if (schema == nullptr) return std::string(otherwise);
  const std::string path = reader.path_of(key);
  if (!schema->is_object()) {
    reader.add_error(key, fmt::format("'{}' must be an object: a JSON schema", path));
    return {};
  }
  json::value prepared = *schema;
  if (const Status fine = prepare_schema(prepared, path, strict); !fine) {
    reader.add_error(key, fine.error().message);
    return {};
  }
  return json::serialize(prepared);
}

domain::Tool read_tool(const json::value& value, std::string path, ObjectReader& parent) {
  ObjectReader reader(value, std::move(path));
  domain::Tool tool;
  const std::string type = reader.required_string("type");
  if (reader.ok() && type != "function")
    reader.add_error("type", fmt::format("'{}' must be 'function': tools of type '{}' are not supported", reader.path_of("type"), type.substr(0, 32)));
  if (reader.ok() && !reader.has("function")) reader.add_error("function", fmt::format("'{}' is required", reader.path_of("function")));
  if (const json::value* function = reader.find("function"); function != nullptr && reader.ok()) {
    ObjectReader inner(*function, reader.path_of("function"));
    tool.name = read_name(inner);
    tool.description = read_description(inner);
    tool.parameters = read_schema(inner, "parameters", kNoArguments);
    if (tool.parameters == "{}") tool.parameters = kNoArguments;
    if (!inner.ok()) reader.adopt(inner.error());
  }
  if (!reader.ok()) parent.adopt(reader.error());
  return tool;
}

// The name in {"type": "function", "function": {"name": …}}.
std::string read_reference(const json::value& value, std::string path, ObjectReader& parent) {
  ObjectReader reader(value, std::move(path));
  const std::string type = reader.string("type").value_or("function");
  if (reader.ok() && type != "function") reader.add_error("type", fmt::format("'{}' must be 'function'", reader.path_of("type")));
  std::string name;
  if (!reader.has("function")) reader.add_error("function", fmt::format("'{}' is required", reader.path_of("function")));
  if (const json::value* function = reader.find("function")) {
    ObjectReader inner(*function, reader.path_of("function"));
    name = inner.required_string("name");
    if (!inner.ok()) reader.adopt(inner.error());
  }
  if (!reader.ok()) parent.adopt(reader.error());
  return name;
}

domain::ToolChoice read_mode(ObjectReader& reader, std::string_view key, std::string_view word) {
  if (word == "none") return domain::ToolChoice::kNone;
  if (word == "auto") return domain::ToolChoice::kAuto;
  if (word == "required") return domain::ToolChoice::kRequired;
  reader.add_error(key, fmt::format("'{}' must be none, auto, required, or an object that names tools", reader.path_of(key)));
  return domain::ToolChoice::kNone;
}

// Only these remain; each must be there.
void keep_tools(ObjectReader& reader, domain::Chat& chat, const std::vector<std::string>& names) {
  std::vector<domain::Tool> kept;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(chat.tools, name, &domain::Tool::name);
    if (found == chat.tools.end())
      return reader.add_error("tool_choice", fmt::format("'tool_choice' names '{}', which is not among 'tools'", name.substr(0, 64)));
    kept.push_back(*found);
  }
  chat.tools = std::move(kept);
}

void read_allowed(ObjectReader& reader, const json::value& allowed, domain::Chat& chat) {
  ObjectReader inner(allowed, "tool_choice.allowed_tools");
  const std::string mode = inner.required_string("mode");
  if (inner.ok() && mode != "auto" && mode != "required") inner.add_error("mode", "'tool_choice.allowed_tools.mode' must be auto or required");
  std::vector<std::string> names;
  if (!inner.has("tools")) inner.add_error("tools", "'tool_choice.allowed_tools.tools' is required");
  if (const json::array* tools = inner.array("tools")) {
    for (size_t i = 0; i < tools->size() && inner.ok(); ++i)
      names.push_back(read_reference((*tools)[i], fmt::format("tool_choice.allowed_tools.tools[{}]", i), inner));
    if (tools->empty()) inner.add_error("tools", "'tool_choice.allowed_tools.tools' must not be empty");
  }
  if (!inner.ok()) return reader.adopt(inner.error());
  chat.tool_choice = read_mode(reader, "tool_choice", mode);
  keep_tools(reader, chat, names);
}

void read_choice(ObjectReader& reader, domain::Chat& chat, bool& named) {
  const json::value* choice = reader.find("tool_choice");
  if (choice == nullptr) return;
  if (choice->is_string()) {
    chat.tool_choice = read_mode(reader, "tool_choice", choice->get_string());
  } else {
    ObjectReader inner(*choice, "tool_choice");
    const std::string type = inner.required_string("type");
    if (!inner.ok()) return reader.adopt(inner.error());
    if (type == "allowed_tools") {
      if (!inner.has("allowed_tools")) return reader.add_error("tool_choice", "'tool_choice.allowed_tools' is required");
      read_allowed(reader, *inner.find("allowed_tools"), chat);
    } else {
      const std::string name = read_reference(*choice, "tool_choice", reader);
      if (!reader.ok()) return;
      chat.tool_choice = domain::ToolChoice::kRequired;
      named = true;
      keep_tools(reader, chat, {name});
    }
  }
  if (reader.ok() && chat.tool_choice == domain::ToolChoice::kRequired && chat.tools.empty())
    reader.add_error("tool_choice", "'tool_choice' asks for a call, but 'tools' is empty");
}

}  // namespace

bool is_tool_name(std::string_view name) {
  return !name.empty() && name.size() <= domain::kToolNameBytesMax &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

void read_tools(ObjectReader& reader, domain::Chat& chat, bool& named) {
  if (const json::array* tools = reader.array("tools")) {
    if (tools->size() > domain::kToolsMax)
      return reader.add_error("tools", fmt::format("'tools' has {} entries, at most {} are allowed", tools->size(), domain::kToolsMax));
    size_t bytes = 0;
    for (size_t i = 0; i < tools->size() && reader.ok(); ++i) {
      domain::Tool tool = read_tool((*tools)[i], fmt::format("tools[{}]", i), reader);
      bytes += tool.parameters.size();
      if (bytes > domain::kSchemaBytesMax) reader.add_error("tools", fmt::format("'tools' have over {} bytes of parameters", domain::kSchemaBytesMax));
      if (std::ranges::find(chat.tools, tool.name, &domain::Tool::name) != chat.tools.end())
        reader.add_error("tools", fmt::format("'tools[{}]': there are two tools with the name '{}'", i, tool.name));
      chat.tools.push_back(std::move(tool));
    }
  }
  if (reader.ok()) read_choice(reader, chat, named);
  chat.parallel_tool_calls = reader.boolean("parallel_tool_calls").value_or(true);
  // A named tool is called once.
  if (named) chat.parallel_tool_calls = false;
}

void read_response_format(ObjectReader& reader, domain::Chat& chat) {
  const json::value* format = reader.find("response_format");
  if (format == nullptr) return;
  ObjectReader inner(*format, "response_format");
  const std::string type = inner.required_string("type");
  if (inner.ok()) {
    if (type == "json_object") {
      chat.json_schema = kAnyObject;
    } else if (type == "json_schema") {
      if (!inner.has("json_schema")) inner.add_error("json_schema", "'response_format.json_schema' is required");
      if (const json::value* schema = inner.find("json_schema")) {
        ObjectReader named(*schema, "response_format.json_schema");
        read_name(named);
        read_description(named);
        chat.json_schema = read_schema(named, "schema", kAnyObject);
        if (!named.ok()) inner.adopt(named.error());
      }
    } else if (type != "text") {
      inner.add_error("type", "'response_format.type' must be text, json_object or json_schema");
    }
  }
  if (!inner.ok()) reader.adopt(inner.error());
}

}  // namespace ebb::wire
