// What becomes of each field of each route of OpenAI's API: the tables that decide it, and that docs/openai.md is written from.
//
// Every field that the API documents either is honoured or is refused by name, so that no caller believes in an effect that is not there. Fields
// outside the API, and fields that only advise, are accepted and named in the answer's header Ebb-Ignored.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace ebb::wire {

enum class Rule {
  kHonoured,
  kLabel,    // says something about the caller, asks for nothing
  kAdvice,   // passed over, and the caller is told
  kNeutral,  // would have an effect that is not there: refused by name, unless its value asks for what happens anyway
};

struct Field {
  std::string_view name;
  Rule rule;
  std::string_view note;  // for the table of the docs
};

std::span<const Field> chat_fields();
std::span<const Field> completion_fields();
std::span<const Field> response_fields();
std::span<const Field> embedding_fields();

// Refuses by name what is kNeutral and not neutral; adds what is passed over to `ignored`.
void check_fields(ObjectReader& reader, const json::object& object, std::span<const Field> fields, std::vector<std::string>& ignored);

}  // namespace ebb::wire
