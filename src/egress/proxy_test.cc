// Bounds of the proxy, in one process: a function's connections are this test's, and nothing leaves it.
#include "egress/proxy.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "domain/limits.h"

namespace ebb::egress {
namespace {

class ProxyTest : public testing::Test {
 protected:
  ProxyTest() {
    Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener.get(), 256), 0);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address_), &size), 0);
    proxy_.open(1, {}, std::move(listener));
  }
  ~ProxyTest() override {
    proxy_.close(1);
    turn();
  }

  // Until nothing is to be done now.
  void turn() {
    loop_.restart();
    loop_.poll();
  }
  Fd connect() {
    Fd made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(made.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_), 0);
    turn();
    return made;
  }
  void say(const Fd& socket, const std::string& text) {
    EXPECT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    turn();
  }
  // What is there; "closed" if that is all.
  static std::string heard(const Fd& socket) {
    char buffer[4'096];
    const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return count > 0 ? std::string(buffer, static_cast<size_t>(count)) : count == 0 ? "closed" : "";
  }

  io::asio::io_context loop_{1};
  io::SystemClock clock_;
  Resolver resolver_;
  std::vector<Ended> ended_;
  Proxy proxy_{loop_.get_executor(), resolver_, clock_, own_addresses, [this](const Ended& ended) { ended_.push_back(ended); }};
  sockaddr_in address_{};
};

TEST_F(ProxyTest, RefusesWithASentence) {
  const Fd client = connect();
  say(client, "CONNECT 10.0.0.1:443 HTTP/1.1\r\n\r\n");
  const std::string answer = heard(client);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_NE(answer.find("10.0.0.1 is a private network (RFC 1918)"), std::string::npos) << answer;
  proxy_.close(1);
  turn();
  ASSERT_EQ(ended_.size(), 1U);
  EXPECT_EQ(ended_[0].outcome, Ended::Outcome::kRefused);
}

TEST_F(ProxyTest, HoldsSoManyConnectionsAndNoMore) {
  std::vector<Fd> clients;
  for (size_t i = 0; i < domain::kEgressConnectionsPerInstanceMax; ++i)
    clients.push_back(connect());
  EXPECT_EQ(heard(clients.back()), "");
  const Fd late = connect();
  EXPECT_EQ(heard(late), "closed");
  ASSERT_EQ(ended_.size(), 1U);
  EXPECT_EQ(ended_[0].outcome, Ended::Outcome::kFailed);
  clients.erase(clients.begin());
  turn();
  EXPECT_EQ(heard(connect()), "") << "there is room again";
}

TEST_F(ProxyTest, EndsWithItsInstance) {
  const Fd client = connect();
  proxy_.close(1);
  turn();
  EXPECT_EQ(heard(client), "closed");
  const Fd late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_NE(::connect(late.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_), 0) << "nobody listens any more";
}

TEST_F(ProxyTest, TellsOfSoManyRefusalsAndCountsTheRest) {
  for (int i = 0; i < domain::kEgressLinesPerSecondMax * 3; ++i) {
    const Fd client = connect();
    say(client, "GET http://127.0.0.1/ HTTP/1.1\r\n\r\n");
  }
  turn();
  EXPECT_EQ(ended_.size(), static_cast<size_t>(domain::kEgressLinesPerSecondMax) * 3);
  const auto told = std::ranges::count_if(ended_, [](const Ended& ended) { return !ended.what.empty(); });
  EXPECT_GE(told, domain::kEgressLinesPerSecondMax);
  EXPECT_LE(told, domain::kEgressLinesPerSecondMax * 2) << "unless it took several seconds";
}

TEST_F(ProxyTest, AHeadThatIsTooLongIsRefused) {
  const Fd client = connect();
  say(client, "GET http://a/ HTTP/1.1\r\nX: " + std::string(domain::kEgressHeadBytesMax, 'x'));
  EXPECT_TRUE(heard(client).starts_with("HTTP/1.1 431 "));
}

}  // namespace
}  // namespace ebb::egress
