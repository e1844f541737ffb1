// `ebb price ls | show | set | rm | preset`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "cli/spec_file.h"
#include "cli/table.h"
#include "domain/price_presets.h"
#include "wire/price_json.h"

namespace ebb::cli {

namespace {

constexpr const char* kPath = "/ebb/v1/prices";

struct PriceOptions {
  std::string file;
  std::string from;
  std::string preset;
  std::optional<int64_t> version;
  bool as_json = false;
};

Result<std::vector<wire::PriceRow>> rows_of(Server& server) {
  const Result<json::value> answer = server.get(kPath);
  if (!answer) return fail(answer.error());
  return Server::rows_of<wire::PriceRow>(*answer, "prices", wire::price_row_from_json);
}

// As `ebb price set` reads it: YAML with a line for each field. A list's own moment is over once it is in force.
void print_document(Context& context, const domain::PriceList& list) {
  for (const auto& [key, value] : wire::document_of(list)) {
    const bool nothing = (value.is_array() && value.get_array().empty()) || (value.is_string() && value.get_string().empty());
    if (key != "from" && !nothing) context.out.line(fmt::format("{}: {}", std::string_view(key), json::serialize(value)));
  }
}

std::string run_price(const domain::PriceList& list) {
  const domain::RunPrices& prices = list.steps.front().per_gib_second;
  const auto [least, most] = std::ranges::minmax(prices);
  return least == most ? domain::format_money(most) : fmt::format("{} to {}", domain::format_money(least), domain::format_money(most));
}

std::string free_words(const domain::Use& free) {
  std::vector<std::string> parts;
  const auto add = [&](int64_t amount, std::string_view unit) {
    if (amount > 0) parts.push_back(fmt::format("{} {}", amount, unit));
  };
  add(free.mib_ms / domain::kMibMsPerGibSecond, "GiB-s");
  add(free.calls, "calls");
  add(free.prompt_tokens, "prompt tokens");
  add(free.completion_tokens, "answer tokens");
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, ", "));
}

Status list(Context& context, Server& server, const PriceOptions& options) {
  if (options.as_json) {
    const Result<json::value> answer = server.get(kPath);
    return answer ? print_json(context, *answer) : fail(answer.error());
  }
  const Result<std::vector<wire::PriceRow>> rows = rows_of(server);
  if (!rows) return fail(rows.error());
  using Row = wire::PriceRow;
  const auto million = [](domain::Pico token) { return domain::format_money(domain::saturated_product(token, 1'000'000)); };
  const std::string currency = rows->empty() ? "" : rows->front().list.currency;
  std::vector<Field<Row>> fields = {
      {{"VERSION", Align::kRight},
       [](const Row& row) {
         return Cell{std::to_string(row.list.version), Style::kBold};
       }},
      {{"STATE"}, [](const Row& row) { return Cell{row.state == "in_force"  ? "in force"
                                                   : row.state == "to_come" ? "to come"
                                                                            : "over"}; }},
      {{"FROM"}, [](const Row& row) { return Cell{row.list.version == 0 ? "the settings" : local_time(row.list.from).substr(0, 19)}; }},
      {{currency + " GIB-SECOND", Align::kRight}, [](const Row& row) { return Cell{run_price(row.list)}; }},
      {{"CALL", Align::kRight}, [](const Row& row) { return Cell{domain::format_money(row.list.per_call)}; }}};
  if (std::ranges::any_of(*rows, [](const Row& row) { return row.list.counts_tokens(); })) {
    fields.push_back({{"MILLION PROMPT TOKENS", Align::kRight}, [=](const Row& row) { return Cell{million(row.list.per_prompt_token)}; }});
    fields.push_back({{"ANSWER TOKENS", Align::kRight}, [=](const Row& row) { return Cell{million(row.list.per_completion_token)}; }});
  }
  fields.push_back({{"STEPS", Align::kRight}, [](const Row& row) { return Cell{row.list.steps.size() == 1 ? "-" : std::to_string(row.list.steps.size())}; }});
  fields.push_back({{"FREE EACH MONTH"}, [](const Row& row) { return Cell{free_words(row.list.free)}; }});
  fields.push_back({{"NOTE"}, [](const Row& row) { return Cell{printable(row.list.note)}; }});
  context.out.write(render_rows(fields, *rows, context.out));
  return {};
}

Status show(Context& context, Server& server, const PriceOptions& options) {
  const Result<std::vector<wire::PriceRow>> rows = rows_of(server);
  if (!rows) return fail(rows.error());
  const auto found =
      std::ranges::find_if(*rows, [&](const wire::PriceRow& row) { return options.version ? row.list.version == *options.version : row.state == "in_force"; });
  if (found == rows->end()) return fail(ErrorKind::kNotFound, fmt::format("there is no price list {}: `ebb price ls` lists them", options.version.value_or(0)));
  print_document(context, found->list);
  return {};
}

Status set_one(Context& context, Server& server, const PriceOptions& options) {
  Result<SpecFile> file = read_spec_file(options.file);
  if (!file) return fail(file.error());
  if (!options.from.empty()) file->spec["from"] = options.from;
  const Result<json::value> answer = server.post(kPath, file->spec);
  if (!answer) return fail(at_line(*file, answer.error()));
  const Result<wire::PriceRow> row = wire::price_row_from_json(*answer);
  if (!row) return fail(row.error().with_context(kNoSense));
  context.out.line(
      row->state == "in_force"
          ? fmt::format("price list {} is in force: calls that come from now on pay by it, those that were accepted before do not", row->list.version)
          : fmt::format("price list {} will be in force from {} on", row->list.version, local_time(row->list.from)));
  return {};
}

Status remove_one(Context& context, Server& server, const PriceOptions& options) {
  const Result<json::value> answer = server.remove(fmt::format("{}/{}", kPath, *options.version));
  if (!answer) return fail(answer.error());
  context.out.line(fmt::format("price list {} is removed before it came into force", *options.version));
  return {};
}

// "AWS Lambda" is asked for as aws-lambda.
std::string short_name(std::string_view name) {
  std::string made;
  for (const char c : name)
    made += c == ' ' ? '-' : static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return made;
}

Status print_preset(Context& context, const PriceOptions& options) {
  std::vector<std::string> names;
  for (const domain::CloudPrice& cloud : domain::cloud_prices()) {
    names.push_back(short_name(cloud.name));
    if (names.back() != options.preset) continue;
    domain::PriceList list{.note = std::string(cloud.name), .currency = std::string(domain::kPresetCurrency), .per_call = cloud.per_call};
    list.steps.front().per_gib_second.fill(cloud.per_gib_second);
    print_document(context, list);
    return {};
  }
  return usage_error(fmt::format("there is no preset '{}': there are {}", options.preset.substr(0, 60), fmt::join(names, ", ")));
}

}  // namespace

void add_price(CLI::App& app, Context& context) {
  CLI::App* const group = plain_command(
      app, "price",
      {.summary = "Say what calls cost.",
       .details =
           "A price list is a document (docs/billing.md has its fields) and has a version. Calls pay by the list that is in force when they come; of it, a\n"
           "new one changes nothing.",
       .example = "  ebb price preset aws-lambda > prices.yaml\n  ebb price set prices.yaml\n  ebb price ls"});
  group->require_subcommand(1);
  // Shared with the callbacks, which the app keeps.
  const auto options = std::make_shared<PriceOptions>();

  CLI::App* const listing = client_command(*group, context, "ls", {.summary = "List price lists.", .details = "", .example = "  ebb price ls"});
  listing->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(listing, context, [&context, options](Server& server, Interrupt&) { return list(context, server, *options); });

  CLI::App* const showing = client_command(
      *group, context, "show",
      {.summary = "Print one, as `ebb price set` reads it.", .details = "The one that is in force, if no version is given.", .example = "  ebb price show 3"});
  showing->add_option("version", options->version, "Its version")->type_name("VERSION");
  set_action(showing, context, [&context, options](Server& server, Interrupt&) { return show(context, server, *options); });

  CLI::App* const setting = client_command(*group, context, "set",
                                           {.summary = "Bring a new one into force, now or later.",
                                            .details = "Calls that were accepted before go on paying by the former one.",
                                            .example = "  ebb price set prices.yaml\n  ebb price set prices.yaml --from 2027-01-01"});
  setting->add_option("file", options->file, "YAML or JSON")->type_name("FILE")->required();
  setting->add_option("--from", options->from, "From when on, such as 2027-01-01T00:00:00Z; now, if left out")->type_name("TIME");
  set_action(setting, context, [&context, options](Server& server, Interrupt&) { return set_one(context, server, *options); });

  CLI::App* const removing =
      client_command(*group, context, "rm", {.summary = "Remove one that is not in force yet.", .details = "", .example = "  ebb price rm 4"});
  removing->add_option("version", options->version, "Its version")->type_name("VERSION")->required();
  set_action(removing, context, [&context, options](Server& server, Interrupt&) { return remove_one(context, server, *options); });

  CLI::App* const presetting = plain_command(*group, "preset",
                                             {.summary = "Print the published prices of a cloud, as `ebb price set` reads them.",
                                              .details = "aws-lambda, azure-functions, google-cloud-run: list prices, without what is free there.",
                                              .example = "  ebb price preset aws-lambda > prices.yaml"});
  presetting->add_option("cloud", options->preset, "Which")->type_name("CLOUD")->required();
  presetting->callback([&context, options] {
    context.action = [&context, options] {
      const Status printed = print_preset(context, *options);
      return printed ? kExitOk : report(context, printed.error());
    };
  });
}

}  // namespace ebb::cli
