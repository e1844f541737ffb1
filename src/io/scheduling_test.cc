// What the kernel says of a thread before and after.
#include "io/scheduling.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <thread>

namespace ebb::io {
namespace {

// The fourth word of the kernel's struct sched_attr.
uint64_t slice_of_this_thread() {
  std::array<uint64_t, 7> words{};
  EXPECT_EQ(::syscall(SYS_sched_getattr, 0, words.data(), sizeof words, 0), 0);
  return words[3];
}

bool kernel_knows_slices() {
  utsname name{};
  int major = 0;
  int minor = 0;
  return ::uname(&name) == 0 && std::sscanf(name.release, "%d.%d", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 12));
}

TEST(ShortSlices, AreOfTheThreadThatAsks) {
  const uint64_t before = slice_of_this_thread();
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  std::thread([nice] {
    ask_for_short_slices();
    if (kernel_knows_slices()) {
      EXPECT_EQ(slice_of_this_thread(), 100'000U);
    }
    EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), nice);
  }).join();
  EXPECT_EQ(slice_of_this_thread(), before);
}

}  // namespace
}  // namespace ebb::io
