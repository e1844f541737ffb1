// Ids rise, also when the wall clock does not; and their text reads back.
#include "base/ids.h"

#include <gtest/gtest.h>

namespace ebb {
namespace {

TEST(Ids, TextReadsBack) {
  for (const uint64_t value : {uint64_t{1}, uint64_t{0xdeadbeef}, ~uint64_t{0}})
    EXPECT_EQ(from_hex(to_hex(value)), value);
  for (const char* bad : {"", "1", "00000000000000000", "000000000000000g", "0x00000000000000"})
    EXPECT_EQ(from_hex(bad), 0U) << bad;
}

TEST(IdSource, RisesOverRestartsEvenWhenTheClockWentBack) {
  IdSource first(1'000'000);
  const uint64_t used = first.next();
  EXPECT_GT(first.next(), used);
  IdSource later(1'000'001);
  EXPECT_GT(later.next(), used);
  IdSource earlier(500);
  earlier.skip_past(used);
  EXPECT_GT(earlier.next(), used);
}

}  // namespace
}  // namespace ebb
