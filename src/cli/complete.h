// Shell completion: the scripts for bash, zsh and fish call `ebb __complete WORDS…` and print what it says, so that what is completed is
// always what the program understands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"

namespace ebb::cli {

inline constexpr std::string_view kCompleteCommand = "__complete";

enum class Names { kNone, kEndpoints, kModels, kImages };

struct Candidates {
  std::vector<std::pair<std::string, std::string>> words;  // with a description, that may be empty
  Names names = Names::kNone;                              // of these the server knows more
  bool files = false;
};

// What may stand in place of the last of `words` (which come after "ebb"; the last may be empty). Only what begins like it. Pure.
Candidates candidates_for(const CLI::App& app, const std::vector<std::string>& words);

// Prints candidates, one "word<TAB>description" a line, and ":files" if files may follow. Asks the server for names, for 300 ms at most.
int complete(const CLI::App& app, Context& context, const std::vector<std::string>& words);

// The script for a shell, or empty for one that is not known.
std::string_view completion_script(std::string_view shell);

}  // namespace ebb::cli
