// In the order in which each needs the ones before.
#include "app/accounting.h"

#include "base/log.h"

namespace ebb::app {

Result<std::unique_ptr<Accounting>> Accounting::open(const std::filesystem::path& home, const io::Clock& clock) {
  std::unique_ptr<Accounting> made(new Accounting(home, clock));
  Result<std::unique_ptr<store::Accounts>> accounts = store::Accounts::open(home);
  if (!accounts) return fail(accounts.error());
  made->accounts_ = std::move(*accounts);
  Result<std::unique_ptr<ledger::Keyring>> keyring = ledger::Keyring::load(*made->accounts_, home / "key-pepper");
  if (!keyring) return fail(keyring.error());
  made->keyring_ = std::move(*keyring);
  made->audit_ = std::make_unique<ledger::Audit>(*made->accounts_);
  Result<std::unique_ptr<store::Answers>> answers = store::Answers::open(home);
  if (!answers) return fail(answers.error());
  made->answers_ = std::make_unique<ledger::AnswerLog>(std::move(*answers), clock);
  return made;
}

io::Task<Status> Accounting::start(LedgerBills& bills, invoke::Platform& platform, domain::PriceList settings, bool anything_spent) {
  const Result<std::vector<domain::Budget>> budgets = accounts_->budgets();
  if (!budgets) co_return fail(budgets.error());
  prices_ = std::make_unique<PriceLists>(*accounts_, platform, clock_, std::move(settings));
  if (Status priced = prices_->start(anything_spent || !budgets->empty()); !priced) co_return priced;
  budgets_ = std::make_unique<Budgets>(*accounts_, *keyring_, bills, platform, clock_);
  Status counted = co_await budgets_->start();
  if (!counted) co_return counted;
  limits_ =
      std::make_unique<RateLimits>(*accounts_, platform, [this](domain::BudgetOf whose, const std::string& name) { return budgets_->check(whose, name); });
  if (Status limited = limits_->start(); !limited) co_return limited;
  seals_ = std::make_unique<Seals>(home_ / "seals.jsonl", bills, *keyring_, *audit_, clock_);
  io::Executor executor = bills.executor();
  io::asio::co_spawn(executor, keep_sealing(executor), io::asio::detached);
  co_return Status();
}

namespace {

constexpr seconds kSealCheckEvery{60};

void log_unsealed(const Error& error) { log_error("the book could not be sealed", {{"why", error.message}}); }

}  // namespace

io::Task<void> Accounting::keep_sealing(io::Executor executor) {
  io::Timer timer(executor);
  for (;;) {
    const Status sealed = co_await seals_->seal_if_due();
    if (!sealed) log_unsealed(sealed.error());
    timer.expires_after(kSealCheckEvery);
    co_await timer.async_wait(io::use_awaitable);
  }
}

}  // namespace ebb::app
