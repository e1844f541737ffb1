// Who pays, and what: tenants, their keys, budgets and limits, and price lists. Durable before a verb returns.
//
// One owner, on the server's loop: these verbs are rare and take about a millisecond. Of a key only a keyed hash is here (ledger/keyring.h).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/audit.h"
#include "domain/budget.h"
#include "domain/key.h"
#include "domain/rate_limit.h"
#include "store/database.h"

namespace ebb::store {

// A price list as text, of which the store knows only its place.
struct StoredPrices {
  int64_t version = 0;
  WallTime from{};
  std::string document;
  bool operator==(const StoredPrices&) const = default;
};

struct StoredKey {
  domain::Key key;
  std::string hash;  // hex digits
  bool operator==(const StoredKey&) const = default;
};

class Accounts {
 public:
  // <home>/accounts.db
  static Result<std::unique_ptr<Accounts>> open(const std::filesystem::path& home);

  Result<std::vector<domain::Tenant>> tenants();    // by name
  Status put_tenant(const domain::Tenant& tenant);  // kExists for a name that is there
  Status delete_tenant(const std::string& name);    // with its keys and budgets, and those of its keys; also when it is not there

  Result<std::vector<StoredKey>> keys();  // the oldest first
  // In the place of one with the same id.
  Status put_keys(const std::vector<StoredKey>& keys);  // all or none

  Result<std::vector<domain::Budget>> budgets();  // by id
  // A new id, whatever it has: kExists for one of the same name and period.
  Result<domain::Budget> add_budget(domain::Budget budget);
  Status change_budget(const domain::Budget& budget);  // its amount, and whether it is hard
  Status delete_budget(domain::BudgetId id);           // also when it is not there

  Result<std::vector<StoredPrices>> price_lists();       // by version
  Result<int64_t> add_prices(const StoredPrices& list);  // its new version, whatever it has
  Status delete_prices(int64_t version);                 // also when it is not there; its number is not used again
  Result<std::string> currency();                        // of all amounts here; empty: not said yet
  Status set_currency(const std::string& currency);

  Result<std::vector<domain::RateLimit>> limits();
  Status put_limit(const domain::RateLimit& limit);     // in the place of one of the same name and kind
  Status delete_limit(const domain::RateLimit& limit);  // also when it is not there

  // The log of who did what: numbered and linked here.
  Status add_audit(domain::AuditEntry entry);
  struct AuditHead {
    int64_t number = 0;  // 0: nothing was done
    std::string link = {};
  };
  Result<AuditHead> audit_head();
  // After this entry: fewer than `limit`, there are no more. kCorrupt names the first that is not what was written.
  Result<std::vector<domain::AuditEntry>> audit(int64_t after, int64_t limit);

 private:
  explicit Accounts(Database database) : database_(std::move(database)) {}
  Status put_key(const StoredKey& stored);
  Database database_;
};

}  // namespace ebb::store
