// The writer's promises while the disk is well, full, or over a limit.
#include "ledger/usage_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <future>

#include "domain/limits.h"
#include "io/folder_for_test.h"
#include "io/mount_for_test.h"
#include "ledger/log_watch_for_test.h"

namespace ebb::ledger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class UsageLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<UsageLog> open(UsageLogOptions options = kEagerForTest) {
    auto store = store::UsageStore::open(folder_.path());
    EXPECT_TRUE(store) << store.error().message;
    return std::make_unique<UsageLog>(std::move(*store), folder_.path(), watch_.changed(), options);
  }

  io::FolderForTest folder_;
  LogWatch watch_;
};

TEST_F(UsageLogTest, WhatIsFlushedIsOnTheDisk) {
  const auto log = open();
  for (uint64_t id = 1; id <= 300; ++id)
    ASSERT_TRUE(log->append(record_for_test(id)));
  ASSERT_TRUE(log->flush(kPatience));
  std::promise<size_t> found;
  ASSERT_TRUE(log->query([&found](store::UsageStore& store) { found.set_value(store.recent("chat", 1000)->size()); }));
  EXPECT_EQ(found.get_future().get(), 300U);
}

TEST_F(UsageLogTest, AStoreThatIsDamagedIsFoundAndWrittenToNoMore) {
  {
    const auto log = open();
    for (uint64_t id = 1; id <= 3'000; ++id)
      ASSERT_TRUE(log->append(record_for_test(id)));
  }
  const std::filesystem::path file = folder_.path() / "usage.db";
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(file));
  {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(size / 2 / 4096 * 4096);
    bytes << std::string(4096, 'x');
  }
  const auto bytes_of = [&] {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string before = bytes_of();
  {
    const auto log = open();
    log->check_store();
    EXPECT_THAT(watch_.said(1), ElementsAre(HasSubstr("usage.db is damaged")));
    ASSERT_TRUE(log->append(record_for_test(3'001)));
  }
  EXPECT_EQ(bytes_of(), before) << "it stays as it was found";
  EXPECT_THAT(watch_.said(1), ElementsAre(HasSubstr("usage.db is damaged")));
}

TEST_F(UsageLogTest, AStoreThatIsSoundIsWrittenToAfterItsCheck) {
  const auto log = open();
  log->check_store();
  for (uint64_t id = 1; id <= 300; ++id)
    ASSERT_TRUE(log->append(record_for_test(id)));
  ASSERT_TRUE(log->flush(kPatience));
}

TEST_F(UsageLogTest, TheEndWritesWhatWaitsAndAnswersWhatWasAsked) {
  std::promise<int64_t> asked;
  {
    const auto log = open();
    for (uint64_t id = 1; id <= 300; ++id)
      ASSERT_TRUE(log->append(record_for_test(id)));
    ASSERT_TRUE(log->query([&asked](store::UsageStore& store) { asked.set_value(store.bill({})->front().calls); }));
  }
  EXPECT_EQ(asked.get_future().get(), 300);
  EXPECT_EQ(check_store_for_test(folder_.path(), 300), "");
}

TEST_F(UsageLogTest, ACallThatIsAppendedTwiceIsBilledOnce) {
  {
    const auto log = open();
    for (const uint64_t id : {1, 2, 2, 1, 3})
      ASSERT_TRUE(log->append(record_for_test(id)));
    ASSERT_TRUE(log->flush(kPatience));
    ASSERT_TRUE(log->append(record_for_test(3)));
  }
  EXPECT_EQ(check_store_for_test(folder_.path(), 3), "");
}

TEST_F(UsageLogTest, AQuerySeesWhatWasAppendedBeforeIt) {
  const auto log = open();
  for (uint64_t id = 1; id <= 50; ++id) {
    ASSERT_TRUE(log->append(record_for_test(id)));
    std::promise<int64_t> calls;
    ASSERT_TRUE(log->query([&calls](store::UsageStore& store) { calls.set_value(store.bill({})->front().calls); }));
    ASSERT_EQ(calls.get_future().get(), static_cast<int64_t>(id));
  }
}

TEST_F(UsageLogTest, QueuesAreBounded) {
  {
    const auto log = open();
    HeldWriter held(*log);
    for (uint64_t id = 1; id <= domain::kUsageBacklogMax; ++id)
      ASSERT_TRUE(log->append(record_for_test(id)));
    EXPECT_FALSE(log->append(record_for_test(domain::kUsageBacklogMax + 1)));
    for (size_t i = 0; i < kUsageQueriesMax; ++i)
      ASSERT_TRUE(log->query([](store::UsageStore&) {}));
    EXPECT_FALSE(log->query([](store::UsageStore&) {}));
    EXPECT_TRUE(log->flush(milliseconds(0))) << "the pending file is on the disk, whatever the store waits for";
    held.let_go();
    ASSERT_TRUE(log->flush(kPatience));
  }
  EXPECT_EQ(check_store_for_test(folder_.path(), domain::kUsageBacklogMax), "");
}

TEST_F(UsageLogTest, ADiskWithoutReserveIsSaidBeforeTheFirstRecord) {
  const auto log = open({.free_bytes_min = uint64_t{1} << 62U});
  EXPECT_THAT(watch_.said(1), ElementsAre(HasSubstr("free some space")));
}

// A limit on the size of files stands for a disk that fills and is cleared.
TEST_F(UsageLogTest, WritesAgainAfterTheDiskWasFullWithoutARestart) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  {
    const auto log = open();
    ASSERT_TRUE(log->append(record_for_test(1)));
    wait_for_store(*log);
    const rlimit full{.rlim_cur = 4096, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
    for (uint64_t id = 2; id <= 200; ++id)
      ASSERT_TRUE(log->append(record_for_test(id)));
    EXPECT_THAT(watch_.said(1), ElementsAre(HasSubstr("usage.db: the disk is full: free some space on it")));
    std::promise<std::string> calls;  // bills are still made
    ASSERT_TRUE(log->query([&calls](store::UsageStore& store) {
      const auto bill = store.bill({});
      calls.set_value(bill ? std::to_string(bill->front().calls) : bill.error().message);
    }));
    EXPECT_EQ(calls.get_future().get(), "1");
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_EQ(watch_.said(2).back(), "writable");
    ASSERT_TRUE(log->flush(kPatience));
  }
  EXPECT_EQ(check_store_for_test(folder_.path(), 200), "");
}

std::string fill_and_clear(const std::filesystem::path& disk) {
  LogWatch watch;
  {
    auto store = store::UsageStore::open(disk);
    if (!store) return store.error().message;
    UsageLogOptions options = kEagerForTest;
    options.free_bytes_min = 256 << 10U;
    UsageLog log(std::move(*store), disk, watch.changed(), options);
    log.append(record_for_test(1));
    if (!log.flush(kPatience)) return "nothing is written";
    std::ofstream(disk / "ballast") << std::string(8 << 20U, 'x');
    const std::vector<std::string> said = watch.said(1);
    if (said.size() != 1 || said[0].find("free some space") == std::string::npos) return "the full disk was not noticed";
    for (uint64_t id = 2; id <= 2000; ++id) {
      if (!log.append(record_for_test(id))) return "the backlog is full";
    }
    std::filesystem::remove(disk / "ballast");
    if (watch.said(2).back() != "writable") return "the space was not noticed";
    if (!log.flush(kPatience)) return "nothing is written any more";
  }
  return check_store_for_test(disk, 2000);
}

TEST_F(UsageLogTest, AFullFileSystemIsNoticedWhileIdleAndSoIsItsEnd) {
  const auto wrong = io::with_small_disk("2m", fill_and_clear);
  if (!wrong) GTEST_SKIP() << "mounting is for root";
  EXPECT_EQ(*wrong, "");
}

}  // namespace
}  // namespace ebb::ledger
