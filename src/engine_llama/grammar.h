// Grammars that hold a model to JSON: of a schema, or of calls of tools in the form of generic_tools.h. By the library's converter.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/call.h"
#include "engine_llama/schedule.h"

namespace ebb::engine_llama {

struct Grammar {
  // What switches on a grammar that is not there from the start; in the library's words (common_grammar_trigger_type).
  struct Trigger {
    enum class Kind { kToken, kWord, kPattern, kPatternFull } kind = Kind::kWord;
    std::string value = {};
    Token token = -1;
  };
  std::string text;   // GBNF; empty: none
  std::string param;  // what the caller asked it by, for an error
  bool lazy = false;
  std::vector<Trigger> triggers = {};
  std::string generation_prompt = {};  // what the template put there already of the answer that the grammar describes
  std::set<Token> preserved = {};      // control tokens whose text is part of the answer
};

// Error kInvalid with param "response_format": no grammar can be made of the schema.
Result<Grammar> grammar_of_schema(const std::string& json_schema);

// kAuto: begins with the first call; kRequired: nothing but calls, or, with a json_schema, calls or JSON. Error kInvalid with param "tools".
Result<Grammar> grammar_of_tools(const domain::Chat& chat);

}  // namespace ebb::engine_llama
