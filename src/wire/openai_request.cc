// POST /v1/chat/completions into a call; what its parts look like is in openai_messages.cc and openai_tools.cc.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "domain/limits.h"
#include "wire/openai.h"
#include "wire/openai_fields.h"
#include "wire/openai_read.h"

namespace ebb::wire {

namespace {

// Names are shorter; more would only be carried around to be quoted in an error.
constexpr size_t kModelBytesMax = 256;

void read_logit_bias(ObjectReader& reader, domain::Sampling& sampling) {
  const json::object* biases = reader.object("logit_bias");
  if (biases == nullptr) return;
  if (biases->size() > domain::kLogitBiasMax)
    return reader.add_error("logit_bias", fmt::format("'logit_bias' has {} entries, at most {} are allowed", biases->size(), domain::kLogitBiasMax));
  ObjectReader inner(*reader.find("logit_bias"), "logit_bias");
  for (const auto& member : *biases) {
    const std::string_view key = member.key();
    int32_t token = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    if (error != std::errc{} || end != key.data() + key.size() || token < 0)
      return reader.add_error("logit_bias", fmt::format("'logit_bias' has the key '{}', which is no token id", key.substr(0, 32)));
    const std::optional<double> bias = inner.number(key, -100, 100);
    if (!inner.ok()) return reader.adopt(inner.error());
    if (bias) sampling.logit_bias[token] = *bias;
  }
}

void read_length(ObjectReader& reader, domain::Sampling& sampling) {
  const auto old_name = reader.integer("max_tokens", 1, domain::kContextTokensMax);
  const auto new_name = reader.integer("max_completion_tokens", 1, domain::kContextTokensMax);
  if (old_name && new_name && *old_name != *new_name) reader.add_error("max_tokens", "'max_tokens' and 'max_completion_tokens' differ: give one of them");
  sampling.max_tokens = new_name ? new_name : old_name;
}

}  // namespace

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
  const std::string path = reader.path_of("stop");
  if (!stop->is_array()) return add(*stop, path);
  const json::array& list = stop->get_array();
  if (list.size() > domain::kStopStringsMax)
    return reader.add_error("stop", fmt::format("'{}' has {} strings, at most {} are allowed", path, list.size(), domain::kStopStringsMax));
  for (size_t i = 0; i < list.size(); ++i)
    add(list[i], fmt::format("{}[{}]", path, i));
}

void read_sampling(ObjectReader& reader, domain::Sampling& sampling) {
  sampling.temperature = reader.number("temperature", 0, 2).value_or(1.0);
  sampling.top_p = reader.number("top_p", 0, 1).value_or(1.0);
  sampling.presence_penalty = reader.number("presence_penalty", -2, 2).value_or(0);
  sampling.frequency_penalty = reader.number("frequency_penalty", -2, 2).value_or(0);
  sampling.seed = reader.integer("seed", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  read_logit_bias(reader, sampling);
  read_stop(reader, sampling);
}

void read_logprobs(ObjectReader& reader, domain::Sampling& sampling) {
  const bool wanted = reader.boolean("logprobs").value_or(false);
  const auto top = reader.integer("top_logprobs", 0, domain::kTopLogprobsMax);
  if (top && *top > 0 && !wanted) reader.add_error("top_logprobs", "'top_logprobs' is allowed only with 'logprobs': true");
  if (wanted) sampling.top_logprobs = static_cast<int>(top.value_or(0));
}

void read_streaming(ObjectReader& reader, bool& stream, bool& include_usage) {
  stream = reader.boolean("stream").value_or(false);
  const json::value* options = reader.find("stream_options");
  if (options == nullptr) return;
  if (!stream) reader.add_error("stream_options", "'stream_options' is allowed only with 'stream': true");
  ObjectReader inner(*options, "stream_options");
  include_usage = inner.boolean("include_usage").value_or(false);
  inner.boolean("include_obfuscation");
  if (!inner.ok()) reader.adopt(inner.error());
}

std::string read_model(ObjectReader& reader) {
  std::string model = reader.required_string("model");
  if (reader.ok() && model.empty()) reader.add_error("model", "'model' is empty: give the name of an endpoint");
  if (model.size() > kModelBytesMax) reader.add_error("model", fmt::format("'model' has over {} bytes: no endpoint has such a name", kModelBytesMax));
  return model;
}

int64_t read_choices(ObjectReader& reader, std::string_view key, size_t bytes) {
  const int64_t choices = reader.integer(key, 1, domain::kChoicesMax).value_or(1);
  if (choices > 1 && bytes > domain::kChoicesBytesMax / static_cast<size_t>(choices))
    reader.add_error(key, fmt::format("'{}' of {} is too many for a request of {} KiB: each choice holds its own copy", key, choices, bytes / 1024));
  return choices;
}

std::vector<domain::Call> choices_of(const domain::Call& call, int64_t count) {
  std::vector<domain::Call> calls(static_cast<size_t>(count), call);
  uint64_t step = 0;
  for (domain::Call& each : calls) {
    if (each.sampling.seed) each.sampling.seed = static_cast<int64_t>(static_cast<uint64_t>(*each.sampling.seed) + step);
    ++step;
  }
  return calls;
}

Result<ChatRequest> parse_chat(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  ChatRequest request;
  domain::Chat chat;
  request.call.endpoint = read_model(reader);
  chat.messages = read_messages(reader);
  if (reader.ok()) read_tools(reader, ToolForm::kNested, chat, request.names_a_tool);
  if (const json::value* format = reader.find("response_format"); format != nullptr && reader.ok())
    read_format(*format, "response_format", ToolForm::kNested, chat, reader);
  request.call.input = std::move(chat);
  read_length(reader, request.call.sampling);
  read_sampling(reader, request.call.sampling);
  read_logprobs(reader, request.call.sampling);
  request.choices = read_choices(reader, "n", body.size());
  read_streaming(reader, request.stream, request.include_usage);
  check_fields(reader, value->get_object(), chat_fields(), request.ignored);
  if (!reader.ok()) return fail(reader.error());
  return request;
}

}  // namespace ebb::wire
