// Seals of the book and of the log of who did what: one at the end of each day, kept in the home's file seals.jsonl.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/model_admin.h"
#include "gateway/admin.h"
#include "io/clock.h"
#include "ledger/audit.h"
#include "ledger/keyring.h"

namespace ebb::app {

// Lives on the server's loop; the parts must outlive it.
class Seals final : public gateway::SealAdmin {
 public:
  Seals(std::filesystem::path file, LedgerBills& bills, ledger::Keyring& keyring, ledger::Audit& audit, const io::Clock& clock)
      : file_(std::move(file)), bills_(bills), keyring_(keyring), audit_(audit), clock_(clock) {}

  Result<std::vector<domain::Seal>> list() const override;

  // For the last day that is over, unless it has one. Once a minute will do.
  io::Task<Status> seal_if_due();

 private:
  std::filesystem::path file_;
  LedgerBills& bills_;
  ledger::Keyring& keyring_;
  ledger::Audit& audit_;
  const io::Clock& clock_;
  std::string sealed_;  // the last day that was found sealed
};

}  // namespace ebb::app
