// Parts of answers that several routes of OpenAI's API share. Private to wire/.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "wire/answer.h"

namespace ebb::wire {

std::string_view finish_word(domain::FinishReason reason);
json::object usage_object(const AnswerUsage& usage);
json::value logprobs_object(const std::vector<domain::TokenLogprob>& logprobs);
json::array tool_calls_array(const std::vector<domain::ToolCall>& calls);

}  // namespace ebb::wire
