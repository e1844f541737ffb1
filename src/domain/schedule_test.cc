// What is provisioned when, and until when.
#include "domain/schedule.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "domain/cron_for_test.h"
#include "domain/limits.h"

namespace ebb::domain {
namespace {

ProvisionedAt entry(std::string_view line, std::string_view zone, int provisioned) { return {.cron = *Cron::parse(line, zone), .provisioned = provisioned}; }

TEST(ProvisionedAt, Rows) {
  const Scaling none{.provisioned = 3};
  const Scaling office{.schedule = {entry("0 8 * * 1-5", "Europe/Berlin", 2), entry("0 18 * * 1-5", "Europe/Berlin", 0)}};
  const Scaling launch{.provisioned = 1, .schedule = {entry("0 12 29 2 *", "", 5)}};
  // The smaller number first and last, and in another zone.
  const Scaling same{.schedule = {entry("0 8 * * *", "UTC", 1), entry("0 8 * * *", "UTC", 4), entry("45 13 * * *", "Asia/Kathmandu", 2)}};
  const Scaling night{.schedule = {entry("30 2 * * *", "Europe/Berlin", 6), entry("0 3 * * *", "Europe/Berlin", 1)}};
  const struct {
    const Scaling& scaling;
    const char* now;
    int slots;
    const char* until;
  } rows[] = {
      {none, "2026-01-01 00:00", 3, ""},
      {office, "2026-01-05 06:59", 0, "2026-01-05 07:00"},
      {office, "2026-01-05 07:00", 2, "2026-01-05 17:00"},
      {office, "2026-01-05 16:59", 2, "2026-01-05 17:00"},
      {office, "2026-01-05 17:00", 0, "2026-01-06 07:00"},
      {office, "2026-01-10 12:00", 0, "2026-01-12 07:00"},  // Friday's last one holds for the weekend
      {office, "2026-03-30 06:00", 2, "2026-03-30 16:00"},
      {same, "2026-01-05 08:00", 4, "2026-01-06 08:00"},
      {launch, "2028-02-29 11:59", 1, "2028-02-29 12:00"},
      {launch, "2028-02-29 12:00", 5, "2029-03-02 12:00"},
      {launch, "2029-03-02 11:59", 5, "2029-03-02 12:00"},
      {launch, "2029-03-02 12:00", 1, "2032-02-29 12:00"},
      {launch, "2027-02-28 00:00", 1, "2028-02-29 12:00"},
      {night, "2026-03-29 00:59", 1, "2026-03-29 01:00"},
      {night, "2026-03-29 01:00", 6, "2026-03-30 00:30"},  // both when the clocks go on
      {night, "2026-10-25 00:30", 6, "2026-10-25 02:00"},  // through both hours
      {night, "2026-10-25 01:15", 6, "2026-10-25 02:00"},
  };
  for (const auto& row : rows) {
    const Provision provision = provisioned_at(row.scaling, utc_for_test(row.now));
    EXPECT_EQ(provision.slots, row.slots) << row.now;
    EXPECT_EQ(provision.until ? text_for_test(*provision.until) : "", row.until) << row.now;
  }
}

TEST(ProvisionedAt, NothingChangesBefore) {
  const char* given = std::getenv("EBB_SEED");
  const uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  for (uint64_t seed = first; seed < first + (given != nullptr ? 1 : 200) && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "repeat with EBB_SEED=" << seed);
    RandomCron random(seed);
    Scaling scaling{.provisioned = random.pick(0, 16)};
    for (int i = random.pick(1, 4); i > 0; --i)
      scaling.schedule.push_back(entry(random.line(), random.zone(), random.pick(0, 16)));
    const WallTime now = random.time();
    const Provision provision = provisioned_at(scaling, now);
    if (!provision.until) continue;
    ASSERT_GT(*provision.until, now);
    for (int i = 0; i < 20; ++i) {
      const auto span = (*provision.until - now).count();
      const WallTime time = now + milliseconds(i == 0 ? span - 1 : span * random.pick(0, 999) / 1000);
      ASSERT_EQ(provisioned_at(scaling, time), provision) << text_for_test(time);
    }
  }
}

TEST(ClashIn, NamesBothEntries) {
  EXPECT_FALSE(clash_in({}));
  EXPECT_FALSE(clash_in({entry("0 8 * * *", "", 2), entry("0 8 * * *", "", 2), entry("0 9 * * *", "", 0)})) << "the same number is no clash";
  const auto clash = clash_in({entry("0 8 * * *", "", 2), entry("0 9 * * *", "", 0), entry("0 9 * * 1", "", 1)});
  ASSERT_TRUE(clash);
  EXPECT_EQ(clash->first, 1U);
  EXPECT_EQ(clash->second, 2U);
}

TEST(MostProvisioned, OfAllThatIsSaid) {
  EXPECT_EQ(most_provisioned({}), 0);
  EXPECT_EQ(most_provisioned({.min = 2, .provisioned = 1}), 2);
  EXPECT_EQ(most_provisioned({.provisioned = 1, .schedule = {entry("0 8 * * *", "", 5), entry("0 9 * * *", "", 0)}}), 5);
}

}  // namespace
}  // namespace ebb::domain
