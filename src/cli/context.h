// What every command is given, and the way from a command line to an exit code.
//
// main builds an app and a context, adds commands, and calls run:
//
//   CLI::App app;
//   Context context(version, clock);
//   add_commands(app, context);                 // all client commands
//   … own commands: their callback sets context.action …
//   return run(app, context, argc, argv);
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/output.h"
#include "io/clock.h"

namespace CLI {
class App;
}

namespace ebb::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;       // the server refused or failed, or something on this machine did
inline constexpr int kExitUsage = 2;        // the command line, or a file that it names, is wrong
inline constexpr int kExitUnreachable = 3;  // no server answers
inline constexpr int kExitInterrupted = 130;

inline constexpr std::string_view kDefaultServer = "http://127.0.0.1:8390";

struct Context {
  // The process's own descriptors.
  Context(std::string version_of_program, const io::Clock& clock_of_program);
  // Others, for tests.
  Context(std::string version_of_program, const io::Clock& clock_of_program, int in_fd, Output out_to, Output err_to);

  std::string version;
  const io::Clock& clock;
  int in;
  Output out;
  Output err;
  std::string server{kDefaultServer};
  std::string key;  // EBB_KEY; empty: none is sent
  std::string ca;   // who signs the server's certificate; empty: whom the system trusts
  // What the command line asked for; returns the exit code. Set by a command's callback, run after parsing.
  std::function<int()> action;
};

// Parses and acts. Never throws; prints help, errors and advice.
int run(CLI::App& app, Context& context, int argc, const char* const* argv);

// "error: …" in red on stderr, and the exit code that the error stands for.
int report(Context& context, const Error& error);

// An error of the command line: exit code 2.
[[nodiscard]] std::unexpected<Error> usage_error(std::string message);

}  // namespace ebb::cli
