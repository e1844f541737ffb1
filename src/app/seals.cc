// A line for each; the file is small, and written whole.
#include "app/seals.h"

#include <fmt/format.h>

#include "base/json.h"
#include "io/files.h"
#include "wire/ledger_json.h"

namespace ebb::app {

namespace {

constexpr size_t kFileBytesMax = 16 * 1024 * 1024;  // a hundred years

std::string day_before(WallTime now) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now) - std::chrono::days(1));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

// What its MAC is of.
std::string sealed_text(const domain::Seal& seal) {
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}", seal.day, seal.at.time_since_epoch().count(), seal.entries, seal.head, seal.audit_entries, seal.audit_head);
}

Result<std::string> read_lines(const std::filesystem::path& file) {
  Result<std::string> text = io::read_small_file(file, kFileBytesMax);
  if (!text && text.error().kind == ErrorKind::kNotFound) return std::string();
  return text;
}

domain::Seal make_seal(std::string day, WallTime now, const store::BookHead& book, const store::Accounts::AuditHead& audit) {
  return {.day = std::move(day), .at = now, .entries = book.number, .head = book.link, .audit_entries = audit.number, .audit_head = audit.link, .mac = {}};
}

std::string line_of(const domain::Seal& seal) { return json::serialize(wire::to_json(seal)) + "\n"; }

}  // namespace

Result<std::vector<domain::Seal>> Seals::list() const {
  const Result<std::string> text = read_lines(file_);
  if (!text) return fail(text.error());
  std::vector<domain::Seal> seals;
  for (std::string_view rest = *text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const Result<json::value> value = parse_json(rest.substr(0, end));
    Result<domain::Seal> seal = value ? wire::seal_from_json(*value) : fail(value.error());
    if (!seal || keyring_.mac_of(sealed_text(*seal)) != seal->mac)
      return fail(ErrorKind::kCorrupt, fmt::format("line {} of {} is no seal that this server made", seals.size() + 1, file_.string()));
    seals.push_back(std::move(*seal));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return seals;
}

io::Task<Status> Seals::seal_if_due() {
  const WallTime now = clock_.wall();
  std::string day = day_before(now);
  if (day <= sealed_) co_return Status();
  const Result<std::vector<domain::Seal>> seals = list();
  if (!seals) co_return fail(seals.error());
  if (!seals->empty() && seals->back().day >= day) {
    sealed_ = seals->back().day;
    co_return Status();
  }
  const Result<store::BookHead> book = co_await bills_.book_head();
  if (!book) co_return fail(book.error());
  const Result<store::Accounts::AuditHead> audit = audit_.head();
  if (!audit) co_return fail(audit.error());
  sealed_ = day;
  if (book->number == 0 && audit->number == 0) co_return Status();  // nothing to say of nothing
  domain::Seal seal = make_seal(std::move(day), now, *book, *audit);
  seal.mac = keyring_.mac_of(sealed_text(seal));
  Result<std::string> text = read_lines(file_);
  if (!text) co_return fail(text.error());
  std::string lines = std::move(*text) + line_of(seal);
  co_return io::write_file_atomic(file_, lines);
}

}  // namespace ebb::app
