// Ollama's HTTP dialect, as far as its clients use it to run models: chats and generation in, one JSON object for each line out. Pure.
//
// Source: the API document of the Ollama project (docs/api.md, 2026). Pulling, pushing and creating models are Ebb's own commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/model.h"
#include "wire/answer.h"

namespace ebb::wire {

// The bodies of POST /api/chat and /api/generate. Error: kInvalid with the path of the field as param.
Result<Asked> ask_ollama_chat(std::string_view body);
Result<Asked> ask_ollama_generate(std::string_view body);

// The bodies of POST /api/embed (one text or several) and of its predecessor /api/embeddings (one, as `prompt`). Texts that are too long are cut only
// where `truncate` asks for it.
Result<Asked> ask_ollama_embed(std::string_view body);
Result<Asked> ask_ollama_embeddings(std::string_view body);

// What asks for nothing but that a model be loaded: a chat without messages, an empty prompt, no input. Endpoints wake with their first call, so that it
// is answered at once.
enum class OllamaRoute { kChat, kGenerate, kEmbed };
struct OllamaLoad {
  std::string endpoint;
  std::string answer;  // the body
};
// nullopt: the body asks for more, or is wrong.
std::optional<OllamaLoad> ollama_load(std::string_view body, OllamaRoute route, WallTime now);

// {"error": "…"}
std::string ollama_error(const Error& error);

// "details" of a model, in /api/tags and /api/show.
json::object ollama_details(const domain::ModelFacts& facts);

}  // namespace ebb::wire
