// Usage as earlier versions wrote it is read still, and its bills are the same.
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
  EXPECT_EQ(*(*store)->book(0, 10), (std::vector{BookEntry{.number = 1, .record = record, .link = link_after("", record)}}));
  EXPECT_EQ((*store)->bill({.by_tenant = true})->front().cost, record.cost);
  EXPECT_EQ((*store)->bill({})->front().mib_ms, record.billed_ms * record.memory_mib);
  domain::UsageRecord next = usage_for_test(12, record.endpoint, record.ended);
  next.tier = record.tier;
  ASSERT_TRUE((*store)->append(std::span(&next, 1)));
  EXPECT_EQ((*store)->bill({})->front().cost, record.cost + next.cost) << "added to the same hour";
}

// Without memory × billed time in the sums of hours: it follows from the records.
void write_second(const std::filesystem::path& home, const std::vector<domain::UsageRecord>& records, CallId damaged = {}) {
  constexpr std::array kSecond{kUsageSchema[0], kUsageSchema[1]};
  Result<Database> database = Database::open(home / "usage.db", kSecond);
  ASSERT_TRUE(database);
  std::map<UsageKey, UsageSums> hours;
  for (const domain::UsageRecord& r : records) {
    Result<Statement> record = database->prepare("INSERT INTO usage VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    ASSERT_TRUE(record);
    record->bind(1, static_cast<int64_t>(r.call.value)).bind(2, r.endpoint).bind(3, static_cast<int64_t>(r.revision.value));
    record->bind(4, int64_t{r.ended.time_since_epoch().count()}).bind(5, to_string(r.tier)).bind(6, to_string(r.outcome));
    record->bind(7, int64_t{r.queued.count()}).bind(8, int64_t{r.start.count()}).bind(9, int64_t{r.busy.count()}).bind(10, int64_t{r.first_byte.count()});
    record->bind(11, int64_t{r.total.count()}).bind(12, r.billed_ms).bind(13, r.memory_mib).bind(14, r.cost).bind(15, r.prompt_tokens);
    record->bind(16, r.completion_tokens).bind(17, r.tenant).bind(18, r.key);
    r.call == damaged ? record->bind(19, 12345) : record->bind_checksum(19);
    ASSERT_TRUE(record->run());
    hours[key_of(r)] += sums_of(r);
  }
  for (const auto& [key, sums] : hours) {
    Result<Statement> hour = database->prepare("INSERT INTO usage_hours VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    ASSERT_TRUE(hour);
    hour->bind(1, int64_t{key.hour.time_since_epoch().count()}).bind(2, key.endpoint).bind(3, key.tier).bind(4, key.tenant).bind(5, key.key);
    hour->bind(6, sums.calls).bind(7, sums.faults).bind(8, sums.billed_ms).bind(9, sums.busy_ns).bind(10, sums.cost).bind(11, sums.prompt_tokens);
    hour->bind(12, sums.completion_tokens).bind(13, int64_t{sums.last_ended.time_since_epoch().count()}).bind_checksum(14);
    ASSERT_TRUE(hour->run());
  }
}

TEST(UsageMigration, MemoryTimesTimeOfTheSecondFollowsFromItsRecords) {
  const io::FolderForTest folder;
  std::vector<domain::UsageRecord> records;
  // Hours before 1970 too, which a division that rounds to zero would put together.
  for (uint64_t id = 1; id <= 60; ++id)
    records.push_back(usage_for_test(id, id % 2 == 0 ? "chat" : "other", WallTime(std::chrono::minutes(id * 7) - std::chrono::hours(3))));
  ASSERT_NO_FATAL_FAILURE(write_second(folder.path(), records));
  const auto store = UsageStore::open(folder.path());
  ASSERT_TRUE(store) << store.error().message;
  const BillFilter all{.by_endpoint = true, .by_day = true, .by_tier = true, .by_tenant = true, .by_key = true};
  EXPECT_EQ(*(*store)->bill(all), bill_for_test(records, all));
  for (int64_t hour = -3; hour < 4; ++hour) {
    const BillFilter one{.from = WallTime(std::chrono::hours(hour)), .to = WallTime(std::chrono::hours(hour + 1))};
    EXPECT_EQ(*(*store)->bill(one), bill_for_test(records, one)) << hour;
  }
}

TEST(UsageMigration, AsManyAsThereAreAndADamagedRecordIsLeftOut) {
  const io::FolderForTest folder;
  std::vector<domain::UsageRecord> records = {usage_for_test(12), usage_for_test(24), usage_for_test(36)};
  for (domain::UsageRecord& record : records)
    record.tier = domain::Tier::kWarm;
  records[0].billed_ms = std::numeric_limits<int64_t>::max();
  ASSERT_NO_FATAL_FAILURE(write_second(folder.path(), {records[1], records[2]}, records[2].call));
  const auto sound = UsageStore::open(folder.path());
  ASSERT_TRUE(sound) << sound.error().message;
  EXPECT_EQ((*sound)->bill({})->front().mib_ms, records[1].billed_ms * records[1].memory_mib);
  const io::FolderForTest full;
  ASSERT_NO_FATAL_FAILURE(write_second(full.path(), {records[0], records[1]}));
  const auto most = UsageStore::open(full.path());
  ASSERT_TRUE(most) << most.error().message;
  EXPECT_EQ((*most)->bill({})->front().mib_ms, std::numeric_limits<int64_t>::max());
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
