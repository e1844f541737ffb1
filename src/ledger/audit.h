// The log of who did what, on its way to the disk.
//
// What was done is there before its answer ends: such verbs are rare. What was denied is counted, and written once a minute, so that who guesses keys fills no
// disk. Lives on the server's loop.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "domain/audit.h"
#include "domain/principal.h"
#include "store/accounts.h"

namespace ebb::ledger {

class Audit {
 public:
  // `accounts` must outlive this.
  explicit Audit(store::Accounts& accounts) : accounts_(accounts) {}

  void did(const domain::Principal& who, std::string_view what, std::string_view subject, int status, WallTime now);
  void denied(std::string_view route, int status, WallTime now);
  // What is counted and not written yet: before the log is read, and at the end.
  void flush(WallTime now);

  Result<store::Accounts::AuditHead> head() { return accounts_.audit_head(); }
  // Entries after this one: fewer than `limit`, there are no more. kCorrupt names the first that is not what was written.
  Result<std::vector<domain::AuditEntry>> entries(int64_t after, int64_t limit) { return accounts_.audit(after, limit); }

 private:
  void add(domain::AuditEntry entry);

  store::Accounts& accounts_;
  std::map<std::pair<std::string, int>, int64_t> denied_;  // by route and status, of which there are few
  WallTime flushed_{};
};

}  // namespace ebb::ledger
