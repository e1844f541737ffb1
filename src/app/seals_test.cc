// Seals: one for each day, and what they find.
#include "app/seals.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "io/folder_for_test.h"
#include "store/usage_schema.h"

namespace ebb::app {
namespace {

using std::chrono::hours;

class SealsTest : public testing::Test {
 protected:
  SealsTest() {
    accounts_ = std::move(*store::Accounts::open(home_.path()));
    keyring_ = std::move(*ledger::Keyring::load(*accounts_, home_.path() / "key-pepper"));
    audit_ = std::make_unique<ledger::Audit>(*accounts_);
    open();
  }
  void open() {
    seals_.reset();
    bills_.reset();
    usage_log_.reset();
    usage_log_ = std::make_unique<ledger::UsageLog>(std::move(*store::UsageStore::open(home_.path())), home_.path(), [](bool, const std::string&) {});
    bills_ = std::make_unique<LedgerBills>(loop_.get_executor(), *usage_log_);
    seals_ = std::make_unique<Seals>(file(), *bills_, *keyring_, *audit_, clock_);
  }
  std::filesystem::path file() const { return home_.path() / "seals.jsonl"; }
  void bill(uint64_t call) {
    ASSERT_TRUE(
        usage_log_->append({.call = CallId{call}, .endpoint = "e", .ended = clock_.wall(), .billed_ms = 1, .memory_mib = 1, .cost = 5, .list_cost = 5}));
    ASSERT_TRUE(usage_log_->flush(seconds(60)));
  }
  template <class T>
  T run(io::Task<T> task) {
    std::optional<T> result;
    io::asio::co_spawn(
        loop_, [](io::Task<T> inner, std::optional<T>& out) -> io::Task<void> { out = co_await std::move(inner); }(std::move(task), result),
        io::asio::detached);
    loop_.restart();
    auto work = io::asio::make_work_guard(loop_);
    while (!result)
      loop_.run_one();
    return std::move(*result);
  }
  Status seal() { return run(seals_->seal_if_due()); }
  std::string verdict() {
    auto seals = seals_->list();
    if (!seals) return seals.error().message;
    const auto check = run(bills_->check_book(std::move(*seals)));
    return check ? fmt::format("{} seals", check->seals) : check.error().message;
  }
  void change(std::initializer_list<const char*> statements) {
    usage_log_.reset();
    {
      Result<store::Database> database = store::Database::open(home_.path() / "usage.db", store::kUsageSchema);
      ASSERT_TRUE(database);
      for (const char* const sql : statements) {
        Result<store::Statement> statement = database->prepare(sql);
        ASSERT_TRUE(statement) << statement.error().message;
        ASSERT_TRUE(statement->run());
      }
    }
    open();
  }

  io::FolderForTest home_;
  io::FakeClock clock_;
  io::asio::io_context loop_{1};
  std::unique_ptr<store::Accounts> accounts_;
  std::unique_ptr<ledger::Keyring> keyring_;
  std::unique_ptr<ledger::Audit> audit_;
  std::unique_ptr<ledger::UsageLog> usage_log_;
  std::unique_ptr<LedgerBills> bills_;
  std::unique_ptr<Seals> seals_;
};

TEST_F(SealsTest, OneForEachDayThatIsOver) {
  ASSERT_TRUE(seal());
  EXPECT_TRUE(seals_->list()->empty()) << "nothing was done yet";
  bill(1);
  clock_.advance(hours(24));
  ASSERT_TRUE(seal());
  ASSERT_TRUE(seal()) << "the same day again";
  bill(2);
  audit_->did({}, "PUT", "/x", 200, clock_.wall());
  clock_.advance(hours(24));
  ASSERT_TRUE(seal());
  open();
  ASSERT_TRUE(seal()) << "by the next server";
  const auto seals = *seals_->list();
  ASSERT_EQ(seals.size(), 2U);
  EXPECT_EQ(seals[0].entries, 1);
  EXPECT_EQ(seals[1].entries, 2);
  EXPECT_EQ(seals[1].audit_entries, 1);
  EXPECT_LT(seals[0].day, seals[1].day);
  EXPECT_EQ(verdict(), "2 seals");
}

TEST_F(SealsTest, FindACutEndAndABookThatIsAnother) {
  bill(1);
  bill(2);
  clock_.advance(hours(24));
  ASSERT_TRUE(seal());
  ASSERT_EQ(verdict(), "1 seals");
  change({"DELETE FROM book WHERE number = 2", "DELETE FROM usage WHERE call = 2"});
  EXPECT_NE(verdict().find("sums"), std::string::npos) << verdict();
}

TEST_F(SealsTest, ABookThatWasWrittenAnewIsFound) {
  bill(1);
  clock_.advance(hours(24));
  ASSERT_TRUE(seal());
  usage_log_.reset();
  for (const char* name : {"usage.db", "usage.db-wal", "usage.db-shm"})
    std::filesystem::remove(home_.path() / name);
  open();
  EXPECT_NE(verdict().find("its end was cut off"), std::string::npos) << verdict();
  bill(7);
  EXPECT_NE(verdict().find("written anew"), std::string::npos) << verdict();
}

TEST_F(SealsTest, ASealThatSomebodyElseWroteIsNone) {
  bill(1);
  clock_.advance(hours(24));
  ASSERT_TRUE(seal());
  domain::Seal forged = seals_->list()->front();
  forged.entries = 0;
  forged.head.clear();
  std::ofstream(file(), std::ios::trunc) << json::serialize(wire::to_json(forged)) << "\n";
  EXPECT_NE(verdict().find("line 1 of"), std::string::npos) << verdict();
}

}  // namespace
}  // namespace ebb::app
