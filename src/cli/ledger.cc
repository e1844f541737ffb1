// `ebb ledger verify | export`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "wire/ledger_json.h"

namespace ebb::cli {

namespace {

struct LedgerOptions {
  bool as_json = false;
  bool as_csv = false;
};

Status verify(Context& context, Server& server, const LedgerOptions& options) {
  // As long as it takes: some seconds for a million entries.
  const Result<json::value> answer = server.get("/ebb/v1/ledger/check", milliseconds(0));
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const Result<wire::LedgerCheck> check = wire::ledger_check_from_json(*answer);
  if (!check) return fail(check.error().with_context(kNoSense));
  context.out.line(fmt::format("{} {}, {} {} in all: each follows from the one before, and the sums are theirs", check->entries,
                               check->entries == 1 ? "entry" : "entries", domain::format_money(check->cost), check->currency));
  if (!check->head.empty()) context.out.line("the last link is " + check->head);
  return {};
}

// Two lines for each entry, as bookkeepers have it: one account's debit is another's credit.
std::string csv_of(const wire::LedgerRow& row) {
  const std::string head = fmt::format("{},{},{}", row.number, wire::format_time(row.record.ended), to_hex(row.record.call.value));
  const std::string cost = domain::format_money(row.record.cost);
  return fmt::format("{},{},{},\n{},{},,{}", head, wire::debit_account(row.record), cost, head, wire::credit_account(row.record), cost);
}

Status export_all(Context& context, Server& server, const LedgerOptions& options) {
  if (options.as_csv) context.out.line("number,ended,call,account,debit,credit");
  Status read;
  const auto take = [&](std::string_view line) {
    if (line.empty()) return !context.out.closed();
    if (!options.as_csv) {
      context.out.line(line);
      return !context.out.closed();
    }
    const Result<json::value> value = parse_json(line);
    const Result<wire::LedgerRow> row = value ? wire::ledger_row_from_json(*value) : fail(value.error());
    if (!row) {
      read = fail(row.error().with_context(kNoSense));
      return false;
    }
    context.out.line(csv_of(*row));
    return !context.out.closed();
  };
  const auto response = server.stream({.path = "/ebb/v1/ledger", .time_max = milliseconds(0)}, take);
  return response ? read : fail(response.error());
}

}  // namespace

void add_ledger(CLI::App& app, Context& context) {
  CLI::App* const group = plain_command(app, "ledger",
                                        {.summary = "The book of all that was billed: check it, or take it with you.",
                                         .details = "Each entry is linked to the one before by a hash, so that none can be changed or left out unnoticed.",
                                         .example = "  ebb ledger verify\n  ebb ledger export --csv > book.csv"});
  group->require_subcommand(1);
  // Shared with the callbacks, which the app keeps.
  const auto options = std::make_shared<LedgerOptions>();

  CLI::App* const verifying =
      client_command(*group, context, "verify",
                     {.summary = "Read the whole book, and say whether it is what was written.",
                      .details = "Keep the last link elsewhere: who changes the book cannot change that. What is wrong is named, and the exit code is 1.",
                      .example = "  ebb ledger verify"});
  verifying->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(verifying, context, [&context, options](Server& server, Interrupt&) { return verify(context, server, *options); });

  CLI::App* const exporting = client_command(*group, context, "export",
                                             {.summary = "Print the whole book, a JSON object for each entry.",
                                              .details = "docs/billing.md says how to compute the links from it.",
                                              .example = "  ebb ledger export > book.jsonl\n  ebb ledger export --csv > book.csv"});
  exporting->add_flag("--csv", options->as_csv, "Print two lines of CSV for each entry: an account's debit, and another's credit");
  set_action(exporting, context, [&context, options](Server& server, Interrupt&) { return export_all(context, server, *options); });
}

}  // namespace ebb::cli
