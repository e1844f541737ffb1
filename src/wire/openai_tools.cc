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

// What describes a function: inside "function" in chats, in the tool itself in responses.
void read_function(ObjectReader& reader, domain::Tool& tool) {
  tool.name = read_name(reader);
  tool.description = read_description(reader);
  tool.parameters = read_schema(reader, "parameters", kNoArguments);
  if (tool.parameters == "{}") tool.parameters = kNoArguments;
}

// Reads what stands in "function" (nested), or in the object itself.
template <class Read>
void in_function(ObjectReader& reader, ToolForm form, Read read) {
  if (form == ToolForm::kFlat) return read(reader);
  if (!reader.has("function")) reader.add_error("function", fmt::format("'{}' is required", reader.path_of("function")));
  const json::value* function = reader.find("function");
  if (function == nullptr) return;
  ObjectReader inner(*function, reader.path_of("function"));
  read(inner);
  if (!inner.ok()) reader.adopt(inner.error());
}

domain::Tool read_tool(const json::value& value, std::string path, ToolForm form, ObjectReader& parent) {
  ObjectReader reader(value, std::move(path));
  domain::Tool tool;
  const std::string type = reader.required_string("type");
  if (reader.ok() && type != "function")
    reader.add_error("type", fmt::format("'{}' must be 'function': tools of type '{}' are not supported", reader.path_of("type"), type.substr(0, 32)));
  if (reader.ok()) in_function(reader, form, [&tool](ObjectReader& inner) { read_function(inner, tool); });
  if (!reader.ok()) parent.adopt(reader.error());
  return tool;
}

// The name in {"type": "function", …}.
std::string read_reference(const json::value& value, std::string path, ToolForm form, ObjectReader& parent) {
  ObjectReader reader(value, std::move(path));
  const std::string type = reader.string("type").value_or("function");
  if (reader.ok() && type != "function") reader.add_error("type", fmt::format("'{}' must be 'function'", reader.path_of("type")));
  std::string name;
  in_function(reader, form, [&name](ObjectReader& inner) { name = inner.required_string("name"); });
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

// {"mode", "tools"}: one level deeper in chats than in responses.
void read_allowed(ObjectReader& reader, const json::value& allowed, std::string path, ToolForm form, domain::Chat& chat) {
  ObjectReader inner(allowed, std::move(path));
  const std::string mode = inner.required_string("mode");
  if (inner.ok() && mode != "auto" && mode != "required") inner.add_error("mode", fmt::format("'{}' must be auto or required", inner.path_of("mode")));
  std::vector<std::string> names;
  if (!inner.has("tools")) inner.add_error("tools", fmt::format("'{}' is required", inner.path_of("tools")));
  if (const json::array* tools = inner.array("tools")) {
    for (size_t i = 0; i < tools->size() && inner.ok(); ++i)
      names.push_back(read_reference((*tools)[i], fmt::format("{}[{}]", inner.path_of("tools"), i), form, inner));
    if (tools->empty()) inner.add_error("tools", fmt::format("'{}' must not be empty", inner.path_of("tools")));
  }
  if (!inner.ok()) return reader.adopt(inner.error());
  chat.tool_choice = read_mode(reader, "tool_choice", mode);
  keep_tools(reader, chat, names);
}

void read_choice(ObjectReader& reader, ToolForm form, domain::Chat& chat, bool& named) {
  const json::value* choice = reader.find("tool_choice");
  if (choice == nullptr) return;
  if (choice->is_string()) {
    chat.tool_choice = read_mode(reader, "tool_choice", choice->get_string());
  } else {
    ObjectReader inner(*choice, "tool_choice");
    const std::string type = inner.required_string("type");
    if (!inner.ok()) return reader.adopt(inner.error());
    if (type == "allowed_tools") {
      const json::value* allowed = form == ToolForm::kFlat ? choice : inner.find("allowed_tools");
      if (allowed == nullptr) return reader.add_error("tool_choice", "'tool_choice.allowed_tools' is required");
      read_allowed(reader, *allowed, form == ToolForm::kFlat ? "tool_choice" : "tool_choice.allowed_tools", form, chat);
    } else {
      const std::string name = read_reference(*choice, "tool_choice", form, reader);
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

void read_tools(ObjectReader& reader, ToolForm form, domain::Chat& chat, bool& named) {
  if (const json::array* tools = reader.array("tools")) {
    if (tools->size() > domain::kToolsMax)
      return reader.add_error("tools", fmt::format("'tools' has {} entries, at most {} are allowed", tools->size(), domain::kToolsMax));
    size_t bytes = 0;
    for (size_t i = 0; i < tools->size() && reader.ok(); ++i) {
      domain::Tool tool = read_tool((*tools)[i], fmt::format("tools[{}]", i), form, reader);
      bytes += tool.parameters.size();
      if (bytes > domain::kSchemaBytesMax) reader.add_error("tools", fmt::format("'tools' have over {} bytes of parameters", domain::kSchemaBytesMax));
      if (std::ranges::find(chat.tools, tool.name, &domain::Tool::name) != chat.tools.end())
        reader.add_error("tools", fmt::format("'tools[{}]': there are two tools with the name '{}'", i, tool.name));
      chat.tools.push_back(std::move(tool));
    }
  }
  if (reader.ok()) read_choice(reader, form, chat, named);
  chat.parallel_tool_calls = reader.boolean("parallel_tool_calls").value_or(true);
  // A named tool is called once.
  if (named) chat.parallel_tool_calls = false;
}

void read_format(const json::value& format, std::string path, ToolForm form, domain::Chat& chat, ObjectReader& parent) {
  ObjectReader reader(format, std::move(path));
  const std::string type = reader.required_string("type");
  const auto read_named = [&chat](ObjectReader& named) {
    read_name(named);
    read_description(named);
    chat.json_schema = read_schema(named, "schema", kAnyObject);
  };
  if (!reader.ok() || type == "text") {
  } else if (type == "json_object") {
    chat.json_schema = kAnyObject;
  } else if (type != "json_schema") {
    reader.add_error("type", fmt::format("'{}' must be text, json_object or json_schema", reader.path_of("type")));
  } else if (form == ToolForm::kFlat) {
    read_named(reader);
  } else if (const json::value* schema = reader.find("json_schema")) {
    ObjectReader named(*schema, reader.path_of("json_schema"));
    read_named(named);
    if (!named.ok()) reader.adopt(named.error());
  } else {
    reader.add_error("json_schema", fmt::format("'{}' is required", reader.path_of("json_schema")));
  }
  if (!reader.ok()) parent.adopt(reader.error());
}

}  // namespace ebb::wire
