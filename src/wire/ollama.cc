// Requests into calls.
#include "wire/ollama.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <span>

#include "domain/limits.h"
#include "wire/ollama_writer.h"
#include "wire/openai_read.h"
#include "wire/time_text.h"

namespace ebb::wire {

namespace {

constexpr double kTemperature = 0.8;
constexpr double kTopP = 0.9;
constexpr int kTopK = 40;
constexpr double kRepeatPenalty = 1.1;

// The rest is passed over: how a model is loaded is the endpoint's matter, and other samplers are not there.
constexpr std::array kOptionsRead = std::to_array<std::string_view>(
    {"temperature", "top_p", "top_k", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty", "seed", "num_predict", "stop"});
constexpr std::array kKnown = std::to_array<std::string_view>({"model", "messages", "prompt", "system", "raw", "stream", "format", "options", "tools",
                                                               "keep_alive", "template", "suffix", "images", "context", "logprobs", "top_logprobs"});

// How a model is loaded is the endpoint's matter: `options` has no effect here.
constexpr std::array kKnownOfVectors = std::to_array<std::string_view>({"model", "input", "prompt", "truncate", "dimensions", "keep_alive"});

void read_options(ObjectReader& reader, domain::Sampling& sampling, std::vector<std::string>& ignored) {
  sampling.temperature = kTemperature;
  sampling.top_p = kTopP;
  sampling.top_k = kTopK;
  sampling.repeat_penalty = kRepeatPenalty;
  const json::object* options = reader.object("options");
  if (options == nullptr) return;
  ObjectReader inner(*reader.find("options"), "options");
  sampling.temperature = inner.number("temperature", 0, 100).value_or(kTemperature);
  sampling.top_p = inner.number("top_p", 0, 1).value_or(kTopP);
  sampling.top_k = static_cast<int>(inner.integer("top_k", 0, std::numeric_limits<int>::max()).value_or(kTopK));
  sampling.min_p = inner.number("min_p", 0, 1).value_or(0);
  sampling.repeat_penalty = inner.number("repeat_penalty", 0.01, 10).value_or(kRepeatPenalty);
  sampling.presence_penalty = inner.number("presence_penalty", -2, 2).value_or(0);
  sampling.frequency_penalty = inner.number("frequency_penalty", -2, 2).value_or(0);
  sampling.seed = inner.integer("seed", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  // -1 and -2: as long as it goes.
  const auto length = inner.integer("num_predict", -2, domain::kContextTokensMax);
  if (length && *length == 0) inner.add_error("num_predict", "'options.num_predict' must be positive, or -1 for as long as it goes");
  if (length && *length > 0) sampling.max_tokens = length;
  read_stop(inner, sampling);
  for (const auto& option : *options) {
    if (!option.value().is_null() && std::ranges::find(kOptionsRead, std::string_view(option.key())) == kOptionsRead.end() && ignored.size() < kIgnoredMax &&
        option.key().size() <= 64 && is_tool_name(option.key()))
      ignored.push_back(fmt::format("options.{}", std::string_view(option.key())));
  }
  if (!inner.ok()) reader.adopt(inner.error());
}

// "json", or a schema.
void read_json_format(ObjectReader& reader, domain::Chat& chat) {
  const json::value* format = reader.find("format");
  if (format == nullptr || (format->is_string() && format->get_string().empty())) return;
  if (format->is_string() && format->get_string() == "json") {
    chat.json_schema = R"({"type":"object"})";
  } else if (format->is_object()) {
    json::value schema = *format;
    if (const Status fine = prepare_schema(schema, "format", false); !fine) return reader.add_error("format", fine.error().message);
    chat.json_schema = json::serialize(schema);
  } else {
    reader.add_error("format", "'format' must be \"json\" or a JSON schema");
  }
}

// Arguments are an object here, and text everywhere else.
void read_tool_calls(ObjectReader& message, domain::ChatMessage& out, size_t position) {
  const json::array* calls = message.array("tool_calls");
  if (calls == nullptr) return;
  if (std::cmp_greater(calls->size(), domain::kToolCallsMax)) return message.add_error("tool_calls", "there are too many 'tool_calls'");
  for (size_t i = 0; i < calls->size() && message.ok(); ++i) {
    ObjectReader call((*calls)[i], fmt::format("{}[{}]", message.path_of("tool_calls"), i));
    const json::value* function = call.find("function");
    if (function == nullptr) {
      call.add_error("function", fmt::format("'{}' is required", call.path_of("function")));
    } else {
      ObjectReader inner(*function, call.path_of("function"));
      domain::ToolCall read{.id = call.string("id").value_or(fmt::format("call_{}_{}", position, i)), .name = inner.required_string("name"), .arguments = "{}"};
      if (inner.ok() && !is_tool_name(read.name)) inner.add_error("name", fmt::format("'{}' is no name of a tool", inner.path_of("name")));
      if (const json::value* arguments = inner.find("arguments")) read.arguments = json::serialize(*arguments);
      if (!inner.ok()) call.adopt(inner.error());
      out.tool_calls.push_back(std::move(read));
    }
    if (!call.ok()) message.adopt(call.error());
  }
}

void refuse_images(ObjectReader& reader) {
  const json::array* images = reader.array("images");
  if (images != nullptr && !images->empty()) reader.add_error("images", fmt::format("'{}': the model takes text only", reader.path_of("images")));
}

std::string text_of(ObjectReader& reader, std::string_view key) {
  std::string text = reader.string(key).value_or("");
  if (text.find('\0') != std::string::npos) reader.add_error(key, fmt::format("'{}' has a NUL character", reader.path_of(key)));
  return text;
}

// Which call of the last assistant's a result belongs to: by its id, by the tool's name, or in order.
std::string call_of_result(ObjectReader& result, const std::vector<domain::ChatMessage>& before, std::set<std::string>& answered) {
  std::string id = result.string("tool_call_id").value_or("");
  const std::string name = result.string("tool_name").value_or("");
  const auto asked = std::ranges::find_if(before.rbegin(), before.rend(), [](const auto& one) { return one.role == "assistant"; });
  if (!id.empty() || asked == before.rend()) return id;
  const auto open = [&](const domain::ToolCall& call) { return !answered.contains(call.id); };
  auto found = std::ranges::find_if(asked->tool_calls, [&](const domain::ToolCall& call) { return open(call) && call.name == name; });
  if (found == asked->tool_calls.end()) found = std::ranges::find_if(asked->tool_calls, open);
  if (found == asked->tool_calls.end()) return {};
  answered.insert(found->id);
  return found->id;
}

void read_messages_of_ollama(ObjectReader& reader, domain::Chat& chat) {
  const json::array* messages = reader.array("messages");
  if (messages == nullptr || messages->empty()) return reader.add_error("messages", "'messages' is required and must not be empty");
  if (messages->size() > domain::kMessagesMax)
    return reader.add_error("messages", fmt::format("'messages' has {} entries, at most {} are allowed", messages->size(), domain::kMessagesMax));
  std::set<std::string> results;  // of the last assistant's calls
  for (size_t i = 0; i < messages->size() && reader.ok(); ++i) {
    ObjectReader message((*messages)[i], fmt::format("messages[{}]", i));
    domain::ChatMessage out{.role = message.required_string("role"), .content = text_of(message, "content")};
    const bool known = out.role == "system" || out.role == "user" || out.role == "assistant" || out.role == "tool";
    if (message.ok() && !known) message.add_error("role", fmt::format("'{}' must be one of system, user, assistant and tool", message.path_of("role")));
    refuse_images(message);
    if (out.role == "assistant") {
      read_tool_calls(message, out, i);
      results.clear();
    }
    if (out.role == "tool") out.tool_call_id = call_of_result(message, chat.messages, results);
    chat.messages.push_back(std::move(out));
    if (!message.ok()) reader.adopt(message.error());
  }
}

// "chat:latest" is how clients write a name without a tag.
std::string read_name(ObjectReader& reader) {
  std::string name = read_model(reader);
  constexpr std::string_view kLatest = ":latest";
  if (name.ends_with(kLatest)) name.resize(name.size() - kLatest.size());
  return name;
}

struct Request {
  domain::Call call;
  bool stream = true;
  std::vector<std::string> ignored;
};

// What is not known there has no effect, and the caller is told.
void add_ignored(const json::object& body, std::span<const std::string_view> known, std::vector<std::string>& ignored) {
  for (const auto& field : body) {
    if (!field.value().is_null() && std::ranges::find(known, std::string_view(field.key())) == known.end() && ignored.size() < kIgnoredMax &&
        is_tool_name(field.key()))
      ignored.emplace_back(field.key());
  }
}

void read_common(ObjectReader& reader, const json::object& body, Request& request) {
  request.call.endpoint = read_name(reader);
  request.stream = reader.boolean("stream").value_or(true);
  read_options(reader, request.call.sampling, request.ignored);
  if (reader.boolean("logprobs").value_or(false)) reader.add_error("logprobs", "'logprobs' is not supported here: /v1/chat/completions has them");
  if (const json::value* alone = reader.find("template"); alone != nullptr && !(alone->is_string() && alone->get_string().empty()))
    reader.add_error("template", "'template' is not supported: the model's own is used");
  add_ignored(body, kKnown, request.ignored);
}

Asked asked_for_vectors(domain::Call call, const json::object& body, OllamaVectors form) {
  Asked asked{.calls = {}, .ignored = {}, .writer = ollama_vector_writer(form)};
  add_ignored(body, kKnownOfVectors, asked.ignored);
  asked.calls.push_back(std::move(call));
  return asked;
}

Asked asked_of(Request request, OllamaForm form) {
  Asked asked{.calls = {}, .stream = request.stream, .ignored = std::move(request.ignored), .writer = ollama_writer(form)};
  asked.calls.push_back(std::move(request.call));
  return asked;
}

// Absent, or of length 0.
bool is_empty(const json::value* value) {
  if (value == nullptr) return true;
  return (value->is_string() && value->get_string().empty()) || (value->is_array() && value->get_array().empty());
}

}  // namespace

std::optional<OllamaLoad> ollama_load(std::string_view body, OllamaRoute route, WallTime now) {
  const Result<json::value> value = parse_json(body);
  if (!value) return std::nullopt;
  ObjectReader reader(*value, "");
  if (!reader.ok()) return std::nullopt;
  const std::string name = read_name(reader);
  const std::string_view what = route == OllamaRoute::kChat ? "messages" : route == OllamaRoute::kGenerate ? "prompt" : "input";
  if (!reader.ok() || !is_empty(reader.find(what))) return std::nullopt;
  if (route == OllamaRoute::kEmbed)
    return OllamaLoad{.endpoint = name, .answer = json::serialize(json::object{{"model", name}, {"embeddings", json::array{}}}) + "\n"};
  json::object out{{"model", name}, {"created_at", format_time(now)}, {"done", true}, {"done_reason", "load"}};
  if (route == OllamaRoute::kChat) {
    out["message"] = json::object{{"role", "assistant"}, {"content", ""}};
  } else {
    out["response"] = "";
  }
  return OllamaLoad{.endpoint = name, .answer = json::serialize(out) + "\n"};
}

Result<Asked> ask_ollama_chat(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  Request request;
  domain::Chat chat;
  read_common(reader, value->get_object(), request);
  read_messages_of_ollama(reader, chat);
  bool named = false;
  if (reader.ok()) read_tools(reader, ToolForm::kNested, chat, named);
  if (reader.ok()) read_json_format(reader, chat);
  if (!reader.ok()) return fail(reader.error());
  request.call.input = std::move(chat);
  return asked_of(std::move(request), OllamaForm::kChat);
}

Result<Asked> ask_ollama_embed(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  domain::Call call;
  domain::Texts texts;
  call.endpoint = read_name(reader);
  texts.inputs = read_prompts(reader, "input", domain::kInputsMax);
  texts.dimensions = reader.integer("dimensions", 1, domain::kVectorValuesMax);
  texts.cut_to_fit = reader.boolean("truncate").value_or(false);
  if (!reader.ok()) return fail(reader.error());
  call.input = std::move(texts);
  return asked_for_vectors(std::move(call), value->get_object(), OllamaVectors::kSeveral);
}

Result<Asked> ask_ollama_embeddings(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  domain::Call call;
  call.endpoint = read_name(reader);
  domain::Texts texts{.inputs = {{.text = text_of(reader, "prompt")}}};
  if (!reader.ok()) return fail(reader.error());
  call.input = std::move(texts);
  return asked_for_vectors(std::move(call), value->get_object(), OllamaVectors::kOne);
}

Result<Asked> ask_ollama_generate(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  Request request;
  read_common(reader, value->get_object(), request);
  refuse_images(reader);
  if (const auto suffix = reader.string("suffix"); suffix && !suffix->empty())
    reader.add_error("suffix", "'suffix' is not supported: the models here continue text");
  if (const json::array* context = reader.array("context"); context != nullptr && !context->empty())
    reader.add_error("context", "'context' is not supported: send the conversation to /api/chat");
  const std::string prompt = text_of(reader, "prompt");
  const std::string system = text_of(reader, "system");
  if (reader.boolean("raw").value_or(false)) {
    if (reader.has("format")) reader.add_error("format", "'format' is not supported with 'raw': true");
    if (!system.empty()) reader.add_error("system", "'system' has no place in a raw prompt");
    request.call.input = domain::Prompt{.text = prompt};
  } else {
    domain::Chat chat;
    if (!system.empty()) chat.messages.push_back({.role = "system", .content = system});
    chat.messages.push_back({.role = "user", .content = prompt});
    if (reader.ok()) read_json_format(reader, chat);
    request.call.input = std::move(chat);
  }
  if (!reader.ok()) return fail(reader.error());
  return asked_of(std::move(request), OllamaForm::kGenerate);
}

}  // namespace ebb::wire
