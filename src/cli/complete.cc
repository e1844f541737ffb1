// Candidates by walking the app's own commands and options; an option's type name says what its value may be.
#include "cli/complete.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/server.h"

namespace ebb::cli {

namespace {

constexpr milliseconds kNamesTimeMax{300};

const CLI::Option* option_of(const CLI::App& command, std::string_view word) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string dashed(word);
    if (word.size() > 1 && word.front() == '-' && option->check_name(dashed)) return option;
  }
  return nullptr;
}

const CLI::App* command_of(const CLI::App& command, std::string_view word) {
  for (const CLI::App* inner : command.get_subcommands({})) {
    if (inner->get_name() == word) return inner;
  }
  return nullptr;
}

const CLI::Option* positional_of(const CLI::App& command, size_t index) {
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    if (index == 0 || option->get_items_expected_max() > 1) return option;
    --index;
  }
  return nullptr;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

void add_word(Candidates& found, std::string_view current, std::string word, std::string description) {
  if (word.starts_with(current)) found.words.emplace_back(std::move(word), std::move(description));
}

// "ENDPOINT", "PATH|MODEL", "bash|zsh|fish": capitals name a kind, small letters are the values themselves.
void add_values(Candidates& found, std::string_view current, std::string_view type) {
  while (!type.empty()) {
    const size_t bar = std::min(type.find('|'), type.size());
    const std::string_view part = type.substr(0, bar);
    type.remove_prefix(std::min(bar + 1, type.size()));
    if (part == "ENDPOINT") found.names = Names::kEndpoints;
    if (part == "MODEL") found.names = Names::kModels;
    if (part == "IMAGE") found.names = Names::kImages;
    if (part == "FILE" || part == "PATH") found.files = true;
    if (!part.empty() && part.front() >= 'a' && part.front() <= 'z') add_word(found, current, std::string(part), "");
  }
}

void add_options(Candidates& found, std::string_view current, const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames())
      add_word(found, current, "--" + name, option->get_description());
    for (const std::string& name : option->get_snames())
      add_word(found, current, "-" + name, option->get_description());
  }
}

void add_names(Candidates& found, std::string_view current, Context& context) {
  Interrupt interrupt;
  Server server(context, interrupt);
  const std::string kind = found.names == Names::kModels ? "model" : found.names == Names::kImages ? "image" : "endpoint";
  const Result<json::value> answer = server.get(fmt::format("/ebb/v1/{}s", kind), kNamesTimeMax);
  if (!answer) return;  // a Tab without a server completes less
  std::vector<std::string> names;
  if (const json::object* object = answer->if_object()) {
    const json::value* list = object->if_contains(kind + "s");
    for (const json::value& element : list != nullptr && list->is_array() ? list->get_array() : json::array())
      names.push_back(ObjectReader(element, "").string("name").value_or(""));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());  // versions of one
  for (std::string& name : names)
    add_word(found, current, std::move(name), kind);
}

}  // namespace

Candidates candidates_for(const CLI::App& app, const std::vector<std::string>& words) {
  Candidates found;
  const std::string current = words.empty() ? "" : words.back();
  const CLI::App* command = &app;
  const CLI::Option* awaiting = nullptr;  // its value comes next
  size_t positionals = 0;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (awaiting != nullptr) {
      awaiting = nullptr;
    } else if (words[i].starts_with('-')) {
      const CLI::Option* option = option_of(*command, words[i]);
      if (option != nullptr && takes_value(*option)) awaiting = option;
    } else if (const CLI::App* inner = command_of(*command, words[i])) {
      command = inner;
      positionals = 0;
    } else {
      ++positionals;
    }
  }
  if (awaiting != nullptr) {
    add_values(found, current, awaiting->get_type_name());
  } else if (current.starts_with('-')) {
    add_options(found, current, *command);
  } else {
    for (const CLI::App* inner : command->get_subcommands({}))
      add_word(found, current, inner->get_name(), inner->get_description());
    if (const CLI::Option* option = positional_of(*command, positionals)) add_values(found, current, option->get_type_name());
  }
  return found;
}

int complete(const CLI::App& app, Context& context, const std::vector<std::string>& words) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--server") context.server = words[i + 1];
    if (words[i] == "--ca") context.ca = words[i + 1];
  }
  Candidates found = candidates_for(app, words);
  if (found.names != Names::kNone) add_names(found, words.empty() ? "" : words.back(), context);
  std::string text;
  for (const auto& [word, description] : found.words)
    text += fmt::format("{}\t{}\n", word, description);
  if (found.files) text += ":files\n";
  context.out.write(text);
  return kExitOk;
}

}  // namespace ebb::cli
