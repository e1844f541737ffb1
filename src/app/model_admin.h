// Models and bills for the gateway, from the registry and the ledger.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gateway/admin.h"
#include "invoke/platform.h"
#include "io/clock.h"
#include "ledger/usage_log.h"
#include "registry/fetcher.h"
#include "registry/models.h"
#include "registry/preparer.h"

namespace ebb::app {

// Lives on the server's loop; the parts must outlive it.
class RegistryAdmin final : public gateway::ModelAdmin {
 public:
  // `changed` is called after each addition and removal, whatever became of it.
  RegistryAdmin(registry::Models& models, registry::Fetcher& fetcher, registry::Preparer& preparer, const invoke::Platform& platform, const io::Clock& clock,
                bool require_confinement, std::function<void()> changed)
      : models_(models),
        fetcher_(fetcher),
        preparer_(preparer),
        platform_(platform),
        clock_(clock),
        require_confinement_(require_confinement),
        changed_(std::move(changed)) {}

  std::vector<domain::Model> list() const override;
  Result<wire::ModelView> find(const domain::ModelRef& ref) const override;
  io::Task<Result<domain::Model>> add(wire::AddModel request, std::shared_ptr<gateway::AddProgress> progress) override;
  Status remove(const domain::ModelRef& ref) override;

 private:
  registry::Models& models_;
  registry::Fetcher& fetcher_;
  registry::Preparer& preparer_;
  const invoke::Platform& platform_;
  const io::Clock& clock_;
  bool require_confinement_;
  std::function<void()> changed_;
};

// Read on the ledger's thread, behind what was appended before.
class LedgerBills final : public gateway::BillQuery {
 public:
  LedgerBills(io::Executor executor, ledger::UsageLog& usage_log) : executor_(std::move(executor)), usage_log_(usage_log) {}
  const io::Executor& executor() const { return executor_; }
  io::Task<Result<std::vector<wire::BillRow>>> bill(gateway::BillRequest request) override;
  io::Task<Result<std::optional<domain::UsageRecord>>> record(CallId call) override;
  io::Task<Result<std::vector<domain::UsageRecord>>> usage(gateway::UsageRequest request) override;
  io::Task<Result<std::vector<wire::LedgerRow>>> book(int64_t after, size_t limit) override;
  io::Task<Result<wire::LedgerCheck>> check_book(std::vector<domain::Seal> seals) override;
  io::Task<Result<store::BookHead>> book_head();
  // Of each budget, in times of its own length before `now`: the newest first, those before the first spending left out.
  io::Task<Result<std::vector<domain::Pico>>> spent_lately(domain::Budget budget, WallTime now);
  // By exactly those records that were appended before.
  io::Task<Result<domain::Pico>> spent(domain::Budget budget, domain::Span span);

 private:
  // What `read` gives of the store, once it was its turn.
  template <class T>
  io::Task<Result<T>> ask(std::function<Result<T>(store::UsageStore&)> read);

  io::Executor executor_;
  ledger::UsageLog& usage_log_;
};

}  // namespace ebb::app
