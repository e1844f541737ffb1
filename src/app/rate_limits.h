// Limits by rate between the store that keeps them and the platform that holds callers to them.
#pragma once

#include <string>
#include <vector>

#include "gateway/admin.h"
#include "invoke/platform.h"
#include "store/accounts.h"

namespace ebb::app {

// Lives on the server's loop; the parts must outlive it.
class RateLimits final : public gateway::LimitAdmin {
 public:
  // `check`: kNotFound where nobody has that name.
  using Check = std::function<Status(domain::BudgetOf whose, const std::string& name)>;
  RateLimits(store::Accounts& accounts, invoke::Platform& platform, Check check) : accounts_(accounts), platform_(platform), check_(std::move(check)) {}

  // Those that are kept: before any call. Nothing of them is used then.
  Status start();

  std::vector<wire::LimitRow> list() const override;
  Result<wire::LimitRow> set(domain::RateLimit limit) override;
  Status remove(const domain::RateLimit& limit) override;
  void forget_tenant(const std::string& name, const std::vector<std::string>& lines) override;

 private:
  store::Accounts& accounts_;
  invoke::Platform& platform_;
  Check check_;
};

}  // namespace ebb::app
