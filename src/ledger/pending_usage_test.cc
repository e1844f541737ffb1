// What is pending, through the file: whole, in order, and nothing where a frame is damaged.
#include "ledger/pending_usage.h"

#include <gtest/gtest.h>

#include <fstream>

#include "io/folder_for_test.h"
#include "ledger/log_watch_for_test.h"

namespace ebb::ledger {
namespace {

class Pending : public testing::Test {
 protected:
  PendingUsage open() { return std::move(*PendingUsage::open(file_)); }
  io::FolderForTest folder_;
  std::filesystem::path file_ = folder_.path() / "usage-pending";
};

domain::UsageRecord full_record() {
  return {.call = CallId{~0ULL},
          .endpoint = std::string(63, 'e'),
          .revision = RevisionId{2},
          .ended = WallTime(milliseconds(-5)),
          .tier = domain::Tier::kInit,
          .outcome = domain::Outcome::kTimeout,
          .queued = nanoseconds(3),
          .start = nanoseconds(4),
          .busy = nanoseconds(5),
          .first_byte = nanoseconds(6),
          .total = nanoseconds(7),
          .billed_ms = 8,
          .memory_mib = 9,
          .cost = 10,
          .prompt_tokens = 11,
          .completion_tokens = 12,
          .tenant = std::string(63, 't'),
          .key = std::string(12, 'k')};
}

TEST_F(Pending, RecordsComeBackAsTheyWere) {
  {
    PendingUsage pending = open();
    EXPECT_TRUE(pending.records().empty());
    ASSERT_TRUE(pending.append(full_record()));
    ASSERT_TRUE(pending.append(record_for_test(1)));
  }
  EXPECT_EQ(open().records(), (std::vector{full_record(), record_for_test(1)}));
}

TEST_F(Pending, WhatIsWrittenGoesAndWhatCameMeanwhileStays) {
  PendingUsage pending = open();
  ASSERT_TRUE(pending.append(record_for_test(1)));
  pending.begin_writing();
  ASSERT_TRUE(pending.append(record_for_test(2)));
  pending.begin_writing();  // the first were not written: both are tried again
  ASSERT_TRUE(pending.append(record_for_test(3)));
  EXPECT_EQ(pending.records().size(), 3U);
  pending.end_writing(true);
  EXPECT_EQ(pending.records(), (std::vector{record_for_test(2), record_for_test(3)})) << "2 is in the store, and written once by its id";
  pending.begin_writing();
  pending.end_writing(false);
  EXPECT_TRUE(pending.records().empty());
  EXPECT_TRUE(open().records().empty());
}

TEST_F(Pending, HasRoomForTheLongestBacklogOfTheLongestRecords) {
  PendingUsage pending = open();
  for (size_t i = 0; i < domain::kUsageBacklogMax; ++i)
    ASSERT_TRUE(pending.append(full_record())) << i;
}

TEST_F(Pending, ADamagedFrameEndsItsHalf) {
  for (size_t at : {0, 3, 5, 20, 60, 200, 300}) {
    std::filesystem::remove(file_);
    {
      PendingUsage pending = open();
      ASSERT_TRUE(pending.append(record_for_test(1)));
      ASSERT_TRUE(pending.append(full_record()));
    }
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const auto byte = static_cast<char>(file.get() ^ 0x40);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
    file.close();
    EXPECT_LE(open().records().size(), 1U) << at;
  }
}

}  // namespace
}  // namespace ebb::ledger
