// Tokens and their spellings in one piece of text.
#include "engine_llama/shown_prompt.h"

#include <fmt/format.h>

#include <utility>

#include "domain/limits.h"
#include "wire/prompt_view.h"

namespace ebb::engine_llama {

using Kind = engine::StepEvent::Kind;

Result<std::vector<engine::StepEvent>> shown_prompt(CallId call, const LoadedModel& model, std::span<const Token> prompt) {
  std::vector<std::pair<int32_t, std::string>> tokens;
  for (const Token token : prompt)
    tokens.emplace_back(token, model.text_of(token, true));
  const auto count = static_cast<int64_t>(prompt.size());
  std::string text = wire::encode_shown_tokens(tokens);
  // It goes out in one step, and has to fit where answers wait for their reader.
  if (text.size() > domain::kStreamBufferBytesMax / 2)
    return fail(ErrorKind::kInvalid, fmt::format("The prompt has {} tokens: that is too long to be shown", count), "messages");
  std::vector<engine::StepEvent> events;
  events.push_back({.call = call, .kind = Kind::kStarted, .prompt_tokens = count});
  events.push_back({.call = call, .kind = Kind::kText, .text = {.text = std::move(text)}});
  events.push_back({.call = call, .kind = Kind::kFinished, .prompt_tokens = count});
  return events;
}

}  // namespace ebb::engine_llama
