// What a model really sees of a request: the prompt by its template, token by token. Ebb's own route; the worker renders, and generates nothing.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/answer.h"

namespace ebb::wire {

// A chat's body, or {"prompt": text or tokens}, without "model"; what it would take beyond the prompt is of no matter. The answer:
// {"prompt_tokens", "text", "tokens": [{"id", "text"}]}. Error: as parse_chat and parse_completion.
Result<Asked> ask_prompt_view(std::string_view body, const std::string& endpoint);

// A worker's answer to it: tokens and their spellings, as JSON in pieces of text.
std::string encode_shown_tokens(const std::vector<std::pair<int32_t, std::string>>& tokens);

}  // namespace ebb::wire
