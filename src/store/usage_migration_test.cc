// Usage as the first version wrote it is read still, and its bills are the same.
#include <gtest/gtest.h>

#include "io/folder_for_test.h"
#include "store/usage_contract_for_test.h"
#include "store/usage_schema.h"

namespace ebb::store {
namespace {

// One record and the sum of its hour, of which one is damaged.
enum class Damaged { kNothing, kRecord, kHour };

void write_first(const std::filesystem::path& home, const domain::UsageRecord& r, Damaged damaged) {
  constexpr std::array kFirst{kUsageSchema[0]};
  Result<Database> database = Database::open(home / "usage.db", kFirst);
  ASSERT_TRUE(database);
  Result<Statement> record = database->prepare("INSERT INTO usage VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  ASSERT_TRUE(record);
  record->bind(1, static_cast<int64_t>(r.call.value)).bind(2, r.endpoint).bind(3, static_cast<int64_t>(r.revision.value));
  record->bind(4, int64_t{r.ended.time_since_epoch().count()}).bind(5, to_string(r.tier)).bind(6, to_string(r.outcome));
  record->bind(7, int64_t{r.queued.count()}).bind(8, int64_t{r.start.count()}).bind(9, int64_t{r.busy.count()}).bind(10, int64_t{r.first_byte.count()});
  record->bind(11, int64_t{r.total.count()}).bind(12, r.billed_ms).bind(13, r.memory_mib).bind(14, r.cost).bind(15, r.prompt_tokens);
  record->bind(16, r.completion_tokens);
  damaged == Damaged::kRecord ? record->bind(17, 12345) : record->bind_checksum(17);
  ASSERT_TRUE(record->run());
  Result<Statement> hour = database->prepare("INSERT INTO usage_hours VALUES(?,?,?,?,?,?,?,?,?,?,?,?)");
  ASSERT_TRUE(hour);
  const UsageSums sums = sums_of(r);
  hour->bind(1, int64_t{key_of(r).hour.time_since_epoch().count()}).bind(2, r.endpoint).bind(3, to_string(r.tier)).bind(4, sums.calls).bind(5, sums.faults);
  hour->bind(6, sums.billed_ms).bind(7, sums.busy_ns).bind(8, sums.cost).bind(9, sums.prompt_tokens).bind(10, sums.completion_tokens);
  hour->bind(11, int64_t{sums.last_ended.time_since_epoch().count()});
  damaged == Damaged::kHour ? hour->bind(12, 12345) : hour->bind_checksum(12);
  ASSERT_TRUE(hour->run());
}

TEST(UsageMigration, TheFirstRecordsAreReadStillAndBilledTheSame) {
  const io::FolderForTest folder;
  const domain::UsageRecord record = usage_for_test(8);
  ASSERT_NO_FATAL_FAILURE(write_first(folder.path(), record, Damaged::kNothing));
  const auto store = UsageStore::open(folder.path());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(*(*store)->find(record.call), record);
  EXPECT_EQ((*store)->bill({.by_tenant = true})->front().cost, record.cost);
  domain::UsageRecord next = usage_for_test(12, record.endpoint, record.ended);
  next.tier = record.tier;
  ASSERT_TRUE((*store)->append(std::span(&next, 1)));
  EXPECT_EQ((*store)->bill({})->front().cost, record.cost + next.cost) << "added to the same hour";
}

TEST(UsageMigration, BlessesNoDamage) {
  for (const Damaged damaged : {Damaged::kRecord, Damaged::kHour}) {
    const io::FolderForTest folder;
    const domain::UsageRecord record = usage_for_test(8);
    ASSERT_NO_FATAL_FAILURE(write_first(folder.path(), record, damaged));
    const auto store = UsageStore::open(folder.path());
    ASSERT_TRUE(store) << store.error().message;
    const bool read = (*store)->find(record.call).has_value();
    const bool summed = (*store)->bill({}).has_value();
    EXPECT_EQ(read, damaged != Damaged::kRecord);
    EXPECT_EQ(summed, damaged != Damaged::kHour);
  }
}

}  // namespace
}  // namespace ebb::store
