// Answers in Ollama's dialect. Private to wire/.
#pragma once

#include <memory>

#include "wire/answer.h"

namespace ebb::wire {

enum class OllamaForm { kChat, kGenerate };
std::unique_ptr<AnswerWriter> ollama_writer(OllamaForm form);

enum class OllamaVectors { kSeveral, kOne };
std::unique_ptr<AnswerWriter> ollama_vector_writer(OllamaVectors form);

}  // namespace ebb::wire
