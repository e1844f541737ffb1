// The log of who did what: a chain as the book's.
#include <fmt/format.h>

#include "store/accounts.h"
#include "store/sha256_hex.h"

namespace ebb::store {

namespace {

int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }

std::string link_after(std::string_view before, const domain::AuditEntry& e) {
  return sha256_hex(fmt::format("{}\n{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", before, e.number, to_ms(e.at), e.key, e.tenant, e.what, e.subject, e.status, e.times));
}

}  // namespace

Result<Accounts::AuditHead> Accounts::audit_head() {
  Result<Statement> last = database_.prepare("SELECT number, link FROM audit ORDER BY number DESC LIMIT 1");
  if (!last) return fail(last.error());
  const Result<bool> row = last->next();
  if (!row) return fail(row.error());
  return *row ? AuditHead{.number = last->integer(0), .link = last->text(1)} : AuditHead{};
}

Status Accounts::add_audit(domain::AuditEntry entry) {
  const Result<AuditHead> last = audit_head();
  if (!last) return fail(last.error());
  entry.number = last->number + 1;
  Result<Statement> insert = database_.prepare("INSERT INTO audit(number, at_ms, key, tenant, what, subject, status, times, link) VALUES(?,?,?,?,?,?,?,?,?)");
  if (!insert) return fail(insert.error());
  insert->bind(1, entry.number).bind(2, to_ms(entry.at)).bind(3, entry.key).bind(4, entry.tenant).bind(5, entry.what).bind(6, entry.subject);
  return insert->bind(7, entry.status).bind(8, entry.times).bind(9, link_after(last->link, entry)).run();
}

Result<std::vector<domain::AuditEntry>> Accounts::audit(int64_t after, int64_t limit) {
  std::string before;
  if (after > 0) {
    Result<Statement> last = database_.prepare("SELECT link FROM audit WHERE number = ?");
    if (!last) return fail(last.error());
    const Result<bool> row = last->bind(1, after).next();
    if (!row) return fail(row.error());
    if (!*row) return std::vector<domain::AuditEntry>();
    before = last->text(0);
  }
  Result<Statement> rows =
      database_.prepare("SELECT number, at_ms, key, tenant, what, subject, status, times, link FROM audit WHERE number > ? ORDER BY number LIMIT ?");
  if (!rows) return fail(rows.error());
  rows->bind(1, after).bind(2, limit);
  int64_t expected = after;
  return rows->all([&](const Statement& row) -> Result<domain::AuditEntry> {
    domain::AuditEntry entry{.number = row.integer(0),
                             .at = WallTime(milliseconds(row.integer(1))),
                             .key = row.text(2),
                             .tenant = row.text(3),
                             .what = row.text(4),
                             .subject = row.text(5),
                             .status = row.integer(6),
                             .times = row.integer(7),
                             .link = row.text(8)};
    if (entry.number != ++expected || link_after(before, entry) != entry.link)
      return fail(ErrorKind::kCorrupt, fmt::format("entry {} of the log of who did what is not what was written, or is missing", expected));
    before = entry.link;
    return entry;
  });
}

}  // namespace ebb::store
