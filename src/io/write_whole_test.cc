// A descriptor that takes less than all at once, and one that takes nothing.
#include "io/write_whole.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>

#include "base/fd.h"

namespace ebb::io {
namespace {

TEST(WriteWhole, GoesOnUntilAPipeThatIsFullHasTakenAll) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd from(ends[0]);
  Fd to(ends[1]);
  const std::string sent(300'000, 'x');  // a pipe takes 64 KiB
  std::string came;
  std::thread reader([&] {
    std::string part(10'000, '\0');
    for (ssize_t count = 1; count > 0; came.append(part, 0, static_cast<size_t>(count)))
      count = std::max<ssize_t>(::read(from.get(), part.data(), part.size()), 0);
  });
  EXPECT_EQ(write_whole(to.get(), sent), 0);
  to.reset();
  reader.join();
  EXPECT_EQ(came, sent);
}

TEST(WriteWhole, AtItsPlaceOrNotAtAll) {
  const Fd file(::memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(write_whole_at(file.get(), "tail", 4), 0);
  ASSERT_EQ(write_whole_at(file.get(), "head", 0), 0);
  std::string all(9, '\0');
  ASSERT_EQ(::pread(file.get(), all.data(), all.size(), 0), 8);
  EXPECT_EQ(all.substr(0, 8), "headtail");
  EXPECT_EQ(write_whole(-1, "x"), EBADF);
  EXPECT_EQ(write_whole(-1, ""), 0);
}

}  // namespace
}  // namespace ebb::io
