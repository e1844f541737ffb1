// Reading /proc's files, and ourselves.
#include "instance/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace ebb::instance {
namespace {

TEST(ReadKilobytes, Rows) {
  constexpr std::string_view kText = "MemTotal:       24689664 kB\nMemFree:  12 kB\nMemAvailable:   7 kB";
  EXPECT_EQ(read_kilobytes(kText, "MemTotal:"), 24689664ULL * 1024);
  EXPECT_EQ(read_kilobytes(kText, "MemAvailable:"), 7U * 1024);
  EXPECT_EQ(read_kilobytes(kText, "Pss:"), 0U);
  EXPECT_EQ(read_kilobytes("", "Pss:"), 0U);
  EXPECT_EQ(read_kilobytes("Pss:", "Pss:"), 0U);
}

TEST(ProcessBytes, Rows) {
  EXPECT_EQ(process_bytes("55d0-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 900 kB\nPss: 500 kB\nPss_Anon: 400 kB\nLazyFree: 120 kB\n"), 380U * 1024);
  EXPECT_EQ(process_bytes("Pss: 500 kB\n"), 500U * 1024) << "an older kernel";
  EXPECT_EQ(process_bytes("Pss: 5 kB\nLazyFree: 7 kB\n"), 0U) << "read while it changed";
  EXPECT_EQ(process_bytes(""), 0U) << "gone";
}

TEST(HugePageBytes, AddsAllKinds) {
  EXPECT_EQ(huge_page_bytes("Pss: 9000 kB\nAnonHugePages: 2048 kB\nShmemPmdMapped: 0 kB\nFilePmdMapped: 4096 kB\n"), 6144U * 1024);
  EXPECT_EQ(huge_page_bytes(""), 0U);
}

TEST(Measure, SeesThisProcessAndSkipsOneThatIsGone) {
  const MemoryReadings readings = measure({{WorkerId{1}, ::getpid()}, {WorkerId{2}, 0x7FFFFFF0}});
  ASSERT_EQ(readings.pss_bytes.size(), 1U);
  EXPECT_EQ(readings.pss_bytes[0].first, WorkerId{1});
  EXPECT_GT(readings.pss_bytes[0].second, 100'000U);
  EXPECT_GT(readings.node_available_bytes, 0U);
  EXPECT_GE(node_memory_bytes(), readings.node_available_bytes);
}

}  // namespace
}  // namespace ebb::instance
