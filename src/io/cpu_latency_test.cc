// What the kernel's device is told. A plain file stands for it, which keeps all that was written.
#include "io/cpu_latency.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <fstream>

#include "io/folder_for_test.h"

namespace ebb::io {
namespace {

TEST(CpuLatency, AsksForNoneAtAllAndTakesItBack) {
  const FolderForTest folder;
  const std::string device = folder.write("latency", "");
  Result<CpuLatency> latency = CpuLatency::open(device);
  ASSERT_TRUE(latency) << latency.error().message;
  latency->keep_awake(true);
  latency->keep_awake(false);
  std::array<int32_t, 3> told{};
  std::ifstream(device, std::ios::binary).read(reinterpret_cast<char*>(told.data()), sizeof told);
  EXPECT_EQ(told, (std::array<int32_t, 3>{0, 2'000'000'000, 0}));
}

TEST(CpuLatency, SaysWhyItCannotAsk) {
  const FolderForTest folder;
  const Result<CpuLatency> latency = CpuLatency::open(folder.path("none"));
  ASSERT_FALSE(latency);
  EXPECT_EQ(latency.error().kind, ErrorKind::kUnavailable);
  EXPECT_NE(latency.error().message.find("none cannot be opened: No such file"), std::string::npos) << latency.error().message;
}

}  // namespace
}  // namespace ebb::io
