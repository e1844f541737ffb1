// Rows of tick counters.
#include "instance/cpu.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace ebb::instance {
namespace {

TEST(ParseCpuLine, CountsEverythingButIdleAsBusy) {
  const CpuTimes times = parse_cpu_line("cpu  10 2 30 400 50 6 7 8 99 99");
  EXPECT_EQ(times.busy_ticks, 10U + 2 + 30 + 6 + 7 + 8);
  EXPECT_EQ(times.total_ticks, 10U + 2 + 30 + 400 + 50 + 6 + 7 + 8);
  EXPECT_EQ(parse_cpu_line("").total_ticks, 0U);
}

TEST(ParseProcessTicks, SkipsTheName) {
  EXPECT_EQ(parse_process_ticks("42 (a ) 9 b) S 1 2 3 4 5 6 7 8 9 10 700 30 0 0"), 730U);
  EXPECT_EQ(parse_process_ticks("42 (cut"), 0U);
  EXPECT_EQ(parse_process_ticks("42 (a) S 1"), 0U);
}

TEST(ParseRunnable, IsTheFourthFieldsFirstPart) {
  EXPECT_EQ(parse_runnable("0.48 1.03 1.22 2/345 6789"), 2);
  EXPECT_EQ(parse_runnable("0.48 1.03 1.22"), 0);
  EXPECT_EQ(parse_runnable(""), 0);
  EXPECT_EQ(parse_runnable("a b c d/e"), 0);
}

TEST(CoresBusyElsewhere, Rows) {
  struct Row {
    const char* name;
    CpuTimes before;
    CpuTimes after;
    std::optional<double> busy;
  };
  const Row rows[] = {
      {"idle", {.busy_ticks = 0, .total_ticks = 10}, {.busy_ticks = 0, .total_ticks = 410}, 0.0},
      {"one core of two", {.busy_ticks = 100, .total_ticks = 1000}, {.busy_ticks = 300, .total_ticks = 1400}, 1.0},
      {"all ours", {.busy_ticks = 100, .total_ticks = 1000, .workers_ticks = 50}, {.busy_ticks = 500, .total_ticks = 1400, .workers_ticks = 450}, 0.0},
      {"half ours", {.busy_ticks = 0, .total_ticks = 10, .workers_ticks = 0}, {.busy_ticks = 400, .total_ticks = 410, .workers_ticks = 200}, 1.0},
      {"a worker went", {.busy_ticks = 0, .total_ticks = 10, .workers_ticks = 900}, {.busy_ticks = 200, .total_ticks = 410, .workers_ticks = 0}, 1.0},
      {"too soon", {.busy_ticks = 0, .total_ticks = 10}, {.busy_ticks = 10, .total_ticks = 20}, std::nullopt},
      {"never read before", {}, {.busy_ticks = 300, .total_ticks = 400}, std::nullopt},
  };
  for (const Row& row : rows)
    EXPECT_EQ(cores_busy_elsewhere(row.before, row.after, 2), row.busy) << row.name;
}

TEST(CpuWatch, CountsFromWhereItBegan) {
  CpuWatch watch(2);
  EXPECT_EQ(watch.read({.busy_ticks = 900, .total_ticks = 1000}), 0.0) << "what was before the first reading is not known";
  EXPECT_EQ(watch.read({.busy_ticks = 1100, .total_ticks = 1400}), 1.0);
  watch.begin({.busy_ticks = 1300, .total_ticks = 1800});
  EXPECT_EQ(watch.read({.busy_ticks = 1300, .total_ticks = 1810}), 1.0) << "too soon: what was known last";
  EXPECT_EQ(watch.read({.busy_ticks = 1300, .total_ticks = 1820}), 0.0) << "and nothing of the time before it began";
  EXPECT_EQ(watch.read({.busy_ticks = 1500, .total_ticks = 2020}), 2.0);
  watch.begin_alone({.busy_ticks = 1600, .total_ticks = 2120});
  EXPECT_EQ(watch.read({.busy_ticks = 1601, .total_ticks = 2121}), 0.0) << "nobody else ran when it began";
}

TEST(ReadCpuTimes, ReadsThisMachineAndThisProcess) {
  const CpuTimes times = read_cpu_times({{WorkerId{1}, ::getpid()}});
  EXPECT_GT(times.total_ticks, times.busy_ticks);
}

}  // namespace
}  // namespace ebb::instance
