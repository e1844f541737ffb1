// Price lists between the store that keeps them and the platform that charges by them.
#pragma once

#include <vector>

#include "gateway/admin.h"
#include "invoke/platform.h"
#include "io/clock.h"
#include "store/accounts.h"

namespace ebb::app {

// Lives on the server's loop; the parts must outlive it.
class PriceLists final : public gateway::PriceAdmin {
 public:
  // `settings`: the list of version 0, which the platform has.
  PriceLists(store::Accounts& accounts, invoke::Platform& platform, const io::Clock& clock, domain::PriceList settings);

  // Those that are kept: before any call. `anything_spent`: there are records, or budgets, in the currency of before. kInvalid: that was another one.
  Status start(bool anything_spent);

  std::vector<wire::PriceRow> list() const override;
  const domain::PriceList& in_force() const override;
  Result<wire::PriceRow> add(wire::AddPrices add) override;
  Status remove(int64_t version) override;

 private:
  std::string state_of(const domain::PriceList& list) const;

  store::Accounts& accounts_;
  invoke::Platform& platform_;
  const io::Clock& clock_;
  std::vector<domain::PriceList> lists_;  // by version, and so by moment; never empty
};

}  // namespace ebb::app
