// `ebb ledger verify | seals | export`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/server.h"
#include "wire/ledger_json.h"

namespace ebb::cli {

namespace {

struct LedgerOptions {
  std::string seals;
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
  if (check->seals > 0)
    context.out.line(fmt::format("{} {} made at the end of a day and {} the same", check->seals, check->seals == 1 ? "seal was" : "seals were",
                                 check->seals == 1 ? "says" : "say"));
  return {};
}

Status print_seals(Context& context, Server& server) {
  bool any = false;
  const auto response = server.stream({.path = "/ebb/v1/ledger/seals"}, [&](std::string_view line) {
    if (!line.empty()) context.out.line(line);
    any = any || !line.empty();
    return !context.out.closed();
  });
  if (!response) return fail(response.error());
  if (!any) context.err.line("no seals yet: the first is made when this day (UTC) is over");
  return {};
}

// The link of one entry, of the book or of the log of who did what; empty: there is none.
Result<std::string> link_of(Server& server, std::string_view what, int64_t number) {
  Result<std::string> link = std::string();
  const auto take = [&](std::string_view line) {
    const Result<json::value> value = parse_json(line);
    if (!value) {
      link = fail(value.error().with_context(kNoSense));
      return false;
    }
    ObjectReader reader(*value, "");
    link = reader.required_string("link");
    return false;  // the first line is all that is asked for
  };
  const auto response = server.stream({.path = fmt::format("/ebb/v1/{}?after={}", what, number - 1)}, take);
  if (!response) return fail(response.error());
  return link;
}

Status check_seal(Server& server, const domain::Seal& seal) {
  struct Sealed {
    std::string_view what;
    std::string_view name;
    int64_t number;
    const std::string& link;
  };
  for (const Sealed& one :
       {Sealed{"ledger", "the book", seal.entries, seal.head}, Sealed{"audit", "the log of who did what", seal.audit_entries, seal.audit_head}}) {
    if (one.number == 0) continue;
    const Result<std::string> link = link_of(server, one.what, one.number);
    if (!link) return fail(link.error());
    if (*link != one.link)
      return fail(ErrorKind::kCorrupt, fmt::format("entry {} of {} is {} when it was sealed, on {}", one.number, one.name,
                                                   link->empty() ? "missing, and was there" : "another than", seal.day));
  }
  return {};
}

// By a copy that was kept elsewhere: the server is asked for the entries alone.
Status verify_by(Context& context, Server& server, const std::string& path) {
  std::ifstream file(path);
  if (!file) return usage_error(fmt::format("'{}' cannot be read: give a file that `ebb ledger seals` printed", path));
  int64_t many = 0;
  for (std::string line; std::getline(file, line);) {
    const Result<json::value> value = parse_json(line);
    const Result<domain::Seal> seal = value ? wire::seal_from_json(*value) : fail(value.error());
    if (!seal) return usage_error(fmt::format("{}, line {}: this is no seal", path, many + 1));
    if (Status same = check_seal(server, *seal); !same) return same;
    ++many;
  }
  context.out.line(fmt::format("the book and the log of who did what are those of {} {}", many, many == 1 ? "seal" : "seals"));
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
  verifying->add_option("--seals", options->seals, "Look only whether it is still that of these seals, a copy of what `ebb ledger seals` printed")
      ->type_name("FILE");
  set_action(verifying, context, [&context, options](Server& server, Interrupt&) {
    return options->seals.empty() ? verify(context, server, *options) : verify_by(context, server, options->seals);
  });

  CLI::App* const sealing = client_command(
      *group, context, "seals",
      {.summary = "Print what was said of the book at the end of each day.",
       .details = "One line for each day (UTC). Keep copies elsewhere: `ebb ledger verify --seals FILE` tells whether the book was written anew since.",
       .example = "  ebb ledger seals >> seals.jsonl"});
  set_action(sealing, context, [&context](Server& server, Interrupt&) { return print_seals(context, server); });

  CLI::App* const exporting = client_command(*group, context, "export",
                                             {.summary = "Print the whole book, a JSON object for each entry.",
                                              .details = "docs/billing.md says how to compute the links from it.",
                                              .example = "  ebb ledger export > book.jsonl\n  ebb ledger export --csv > book.csv"});
  exporting->add_flag("--csv", options->as_csv, "Print two lines of CSV for each entry: an account's debit, and another's credit");
  set_action(exporting, context, [&context, options](Server& server, Interrupt&) { return export_all(context, server, *options); });
}

}  // namespace ebb::cli
