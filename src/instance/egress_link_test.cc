// What is believed of ebb-egress, and when there is one: this test is the spawner and the process.
#include "instance/egress_link.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "io/fd_passing.h"
#include "wire/egress.pb.h"

namespace ebb::instance {
namespace {

using wire::FrameType;

Fd tcp_socket(uint32_t address, bool listening) {
  Fd made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(address)}, .sin_zero = {}};
  EXPECT_EQ(::bind(made.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  if (listening) {
    EXPECT_EQ(::listen(made.get(), 1), 0);
  }
  return made;
}

TEST(ListensOnLoopback, Rows) {
  EXPECT_TRUE(listens_on_loopback(tcp_socket(INADDR_LOOPBACK, true)));
  EXPECT_FALSE(listens_on_loopback(tcp_socket(INADDR_LOOPBACK, false)));
  EXPECT_FALSE(listens_on_loopback(tcp_socket(INADDR_ANY, true)));
  EXPECT_FALSE(listens_on_loopback(Fd(::socket(AF_UNIX, SOCK_STREAM, 0))));
  EXPECT_FALSE(listens_on_loopback(Fd(::dup(0))));
  EXPECT_FALSE(listens_on_loopback(Fd()));
}

wire::Frame ended_frame(uint64_t instance, int outcome, const std::string& what) {
  wire::pb::EgressEnded body;
  body.set_instance(instance);
  body.set_outcome(static_cast<wire::pb::EgressEnded::Outcome>(outcome));
  body.set_what(what);
  body.set_sent_bytes(5);
  return {.type = FrameType::kEgressEnded, .stream = 0, .body = body.SerializeAsString()};
}

TEST(ReadEgressEnded, TakesWhatItIsAndNoMore) {
  const Result<EgressEnded> ended = read_egress_ended(ended_frame(7, 1, "a\xff" + std::string(2'000, 'x')));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->worker, WorkerId{7});
  EXPECT_EQ(ended->outcome, EgressEnded::Outcome::kRefused);
  EXPECT_LT(ended->what.size(), 600U);
  EXPECT_EQ(ended->what.find('\xff'), std::string::npos);
  EXPECT_EQ(ended->sent_bytes, 5U);
  EXPECT_FALSE(read_egress_ended(ended_frame(7, 9, "")));
  EXPECT_FALSE(read_egress_ended({.type = FrameType::kEgressEnded, .stream = 0, .body = "\xff"}));
  EXPECT_FALSE(read_egress_ended({.type = FrameType::kLog, .stream = 0, .body = {}}));
}

class EgressLinkTest : public testing::Test {
 protected:
  // The process: what it was told, with how many sockets.
  struct Told {
    std::vector<FrameType> frames;
    size_t sockets = 0;
  };
  void start() {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    process_ = Fd(ends[1]);
    link_.started(Fd(ends[0]), "");
  }
  Told told() {
    turn();  // what is said in one turn of the loop is written after it
    Told all;
    wire::FrameReader reader(4'096);
    std::array<char, 4'096> buffer{};
    std::vector<Fd> came;
    for (ssize_t count = 0; (count = io::receive_some_with_fds(process_.get(), buffer, came)) > 0;)
      reader.feed({buffer.data(), static_cast<size_t>(count)});
    for (auto frame = reader.next(); frame && frame->has_value(); frame = reader.next())
      all.frames.push_back((*frame)->type);
    all.sockets = came.size();
    return all;
  }
  void say(const wire::Frame& frame) {
    const std::string bytes = wire::encode_frame(frame.type, frame.stream, frame.body);
    ASSERT_EQ(::send(process_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void open(uint64_t worker) { link_.open(WorkerId{worker}, {}, tcp_socket(INADDR_LOOPBACK, true)); }
  // Until nothing is to be done now.
  void turn() {
    loop_.restart();
    loop_.poll();
  }
  void until_asked(int times) {
    loop_.restart();
    while (asked_ < times)
      loop_.run_one();
  }

  io::asio::io_context loop_{1};
  int asked_ = 0;
  int killed_ = 0;
  std::vector<EgressEnded> ended_;
  EgressLink link_{loop_.get_executor(),
                   {.start = [this] { ++asked_; }, .kill = [this] { ++killed_; }, .report = [this](EgressEnded ended) { ended_.push_back(std::move(ended)); }}};
  Fd process_;
};

TEST_F(EgressLinkTest, LivesWhileItIsNeeded) {
  EXPECT_EQ(asked_, 0);
  open(1);
  open(2);
  EXPECT_EQ(asked_, 1);
  start();
  Told first = told();
  EXPECT_EQ(first.frames, (std::vector{FrameType::kEgressOpen, FrameType::kEgressOpen}));
  EXPECT_EQ(first.sockets, 2U);
  link_.close(WorkerId{1});
  EXPECT_EQ(told().frames, std::vector{FrameType::kEgressClose});
  link_.close(WorkerId{9});
  EXPECT_TRUE(told().frames.empty()) << "of one that it never had";
  link_.close(WorkerId{2});
  char byte = 0;
  EXPECT_EQ(::recv(process_.get(), &byte, 1, MSG_DONTWAIT), 0) << "its channel is closed";
  // Asked for while the old one ends: a new one comes when that is gone.
  open(3);
  EXPECT_EQ(asked_, 1);
  link_.ended("exit 0");
  EXPECT_EQ(asked_, 2);
}

TEST_F(EgressLinkTest, ComesAgainWithAllThatIsOpen) {
  open(1);
  start();
  open(2);
  EXPECT_EQ(told().sockets, 2U);
  turn();
  link_.ended("signal 9");
  until_asked(2);
  start();
  EXPECT_EQ(told().sockets, 2U);
  link_.ended("signal 9");
  link_.close(WorkerId{1});
  link_.close(WorkerId{2});
  turn();
  EXPECT_EQ(asked_, 2) << "nobody needs it any more";
}

TEST_F(EgressLinkTest, TellsOfThoseThatAreOpenAndKillsOneThatTalksNonsense) {
  open(1);
  start();
  turn();
  say(ended_frame(1, 0, ""));
  say(ended_frame(2, 0, ""));
  turn();
  ASSERT_EQ(ended_.size(), 1U);
  EXPECT_EQ(ended_[0].worker, WorkerId{1});
  EXPECT_EQ(killed_, 0);
  say({.type = FrameType::kLog, .stream = 0, .body = {}});
  turn();
  EXPECT_EQ(killed_, 1);
}

}  // namespace
}  // namespace ebb::instance
