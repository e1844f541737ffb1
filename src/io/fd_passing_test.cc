// Descriptors over a socket pair: what arrives, how, and that nothing is kept that was not asked for.
#include "io/fd_passing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

namespace ebb::io {
namespace {

class FdPassingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours_ = Fd(ends[0]);
    theirs_ = Fd(ends[1]);
    null_ = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  static size_t open_descriptors() {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
  }
  static bool same_file(int a, int b) {
    struct stat one {};
    struct stat two {};
    return ::fstat(a, &one) == 0 && ::fstat(b, &two) == 0 && one.st_ino == two.st_ino && one.st_dev == two.st_dev;
  }
  // What a hostile peer may send: many descriptors with one byte.
  void send_many(size_t count) {
    std::vector<int> fds(count, null_.get());
    std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
    char byte = 'x';
    iovec data{.iov_base = &byte, .iov_len = 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), count * sizeof(int));
    ASSERT_EQ(::sendmsg(ours_.get(), &message, 0), 1);
  }

  Fd ours_;
  Fd theirs_;
  Fd null_;
  std::array<char, 64> buffer_{};
  std::vector<Fd> came_;
};

TEST_F(FdPassingTest, ADescriptorComesWithTheFirstByte) {
  ASSERT_EQ(send_some_with_fd(ours_.get(), "hello", null_.get()), 5);
  ASSERT_EQ(receive_some_with_fds(theirs_.get(), std::span(buffer_).first(1), came_), 1);
  ASSERT_EQ(came_.size(), 1U);
  EXPECT_TRUE(same_file(came_[0].get(), null_.get()));
  EXPECT_NE(came_[0].get(), null_.get());
  EXPECT_NE(::fcntl(came_[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(receive_some_with_fds(theirs_.get(), buffer_, came_), 4);
  EXPECT_EQ(came_.size(), 1U);
  EXPECT_EQ(std::string(buffer_.data(), 4), "ello");
}

TEST_F(FdPassingTest, PlainBytesBringNone) {
  ASSERT_EQ(::send(ours_.get(), "abc", 3, 0), 3);
  EXPECT_EQ(receive_some_with_fds(theirs_.get(), buffer_, came_), 3);
  EXPECT_TRUE(came_.empty());
}

TEST_F(FdPassingTest, WhatIsTooManyIsClosed) {
  const size_t before = open_descriptors();
  send_many(kPassedFdsMax + 100);
  ASSERT_EQ(receive_some_with_fds(theirs_.get(), buffer_, came_), 1);
  EXPECT_EQ(came_.size(), kPassedFdsMax);
  EXPECT_EQ(open_descriptors(), before + kPassedFdsMax);
}

TEST_F(FdPassingTest, NeverWaits) {
  EXPECT_EQ(receive_some_with_fds(theirs_.get(), buffer_, came_), -1);
  EXPECT_EQ(errno, EAGAIN);
  const std::string much(size_t{1} << 20U, 'x');
  ssize_t sent = 0;
  while ((sent = send_some_with_fd(ours_.get(), much, null_.get())) > 0)
    EXPECT_LE(static_cast<size_t>(sent), much.size());
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(FdPassingTest, TheEndAndALostPeerAreNoSignals) {
  theirs_.reset();
  EXPECT_EQ(send_some_with_fd(ours_.get(), "x", null_.get()), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(receive_some_with_fds(ours_.get(), buffer_, came_), 0);
}

}  // namespace
}  // namespace ebb::io
