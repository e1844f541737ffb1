// Who may call and who pays, put together: the store of accounts and what stands on it.
#pragma once

#include <filesystem>
#include <memory>

#include "app/budgets.h"
#include "app/price_lists.h"
#include "app/rate_limits.h"
#include "app/seals.h"
#include "gateway/gateway.h"
#include "ledger/answer_log.h"
#include "ledger/audit.h"
#include "ledger/keyring.h"

namespace ebb::app {

// Lives on the server's loop.
class Accounting {
 public:
  static Result<std::unique_ptr<Accounting>> open(const std::filesystem::path& home, const io::Clock& clock);

  // Budgets, price lists and limits that are kept, told to the platform: before any call. `settings`: prices until a list is in force. `anything_spent`: the
  // ledger has records.
  // From then on it seals the book each day, until the loop ends.
  io::Task<Status> start(LedgerBills& bills, invoke::Platform& platform, domain::PriceList settings, bool anything_spent);

  ledger::Keyring& keyring() { return *keyring_; }
  ledger::Audit& audit() { return *audit_; }
  // Ends the thread that keeps answers, once no request is left.
  void close() { answers_.reset(); }
  // After start.
  gateway::Accounts for_gateway() {
    return {.keyring = *keyring_, .budgets = *budgets_, .prices = *prices_, .limits = *limits_, .seals = *seals_, .audit = *audit_, .answers = *answers_};
  }

 private:
  Accounting(std::filesystem::path home, const io::Clock& clock) : home_(std::move(home)), clock_(clock) {}
  io::Task<void> keep_sealing(io::Executor executor);

  std::filesystem::path home_;
  const io::Clock& clock_;
  std::unique_ptr<store::Accounts> accounts_;
  std::unique_ptr<ledger::Keyring> keyring_;
  std::unique_ptr<ledger::Audit> audit_;
  std::unique_ptr<ledger::AnswerLog> answers_;
  std::unique_ptr<Budgets> budgets_;
  std::unique_ptr<PriceLists> prices_;
  std::unique_ptr<RateLimits> limits_;
  std::unique_ptr<Seals> seals_;
};

}  // namespace ebb::app
