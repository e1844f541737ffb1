// `ebb template` and `ebb tokenize`: what the model really sees.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/server.h"
#include "cli/table.h"

namespace ebb::cli {

namespace {

struct TemplateOptions {
  std::string endpoint;
  std::string message;
  std::string system;
  bool as_json = false;
};

struct TokenizeOptions {
  std::string endpoint;
  std::string text;
  bool as_json = false;
};

// What is shown of a token: blanks and control characters would not be seen.
std::string visible(std::string_view text) { return printable(json::serialize(json::value(text))); }

Status show_template(Context& context, Server& server, const TemplateOptions& options) {
  json::array messages;
  if (!options.system.empty()) messages.push_back({{"role", "system"}, {"content", options.system}});
  messages.push_back({{"role", "user"}, {"content", options.message}});
  const Result<json::value> answer = server.post(endpoint_path(options.endpoint) + "/prompt", json::object{{"messages", std::move(messages)}});
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  ObjectReader reader(*answer, "");
  const std::string text = reader.required_string("text");
  const int64_t tokens = reader.integer("prompt_tokens", 0, INT64_MAX).value_or(0);
  if (!reader.ok()) return fail(reader.error().with_context(kNoSense));
  context.out.line(printable(text));
  context.err.line(fmt::format("{} tokens", tokens));
  return {};
}

Status tokenize(Context& context, Server& server, const TokenizeOptions& options) {
  const Result<json::value> answer = server.post(endpoint_path(options.endpoint) + "/prompt", json::object{{"prompt", options.text}});
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  ObjectReader reader(*answer, "");
  const json::array* tokens = reader.array("tokens");
  if (tokens == nullptr) return fail(ErrorKind::kInternal, std::string(kNoSense));
  Table table({{"TOKEN", Align::kRight}, {"TEXT"}});
  for (const json::value& token : *tokens) {
    ObjectReader one(token, "tokens");
    const int64_t id = one.integer("id", 0, INT64_MAX).value_or(0);
    table.add({{fmt::format("{}", id)}, {visible(one.string("text").value_or(""))}});
  }
  context.out.write(table.render(context.out));
  context.err.line(fmt::format("{} tokens", tokens->size()));
  return {};
}

}  // namespace

void add_template(CLI::App& app, Context& context) {
  CLI::App* const command =
      client_command(app, context, "template",
                     {.summary = "Show a message as the model gets it: the prompt by its chat template.",
                      .details = "Nothing is generated; the endpoint wakes for it, and it is billed like any call.",
                      .example = "  ebb template chat \"Why is the sky blue?\"\n  ebb template chat \"Hi\" --system \"Be brief.\" --json"});
  // Shared with the callback, which the app keeps.
  const auto options = std::make_shared<TemplateOptions>();
  command->add_option("endpoint", options->endpoint, "Which endpoint")->type_name("ENDPOINT")->required();
  command->add_option("message", options->message, "What the user says")->type_name("TEXT")->required();
  command->add_option("--system", options->system, "A system message before it")->type_name("TEXT");
  command->add_flag("--json", options->as_json, "Print the server's answer as JSON, with every token");
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return show_template(context, server, *options); });
}

void add_tokenize(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(app, context, "tokenize",
                                           {.summary = "Cut a text into the model's tokens.",
                                            .details = "As /v1/completions would take it, with what the vocabulary puts before every text.",
                                            .example = "  ebb tokenize chat \"Hello there\"\n  ebb tokenize chat \"Hello there\" --json"});
  const auto options = std::make_shared<TokenizeOptions>();
  command->add_option("endpoint", options->endpoint, "Which endpoint")->type_name("ENDPOINT")->required();
  command->add_option("text", options->text, "The text")->type_name("TEXT")->required();
  command->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return tokenize(context, server, *options); });
}

}  // namespace ebb::cli
