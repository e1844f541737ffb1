// Both kinds answer alike, so one reader serves them.
#include "cli/stored.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <memory>

#include "cli/progress.h"

namespace ebb::cli {

namespace {

void add_adding(CLI::App& group, Context& context, const StoredKind& kind, const StoredCommands& commands, const std::shared_ptr<StoredOptions>& options) {
  CLI::App* const command = client_command(group, context, "add", commands.add.help);
  command->add_option("name", options->name, fmt::format("The {}'s name", kind.one))->type_name("NAME")->required();
  command->add_option("source", options->source, commands.source_text)->type_name(commands.source_type)->required();
  command->add_flag("--json", options->as_json, fmt::format("Print the {} as JSON", kind.one));
  set_action(command, context, [&context, options, add = commands.add.action](Server& server, Interrupt&) { return add(context, server, *options); });
}

void add_listing(CLI::App& group, Context& context, const StoredCommands& commands, const std::shared_ptr<StoredOptions>& options) {
  CLI::App* const command = client_command(group, context, "ls", commands.list.help);
  command->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(command, context, [&context, options, list = commands.list.action](Server& server, Interrupt&) { return list(context, server, *options); });
}

void add_ref(CLI::App* command, const StoredKind& kind, StoredOptions& options) {
  std::string type = kind.one;
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  command->add_option(kind.one, options.ref, fmt::format("Which {}", kind.one))->type_name(type)->required();
}

void add_showing(CLI::App& group, Context& context, const StoredKind& kind, const StoredCommands& commands, const std::shared_ptr<StoredOptions>& options) {
  CLI::App* const command = client_command(group, context, "show", commands.show.help);
  add_ref(command, kind, *options);
  command->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(command, context, [&context, options, show = commands.show.action](Server& server, Interrupt&) { return show(context, server, *options); });
}

Status remove(Context& context, Server& server, const StoredKind& kind, const std::string& ref) {
  if (const Status good = kind.check_ref(ref); !good) return usage_error(good.error().message);
  const Result<json::value> answer = server.remove(kind.path + "/" + url_encode(ref));
  if (!answer) return fail(answer.error());
  context.out.line(ref + " is removed");
  return {};
}

void add_removing(CLI::App& group, Context& context, const StoredKind& kind, const StoredCommands& commands, const std::shared_ptr<StoredOptions>& options) {
  CLI::App* const command = client_command(group, context, "rm", commands.remove);
  add_ref(command, kind, *options);
  set_action(command, context, [&context, options, kind](Server& server, Interrupt&) { return remove(context, server, kind, options->ref); });
}

}  // namespace

void add_stored_commands(CLI::App& app, Context& context, const StoredKind& kind, const StoredCommands& commands) {
  CLI::App* const group = plain_command(app, kind.one, commands.group);
  group->require_subcommand(1);
  // Shared with the callbacks, which the app keeps.
  const auto options = std::make_shared<StoredOptions>();
  add_adding(*group, context, kind, commands, options);
  add_listing(*group, context, commands, options);
  add_showing(*group, context, kind, commands, options);
  add_removing(*group, context, kind, commands, options);
}

Result<json::value> get_stored(Server& server, const StoredKind& kind, const std::string& ref) {
  if (const Status good = kind.check_ref(ref); !good) return usage_error(good.error().message);
  return server.get(kind.path + "/" + url_encode(ref));
}

Result<json::value> add_stored(Context& context, Server& server, const StoredKind& kind, const json::value& request) {
  ProgressBar bar(context.err);
  Result<json::value> outcome = fail(ErrorKind::kIo, fmt::format("the server ended before the {0} was added: `ebb {0} ls` shows what there is", kind.one));
  HttpRequest post{.method = "POST", .path = kind.path, .body = json::serialize(request), .time_max = milliseconds(0)};
  const auto response = server.stream(std::move(post), [&](std::string_view line) {
    const Result<json::value> value = parse_json(line);
    const json::object* const object = value ? value->if_object() : nullptr;
    if (object == nullptr) return true;
    if (const json::value* added = object->if_contains(kind.one)) outcome = *added;
    if (object->contains("error")) outcome = fail(error_of({.status = 200, .body = std::string(line)}));
    if (const Result<wire::ModelProgress> progress = wire::model_progress_from_json(*value))
      bar.update(printable(progress->phase), progress->done_bytes, progress->total_bytes, context.clock.mono());
    return true;
  });
  bar.clear();
  if (!response) return fail(response.error());
  return outcome;
}

void Facts::add(std::string name, std::string value) {
  if (!value.empty()) lines_.emplace_back(std::move(name), std::move(value));
}

void Facts::add_lines(const std::string& name, const std::vector<std::string>& values) {
  for (const std::string& value : values)
    lines_.emplace_back(&value == values.data() ? name : "", value);
}

void Facts::print(Output& out) const {
  for (const auto& [name, value] : lines_)
    out.line(fmt::format("{:<{}}{}", name, columns_, printable(value)));
}

}  // namespace ebb::cli
