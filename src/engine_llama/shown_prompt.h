// What a prompt is for the model, token by token, as the events of a call that asks for nothing else.
#pragma once

#include <span>
#include <vector>

#include "engine/engine.h"
#include "engine_llama/loaded_model.h"

namespace ebb::engine_llama {

// All events of the call. Error kInvalid: the prompt is too long to be shown.
Result<std::vector<engine::StepEvent>> shown_prompt(CallId call, const LoadedModel& model, std::span<const Token> prompt);

}  // namespace ebb::engine_llama
