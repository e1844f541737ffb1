// Frames over a socket pair: in order, with descriptors, and the end of a peer that misbehaves.
#include "instance/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/fd_passing.h"

namespace ebb::instance {
namespace {

using wire::FrameType;

struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    peer = Fd(ends[1]);
    channel = std::make_unique<Channel>(loop.get_executor(), Fd(ends[0]), 1024);
  }

  // What one receive() gives.
  Result<std::vector<wire::Frame>> receive() {
    Result<std::vector<wire::Frame>> got = fail(ErrorKind::kInternal, "nothing came");
    io::asio::co_spawn(loop, take(*channel, got), io::asio::detached);
    loop.run();
    loop.restart();
    return got;
  }
  static io::Task<void> take(Channel& channel, Result<std::vector<wire::Frame>>& got) {
    Result<std::vector<wire::Frame>> frames = co_await channel.receive();
    got = std::move(frames);
  }
  void write(std::string_view bytes) const { ASSERT_EQ(::write(peer.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size())); }

  io::asio::io_context loop;
  std::unique_ptr<Channel> channel;
  Fd peer;
};

TEST(Channel, CutsWhatArrivesIntoFrames) {
  Pair pair;
  pair.write(wire::encode_frame(FrameType::kReady, 0, "one") + wire::encode_frame(FrameType::kText, 7, "two"));
  const auto frames = pair.receive();
  ASSERT_TRUE(frames);
  ASSERT_EQ(frames->size(), 2U);
  EXPECT_EQ((*frames)[0].body, "one");
  EXPECT_EQ((*frames)[1].stream, 7U);
}

TEST(Channel, DeliversWhatCameBeforeTheEnd) {
  Pair pair;
  pair.write(wire::encode_frame(FrameType::kLoadFailed, 0, "why"));
  pair.peer.reset();
  ASSERT_TRUE(pair.receive());
  EXPECT_EQ(pair.receive().error().kind, ErrorKind::kUnavailable);
}

TEST(Channel, RefusesAFrameThatIsTooLong) {
  Pair pair;
  pair.write(wire::encode_frame(FrameType::kText, 1, std::string(1025, 'x')).substr(0, wire::kFrameHeaderBytes));
  EXPECT_EQ(pair.receive().error().kind, ErrorKind::kCorrupt);
}

TEST(Channel, HandsADescriptorOver) {
  Pair pair;
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const Fd in(pipe_ends[1]);
  ASSERT_TRUE(pair.channel->send(FrameType::kLoad, 0, "load", Fd(pipe_ends[0])));
  char buffer[256];
  std::vector<Fd> came;
  EXPECT_EQ(io::receive_some_with_fds(pair.peer.get(), buffer, came), static_cast<ssize_t>(wire::kFrameHeaderBytes + 4));
  ASSERT_EQ(came.size(), 1U);
  ASSERT_EQ(::write(in.get(), "x", 1), 1);
  EXPECT_EQ(::read(came[0].get(), buffer, 1), 1);
}

TEST(Channel, KeepsTheOrderWhenThePeerReadsLate) {
  Pair pair;
  const std::string body(512 * 1024, 'b');  // more than the socket holds
  ASSERT_TRUE(pair.channel->send(FrameType::kExecute, 1, body));
  ASSERT_TRUE(pair.channel->send(FrameType::kExecute, 2, "last"));
  wire::FrameReader reader(1 << 20);
  std::vector<uint64_t> streams;
  char buffer[64 * 1024];
  while (streams.size() < 2) {
    const ssize_t count = ::recv(pair.peer.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (count > 0) reader.feed(std::string_view(buffer, static_cast<size_t>(count)));
    for (auto next = reader.next(); next && next->has_value(); next = reader.next())
      streams.push_back((*next)->stream);
    if (count <= 0) {
      ASSERT_GT(pair.loop.run_one_for(std::chrono::seconds(10)), 0U);
    }
  }
  EXPECT_EQ(streams, (std::vector<uint64_t>{1, 2}));
}

TEST(Channel, GivesUpOnAPeerThatReadsNothing) {
  Pair pair;
  const std::string body(8 * 1024 * 1024, 'b');
  Status sent;
  for (size_t total = 0; total <= kChannelBacklogMax + body.size() && sent; total += body.size())
    sent = pair.channel->send(FrameType::kExecute, 1, body);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace ebb::instance
