// What `ebb model` and `ebb image` have in common: things that the server keeps under names with versions, and the four commands on them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/server.h"

namespace ebb::cli {

struct StoredKind {
  std::string one;                               // "model": its key in an answer, and its word in help
  std::string path;                              // "/ebb/v1/models"
  Status (*check_ref)(const std::string& text);  // error: it is neither NAME nor NAME@VERSION
};

// What the command line says of one; `ref` where it is there already, `name` and `source` where it is to be added.
struct StoredOptions {
  std::string name;
  std::string source;
  std::string ref;
  bool as_json = false;
};

// What a kind has of its own.
struct StoredCommands {
  using Action = Status (*)(Context&, Server&, const StoredOptions&);
  struct Command {
    Help help;
    Action action;
  };
  Help group;
  Command add;
  std::string source_type;  // "PATH|URL"
  std::string source_text;
  Command list;
  Command show;
  Help remove;
};
void add_stored_commands(CLI::App& app, Context& context, const StoredKind& kind, const StoredCommands& commands);

// What the server says of one that is there. Error: of the command line (nothing was sent), or the server's.
Result<json::value> get_stored(Server& server, const StoredKind& kind, const std::string& ref);
// Adds what `request` says, with progress on stderr; the answer is what the server then says of it. Error: the server's.
Result<json::value> add_stored(Context& context, Server& server, const StoredKind& kind, const json::value& request);

// What is known of one, a line each: "format        GGUF". What would steer a terminal is left out.
class Facts {
 public:
  // `columns`: where values begin.
  explicit Facts(size_t columns) : columns_(columns) {}
  // Nothing if the value is empty.
  void add(std::string name, std::string value);
  // A line for each value, the name before the first.
  void add_lines(const std::string& name, const std::vector<std::string>& values);
  void print(Output& out) const;

 private:
  size_t columns_;
  std::vector<std::pair<std::string, std::string>> lines_;
};

}  // namespace ebb::cli
