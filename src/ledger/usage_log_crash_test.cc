// What was flushed outlives a killed process and a disk whose syncs fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <future>
#include <random>
#include <thread>

#include "io/clock.h"
#include "io/folder_for_test.h"
#include "ledger/answer_log.h"
#include "ledger/log_watch_for_test.h"
#include "ledger/usage_log.h"

namespace {

// Syncs from now on until one fails; 0: none does. Counts down below zero, so it counts syncs too.
std::atomic<int> syncs_until_failure{0};
// Only those of the store.
std::atomic<bool> pending_is_well{false};

bool is_counted(int fd) {
  // SQLite does not ask how the sync of a folder went.
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return false;
  std::error_code ignored;
  return !pending_is_well || std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored).filename() != "usage-pending";
}

int count_and_sync(long number, int fd) {
  if (is_counted(fd) && syncs_until_failure.fetch_sub(1) == 1) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(number, fd));
}

}  // namespace

// In place of the C library's, for SQLite too.
extern "C" int fsync(int fd) { return count_and_sync(SYS_fsync, fd); }
extern "C" int fdatasync(int fd) { return count_and_sync(SYS_fdatasync, fd); }

namespace ebb::ledger {
namespace {

class UsageLogCrashTest : public ::testing::Test {
 protected:
  ~UsageLogCrashTest() override {
    syncs_until_failure = 0;
    pending_is_well = false;
  }
  io::FolderForTest folder_;
};

// The child: appends records from `first` on in batches, and says how far they are flushed.
[[noreturn]] void append_until_killed(const std::filesystem::path& home, uint64_t first, uint64_t seed, int answers, bool flushes) {
  std::mt19937_64 random(seed);
  auto store = store::UsageStore::open(home);
  if (!store) ::_exit(1);
  UsageLog log(
      std::move(*store), home, [](bool, const std::string&) {}, kEagerForTest);
  for (uint64_t id = first;; ++id) {
    while (!log.append(record_for_test(id)))
      std::this_thread::yield();
    if (flushes && random() % 8 != 0) continue;
    if (flushes && !log.flush(kPatience)) ::_exit(1);
    if (::write(answers, &id, sizeof id) != sizeof id) ::_exit(1);
  }
}

// Kills it after some answers; returns the last id that it said was flushed, or appended.
uint64_t run_and_kill(const std::filesystem::path& home, uint64_t first, std::mt19937_64& random, bool flushes = true) {
  std::array<int, 2> answers{};
  EXPECT_EQ(::pipe(answers.data()), 0);
  const uint64_t seed = random();
  const pid_t child = ::fork();
  if (child == 0) append_until_killed(home, first, seed, answers[1], flushes);
  ::close(answers[1]);
  uint64_t flushed = first - 1;
  for (uint64_t wanted = random() % (flushes ? 20 : 20'000); wanted > 0; --wanted)
    EXPECT_EQ(::read(answers[0], &flushed, sizeof flushed), static_cast<ssize_t>(sizeof flushed));
  ::kill(child, SIGKILL);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  while (::read(answers[0], &flushed, sizeof flushed) == static_cast<ssize_t>(sizeof flushed)) {
  }
  ::close(answers[0]);
  return flushed;
}

TEST_F(UsageLogCrashTest, WhatWasFlushedOutlivesAKill) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  uint64_t last = 0;
  for (int round = 0; round < 15; ++round) {
    const uint64_t flushed = run_and_kill(folder_.path(), last + 1, random);
    // Records that were on their way may be there as well, in their order and whole.
    Result<uint64_t> highest = 0;
    {
      const auto store = std::move(*store::UsageStore::open(folder_.path()));
      ASSERT_TRUE(UsageLog::recover(*store, folder_.path()));
      highest = store->highest_call_id();
    }
    ASSERT_TRUE(highest);
    ASSERT_GE(*highest, flushed);
    last = *highest;
    ASSERT_EQ(check_store_for_test(folder_.path(), last), "");
  }
  EXPECT_GT(last, 0U);
}

TEST_F(UsageLogCrashTest, WhatWasAppendedOutlivesAKill) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  uint64_t last = 0;
  for (int round = 0; round < 12; ++round) {
    const uint64_t appended = run_and_kill(folder_.path(), last + 1, random, false);
    const auto store = std::move(*store::UsageStore::open(folder_.path()));
    ASSERT_TRUE(UsageLog::recover(*store, folder_.path()));
    last = *store->highest_call_id();
    ASSERT_GE(last, appended);
  }
  ASSERT_EQ(check_store_for_test(folder_.path(), last), "") << "each once";
  EXPECT_GT(last, 0U);
}

TEST_F(UsageLogCrashTest, ManyRecordsTakeOneSync) {
  UsageLog log(
      *store::UsageStore::open(folder_.path()), folder_.path(), [](bool, const std::string&) {}, kEagerForTest);
  HeldWriter held(log);
  for (uint64_t id = 1; id <= 1000; ++id)
    ASSERT_TRUE(log.append(record_for_test(id)));
  syncs_until_failure = 0;
  held.let_go();
  ASSERT_TRUE(log.flush(kPatience));
  wait_for_store(log);
  EXPECT_GE(-syncs_until_failure, 2) << "of what is pending, and of the store";
  EXPECT_LE(-syncs_until_failure, 4);
}

TEST_F(UsageLogCrashTest, AFlushSyncsWhatIsPendingAndDoesNotWaitForTheStore) {
  UsageLog log(
      *store::UsageStore::open(folder_.path()), folder_.path(), [](bool, const std::string&) {}, kEagerForTest);
  HeldWriter held(log);
  ASSERT_TRUE(log.append(record_for_test(1)));
  syncs_until_failure = 0;
  EXPECT_TRUE(log.flush(kPatience)) << "the writer is held, and the store with it";
  EXPECT_EQ(-syncs_until_failure, 1);
  EXPECT_TRUE(log.flush(kPatience));
  EXPECT_EQ(-syncs_until_failure, 1) << "nothing was appended since";
  // A sync that fails: what was appended is then waited for in the store.
  ASSERT_TRUE(log.append(record_for_test(2)));
  syncs_until_failure = 1;
  EXPECT_FALSE(log.flush(milliseconds(0)));
  syncs_until_failure = 0;
  held.let_go();
  EXPECT_TRUE(log.flush(kPatience));
}

// For every n: the n-th sync from now fails. Records are neither lost nor doubled, and it is said.
TEST_F(UsageLogCrashTest, AFailedSyncIsSaidAndLosesNothing) {
  pending_is_well = true;
  uint64_t last = 0;
  int failures = 0;
  for (int nth = 1; nth <= 12; ++nth) {
    LogWatch watch;
    {
      UsageLog log(*store::UsageStore::open(folder_.path()), folder_.path(), watch.changed(), kEagerForTest);
      syncs_until_failure = nth;
      // Some fail while the record is written, some while the store is opened again, some in the log's own clean-up.
      for (int i = 0; i < 6; ++i) {
        ASSERT_TRUE(log.append(record_for_test(++last)));
        wait_for_store(log);
      }
      ASSERT_TRUE(log.flush(kPatience));
      if (syncs_until_failure <= 0 && nth <= 6) {
        const std::vector<std::string> said = watch.said(2);
        ASSERT_EQ(said.size(), 2U) << "sync " << nth;
        EXPECT_THAT(said[0], ::testing::HasSubstr("check the disk"));
        EXPECT_EQ(said[1], "writable");
        ++failures;
      }
    }
    syncs_until_failure = 0;
    ASSERT_EQ(check_store_for_test(folder_.path(), last), "") << "sync " << nth;
  }
  EXPECT_EQ(failures, 6);
}

// The same for answers: what was said to be kept is there, and the first verbs after the failure work again.
TEST_F(UsageLogCrashTest, AnswersGoOnAfterAFailedSync) {
  const io::SystemClock clock;
  std::vector<std::string> kept;
  int failures = 0;
  for (int nth = 1; nth <= 8; ++nth) {
    AnswerLog log(std::move(*store::Answers::open(folder_.path())), clock);
    syncs_until_failure = nth;
    bool well = false;
    for (int i = 0; i < 10; ++i) {
      const std::string id = std::to_string(nth) + "." + std::to_string(i);
      std::promise<Status> put;
      ASSERT_TRUE(log.put({.id = id, .tenant = "acme", .parameters = "p", .begun = clock.wall()}, [&put](Status status) { put.set_value(std::move(status)); }));
      well = put.get_future().get().has_value();
      if (well) kept.push_back(id);
      if (!well) ++failures;
    }
    EXPECT_TRUE(well) << "sync " << nth;
    syncs_until_failure = 0;
    for (const std::string& id : kept) {
      std::promise<bool> found;
      ASSERT_TRUE(log.find(id, [&found](const Result<std::optional<domain::KeptAnswer>>& answer) { found.set_value(answer && answer->has_value()); }));
      EXPECT_TRUE(found.get_future().get()) << id << ", sync " << nth;
    }
  }
  EXPECT_GT(failures, 4);
}

}  // namespace
}  // namespace ebb::ledger
