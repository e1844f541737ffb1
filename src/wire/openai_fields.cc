// The tables.
#include "wire/openai_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "wire/openai.h"

namespace ebb::wire {

namespace {

constexpr std::array kChatFields = std::to_array<Field>({
    {"model", Rule::kHonoured, "the endpoint's name"},
    {"messages", Rule::kHonoured, "roles system, developer, user, assistant, tool; content as a string or text parts; images, audio and files are refused"},
    {"max_completion_tokens", Rule::kHonoured, ""},
    {"max_tokens", Rule::kHonoured, "the older name"},
    {"temperature", Rule::kHonoured, "0 to 2; 0 is greedy"},
    {"top_p", Rule::kHonoured, "0 to 1"},
    {"n", Rule::kHonoured, "1 to 128; each choice is a call of its own, with the seed plus its index"},
    {"stop", Rule::kHonoured, "up to 4 strings"},
    {"seed", Rule::kHonoured, "the same seed and prompt give the same text, whatever is cached"},
    {"presence_penalty", Rule::kHonoured, "-2 to 2"},
    {"frequency_penalty", Rule::kHonoured, "-2 to 2"},
    {"logit_bias", Rule::kHonoured, "-100 to 100, for up to 1,024 tokens of the model's vocabulary"},
    {"logprobs", Rule::kHonoured, ""},
    {"top_logprobs", Rule::kHonoured, "0 to 20, with logprobs"},
    {"stream", Rule::kHonoured, ""},
    {"stream_options", Rule::kHonoured, "include_usage; include_obfuscation is accepted without effect"},
    {"response_format", Rule::kHonoured, "text, json_object, json_schema; held to by a grammar"},
    {"tools", Rule::kHonoured, "type function; parameters are held to by a grammar"},
    {"tool_choice", Rule::kHonoured, "none, auto, required, a named function, allowed_tools"},
    {"parallel_tool_calls", Rule::kHonoured, ""},
    {"user", Rule::kLabel, ""},
    {"safety_identifier", Rule::kLabel, ""},
    {"metadata", Rule::kLabel, ""},
    {"prompt_cache_key", Rule::kLabel, "beginnings of prompts are reused without it"},
    {"prompt_cache_options", Rule::kAdvice, ""},
    {"prompt_cache_retention", Rule::kAdvice, ""},
    {"store", Rule::kAdvice, "nothing is stored"},
    {"service_tier", Rule::kAdvice, ""},
    {"reasoning_effort", Rule::kAdvice, ""},
    {"verbosity", Rule::kAdvice, ""},
    {"functions", Rule::kNeutral, "went out of use: tools"},
    {"function_call", Rule::kNeutral, "went out of use: tool_choice"},
    {"modalities", Rule::kNeutral, "text only"},
    {"audio", Rule::kNeutral, ""},
    {"moderation", Rule::kNeutral, "there is none"},
    {"prediction", Rule::kNeutral, ""},
    {"web_search_options", Rule::kNeutral, ""},
});

constexpr std::array kCompletionFields = std::to_array<Field>({
    {"model", Rule::kHonoured, "the endpoint's name"},
    {"prompt", Rule::kHonoured, "a string, an array of strings, tokens, or arrays of tokens; continued as it stands, without a chat template"},
    {"max_tokens", Rule::kHonoured, "16 where nothing is said"},
    {"temperature", Rule::kHonoured, "0 to 2; 0 is greedy"},
    {"top_p", Rule::kHonoured, "0 to 1"},
    {"n", Rule::kHonoured, "prompts times n: up to 128"},
    {"best_of", Rule::kHonoured, "the n likeliest by mean log probability; not streamed"},
    {"echo", Rule::kHonoured, "for prompts of text, without logprobs"},
    {"logprobs", Rule::kHonoured, "0 to 5"},
    {"stop", Rule::kHonoured, "up to 4 strings"},
    {"seed", Rule::kHonoured, ""},
    {"presence_penalty", Rule::kHonoured, "-2 to 2"},
    {"frequency_penalty", Rule::kHonoured, "-2 to 2"},
    {"logit_bias", Rule::kHonoured, "-100 to 100"},
    {"stream", Rule::kHonoured, ""},
    {"stream_options", Rule::kHonoured, "include_usage"},
    {"user", Rule::kLabel, ""},
    {"suffix", Rule::kNeutral, "the models here continue text, they do not fill it in"},
});

constexpr std::array kResponseFields = std::to_array<Field>({
    {"model", Rule::kHonoured, "the endpoint's name"},
    {"input", Rule::kHonoured, "a string, or messages, function calls and their outputs; reasoning items are passed over; item references are refused"},
    {"instructions", Rule::kHonoured, ""},
    {"max_output_tokens", Rule::kHonoured, "at least 16"},
    {"temperature", Rule::kHonoured, "0 to 2; 0 is greedy"},
    {"top_p", Rule::kHonoured, "0 to 1"},
    {"top_logprobs", Rule::kHonoured, "0 to 20, with include message.output_text.logprobs"},
    {"include", Rule::kHonoured, "message.output_text.logprobs; others are passed over"},
    {"tools", Rule::kHonoured, "type function; built-in tools are refused"},
    {"tool_choice", Rule::kHonoured, "none, auto, required, a named function, allowed_tools"},
    {"parallel_tool_calls", Rule::kHonoured, ""},
    {"text", Rule::kHonoured, "format: text, json_object, json_schema"},
    {"stream", Rule::kHonoured, ""},
    {"stream_options", Rule::kLabel, "include_obfuscation is accepted without effect"},
    {"truncation", Rule::kNeutral, "a prompt is never cut silently"},
    {"previous_response_id", Rule::kNeutral, "this server keeps no responses: send the conversation in 'input'"},
    {"conversation", Rule::kNeutral, "this server keeps no conversations: send it in 'input'"},
    {"background", Rule::kNeutral, ""},
    {"background_options", Rule::kNeutral, ""},
    {"context_management", Rule::kNeutral, "a prompt is never cut silently"},
    {"image", Rule::kNeutral, "text only"},
    {"access_programs", Rule::kNeutral, ""},
    {"moderation", Rule::kNeutral, "there is none"},
    {"prompt", Rule::kNeutral, "this server keeps no prompts"},
    {"max_tool_calls", Rule::kNeutral, "of built-in tools, which there are none"},
    {"metadata", Rule::kLabel, "given back"},
    {"user", Rule::kLabel, ""},
    {"safety_identifier", Rule::kLabel, ""},
    {"prompt_cache_key", Rule::kLabel, ""},
    {"prompt_cache_options", Rule::kAdvice, ""},
    {"prompt_cache_retention", Rule::kAdvice, ""},
    {"store", Rule::kAdvice, "nothing is stored"},
    {"service_tier", Rule::kAdvice, ""},
    {"reasoning", Rule::kAdvice, ""},
});

constexpr std::array kEmbeddingFields = std::to_array<Field>({
    {"model", Rule::kHonoured, "the endpoint's name; its model must be one that gives vectors"},
    {"input", Rule::kHonoured, "a string, an array of up to 2048 strings, tokens, or arrays of tokens; none empty"},
    {"encoding_format", Rule::kHonoured, "float or base64 (float32, little endian)"},
    {"dimensions", Rule::kHonoured, "the first so many values, scaled to length 1 again; at most the model's own"},
    {"user", Rule::kLabel, ""},
});

bool is_word(const json::value& value, std::string_view word) { return value.is_string() && value.get_string() == word; }
bool is_empty(const json::value& value) { return (value.is_array() && value.get_array().empty()) || (value.is_object() && value.get_object().empty()); }

// Whether a kNeutral field asks for what happens anyway.
bool is_neutral(std::string_view name, const json::value& value) {
  if (name == "suffix") return is_word(value, "");
  if (name == "truncation") return is_word(value, "disabled");
  if (name == "background") return value.is_bool() && !value.get_bool();
  if (name == "functions") return is_empty(value);
  if (name == "function_call") return is_word(value, "none") || is_word(value, "auto");
  if (name == "modalities") return value.is_array() && value.get_array().size() == 1 && is_word(value.get_array()[0], "text");
  return false;
}

bool is_printable(std::string_view name) {
  return name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 127 && c != ',' && c != '"'; });
}

}  // namespace

std::span<const Field> chat_fields() { return kChatFields; }
std::span<const Field> completion_fields() { return kCompletionFields; }
std::span<const Field> response_fields() { return kResponseFields; }
std::span<const Field> embedding_fields() { return kEmbeddingFields; }

void check_fields(ObjectReader& reader, const json::object& object, std::span<const Field> fields, std::vector<std::string>& ignored) {
  for (const auto& field : object) {
    const std::string_view name = field.key();
    if (field.value().is_null()) continue;
    const auto known = std::ranges::find(fields, name, &Field::name);
    if (known == fields.end() || known->rule == Rule::kAdvice) {
      if (ignored.size() < kIgnoredMax && is_printable(name)) ignored.emplace_back(name);
    } else if (known->rule == Rule::kNeutral && !is_neutral(name, field.value())) {
      reader.add_error(name, fmt::format("'{}' is not supported: leave it out{}", name, known->note.empty() ? "" : fmt::format(" ({})", known->note)));
    }
  }
}

}  // namespace ebb::wire
