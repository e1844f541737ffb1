// Calls in, what the kernel's device is told out; a plain file stands for it. On the loop's own time.
#include "invoke/wakefulness.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "io/folder_for_test.h"

namespace ebb::invoke {
namespace {

TEST(Wakefulness, BeginsWithTenCallsAndEndsWithoutAny) {
  const io::FolderForTest folder;
  const std::filesystem::path device = folder.write("latency", "");
  io::asio::io_context loop;
  Wakefulness awake(loop.get_executor(), io::CpuLatency::open(device));
  const MonoTime now{seconds(1)};
  for (int i = 1; i < control::kCallsToWake; ++i)
    awake.call_came(now);
  EXPECT_FALSE(awake.awake());
  EXPECT_EQ(std::filesystem::file_size(device), 0U) << "the device is told nothing";
  awake.call_came(now);
  EXPECT_TRUE(awake.awake());
  EXPECT_EQ(awake.told(), "awake, since calls come close together");
  EXPECT_EQ(std::filesystem::file_size(device), sizeof(int32_t));
  loop.run();  // until no timer is left
  EXPECT_FALSE(awake.awake());
  EXPECT_EQ(std::filesystem::file_size(device), 2 * sizeof(int32_t));
}

TEST(Wakefulness, WhereTheMachineDoesNotLetItSaysSo) {
  const io::FolderForTest folder;
  io::asio::io_context loop;
  Wakefulness awake(loop.get_executor(), io::CpuLatency::open(folder.path("none")));
  for (int i = 0; i < 2 * control::kCallsToWake; ++i)
    awake.call_came(MonoTime{seconds(1)});
  EXPECT_FALSE(awake.awake());
  EXPECT_EQ(awake.told(), "asleep when idle: " + folder.path("none").string() + " cannot be opened: No such file or directory");
}

}  // namespace
}  // namespace ebb::invoke
