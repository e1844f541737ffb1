// Budgets between the store that keeps them, the ledger that knows what was spent, and the platform that holds callers to them.
#pragma once

#include <vector>

#include "app/model_admin.h"
#include "gateway/admin.h"
#include "invoke/platform.h"
#include "ledger/keyring.h"
#include "store/accounts.h"

namespace ebb::app {

// Lives on the server's loop; the parts must outlive it.
class Budgets final : public gateway::BudgetAdmin {
 public:
  Budgets(store::Accounts& accounts, const ledger::Keyring& keyring, LedgerBills& bills, invoke::Platform& platform, const io::Clock& clock)
      : accounts_(accounts), keyring_(keyring), bills_(bills), platform_(platform), clock_(clock) {}

  // Those that are kept, with what was spent in their periods: before any call.
  io::Task<Status> start();

  // kNotFound: nobody has that name.
  Status check(domain::BudgetOf of, const std::string& name) const;

  std::vector<wire::BudgetRow> list() const override;
  io::Task<Result<std::vector<wire::BudgetRow>>> forecasts(std::function<bool(const domain::Budget&)> wanted) override;
  io::Task<Result<wire::BudgetRow>> set(domain::Budget budget) override;
  Status remove(domain::BudgetOf of, std::string name, domain::Period period) override;
  void forget_tenant(const std::string& name, const std::vector<std::string>& lines) override;

 private:
  const domain::Budget* find(domain::BudgetOf of, const std::string& name, domain::Period period) const;
  io::Task<Status> open(domain::Budget budget);
  std::optional<control::Purse> purse_of(domain::BudgetId id) const;
  Result<domain::Budget> keep(const domain::Budget& budget);
  void forget(domain::BudgetId id);

  store::Accounts& accounts_;
  const ledger::Keyring& keyring_;
  LedgerBills& bills_;
  invoke::Platform& platform_;
  const io::Clock& clock_;
  std::vector<domain::Budget> kept_;  // by whose they are, and period
};

}  // namespace ebb::app
