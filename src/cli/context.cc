// From argv to an exit code.
#include "cli/context.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <vector>

#include "cli/complete.h"
#include "cli/http.h"
#include "cli/human.h"
#include "wire/spec.h"

namespace ebb::cli {

namespace {

// CLI11 would only say that an argument was not expected.
std::string unknown_command(const CLI::App& app, std::string_view word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({}))
    names.push_back(command->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string_view nearest = wire::nearest_word(word, known);
  const std::string advice = nearest.empty() ? "`ebb --help` lists them" : fmt::format("did you mean `ebb {}`?", nearest);
  return fmt::format("there is no command '{}': {}", printable(word), advice);
}

bool is_command(const CLI::App& app, const std::string& word) {
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_name() == word) return true;
  }
  return false;
}

// "ebb model add" of the innermost command that was named.
std::string command_path(const CLI::App& app) {
  std::string path = "ebb";
  const CLI::App* inner = &app;
  while (!inner->get_subcommands().empty()) {
    inner = inner->get_subcommands().back();
    path += " " + inner->get_name();
  }
  return path;
}

// CLI11 leaves an empty paragraph for options that are in no help.
std::string help_of(const CLI::App& app) {
  std::string text = app.help();
  for (size_t at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n"))
    text.erase(at, 1);
  return text.ends_with('\n') ? text : text + "\n";
}

int parse_failed(CLI::App& app, Context& context, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::CallForVersion*>(&error) != nullptr) {
    context.out.write(fmt::format("ebb {}\n", context.version));
    return kExitOk;
  }
  if (error.get_exit_code() == 0) {  // --help, which CLI11 treats as an error
    context.out.write(help_of(app));
    return kExitOk;
  }
  const std::string what = error.what();
  return report(
      context,
      Error{.kind = ErrorKind::kInvalid, .message = fmt::format("{}\nsee `{} --help`", printable(what), command_path(app)), .code = std::string(kUsage)});
}

}  // namespace

Context::Context(std::string version_of_program, const io::Clock& clock_of_program)
    : Context(std::move(version_of_program), clock_of_program, STDIN_FILENO, Output::of(STDOUT_FILENO), Output::of(STDERR_FILENO)) {}

Context::Context(std::string version_of_program, const io::Clock& clock_of_program, int in_fd, Output out_to, Output err_to)
    : version(std::move(version_of_program)), clock(clock_of_program), in(in_fd), out(out_to), err(err_to) {}

std::unexpected<Error> usage_error(std::string message) {
  return fail(Error{.kind = ErrorKind::kInvalid, .message = std::move(message), .code = std::string(kUsage)});
}

int report(Context& context, const Error& error) {
  if (error.kind == ErrorKind::kCancelled) return kExitInterrupted;
  std::string message = error.message;
  if (error.retry_after.count() > 0) message += fmt::format(" (try again in {})", human_time(error.retry_after));
  context.err.line(context.err.styled(Style::kRed, "error:") + " " + printable(message));
  if (error.code == kUsage) return kExitUsage;
  return error.code == kUnreachable ? kExitUnreachable : kExitFailed;
}

int run(CLI::App& app, Context& context, int argc, const char* const* argv) {
  if (const char* server = std::getenv("EBB_URL"); server != nullptr && *server != '\0') context.server = server;
  if (const char* key = std::getenv("EBB_KEY"); key != nullptr) context.key = key;
  if (const char* ca = std::getenv("EBB_CA"); ca != nullptr) context.ca = ca;
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words.front() == kCompleteCommand) return complete(app, context, {words.begin() + 1, words.end()});
  if (words.empty()) {
    context.err.write(help_of(app));
    return kExitUsage;
  }
  if (!words.front().starts_with('-') && !is_command(app, words.front())) {
    context.err.line(context.err.styled(Style::kRed, "error:") + " " + unknown_command(app, words.front()));
    return kExitUsage;
  }
  // CLI11 reports by exceptions: this is where they end.
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return parse_failed(app, context, error);
  }
  return context.action ? context.action() : kExitUsage;
}

}  // namespace ebb::cli
