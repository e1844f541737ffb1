// Requests to functions: what passes, both directions at once, and what a client sees when something breaks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "gateway/test_server.h"

namespace ebb::gateway {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct FunctionServer : TestServer {
  FunctionServer() {
    on_loop([this] { platform.make_function("f"); });
  }
  std::shared_ptr<invoke::CallStream> stream() {
    until([this] { return !platform.seen_.empty(); });
    return on_loop([this] { return platform.seen_.back().stream; });
  }
  domain::HttpRequest request() {
    return on_loop([this] { return std::get<domain::HttpRequest>(platform.seen_.back().call.input); });
  }
  void push(const std::shared_ptr<invoke::CallStream>& to, domain::CallEvent event) {
    on_loop([&] { to->push(std::move(event)); });
  }
  std::string input() {
    return on_loop([this] { return platform.input_; });
  }
};

std::string header(const domain::HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name) return value;
  return "(none)";
}

TEST(InvokeFunction, MethodTargetAndHeadersPassAsTheyCame) {
  FunctionServer server;
  Client client(server);
  ASSERT_TRUE(
      client.send("PATCH /invoke/f/a%2Fb/c?x=%20y&x HTTP/1.1\r\nHost: localhost\r\nX-Mine: 1\r\nConnection: keep-alive, X-Mine\r\nContent-Length: 0\r\n\r\n"));
  const auto stream = server.stream();
  const domain::HttpRequest request = server.request();
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.target, "/a%2Fb/c?x=%20y&x");
  EXPECT_FALSE(request.has_body);
  EXPECT_EQ(header(request, "X-Mine"), "(none)") << "what Connection names is this connection's affair";
  EXPECT_THAT(header(request, "X-Request-Id"), StartsWith("req_"));
  server.push(stream, domain::Started{});
  server.push(stream, domain::HttpHead{.status = 418, .headers = {{"X-Theirs", "2"}, {"Content-Length", "3"}, {"Ebb-Cost", "0"}, {"Keep-Alive", "x"}}});
  server.push(stream, domain::Bytes{.data = "tea"});
  const std::string answer = client.read_until("tea");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 418 "));
  EXPECT_THAT(answer, HasSubstr("X-Theirs: 2\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Ebb-Cost")));
  EXPECT_THAT(answer, Not(HasSubstr("Keep-Alive")));
  EXPECT_THAT(answer, Not(HasSubstr("nosniff")));
  EXPECT_THAT(answer, EndsWith("\r\n\r\ntea"));
  EXPECT_EQ(server.on_loop([&] { return server.platform.read_; }), 3U);
  server.push(stream, domain::Finished{});
}

TEST(InvokeFunction, NoPathIsTheRoot) {
  FunctionServer server;
  for (const auto& [target, seen] : std::vector<std::pair<std::string, std::string>>{{"/invoke/f", "/"}, {"/invoke/f/", "/"}, {"/invoke/f?a=b", "/?a=b"}}) {
    Client client(server);
    ASSERT_TRUE(client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const size_t before = server.on_loop([&] { return server.platform.seen_.size(); });
    server.until([&] { return server.platform.seen_.size() > before || before > 0; });
    const auto stream = server.stream();
    EXPECT_EQ(server.request().target, seen);
    server.push(stream, domain::HttpHead{.status = 204});
    server.push(stream, domain::Finished{});
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 204 "));
    server.on_loop([&] { server.platform.seen_.clear(); });
  }
}

TEST(InvokeFunction, BodyAndAnswerStreamAtTheSameTime) {
  FunctionServer server;
  Client client(server);
  ASSERT_TRUE(client.send("POST /invoke/f HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"));
  const auto stream = server.stream();
  EXPECT_TRUE(server.request().has_body);
  server.until([&] { return server.platform.input_ == "one"; });
  server.push(stream, domain::Started{});
  server.push(stream, domain::HttpHead{.status = 200, .headers = {{"Content-Type", "text/plain"}}});
  server.push(stream, domain::Bytes{.data = "first"});
  EXPECT_THAT(client.read_until("first"), HasSubstr("Transfer-Encoding: chunked"));
  ASSERT_TRUE(client.send("3\r\ntwo\r\n0\r\n\r\n"));
  server.until([&] { return server.platform.input_ == "onetwo|"; });
  server.push(stream, domain::Trailers{.headers = {{"X-Sum", "7"}}});
  server.push(stream, domain::Finished{});
  EXPECT_THAT(client.read_to_end(), HasSubstr("0\r\nX-Sum: 7\r\n\r\n"));
}

TEST(InvokeFunction, ABodyWaitsForItsWindow) {
  FunctionServer server;
  Client client(server);
  const std::string whole(3 * domain::kBodyWindowBytes, 'x');
  std::thread sender(
      [&] { client.send("POST /invoke/f HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(whole.size()) + "\r\n\r\n" + whole); });
  const auto stream = server.stream();
  server.until([&] { return server.platform.input_.size() > domain::kBodyWindowBytes - domain::kBodyPieceBytesMax; });
  for (int turn = 0; turn < 1'000; ++turn)
    server.on_loop([] {});
  EXPECT_LE(server.input().size(), domain::kBodyWindowBytes);
  while (server.input().size() < whole.size())
    server.on_loop([&] { stream->took(domain::kBodyPieceBytesMax); });
  sender.join();
  server.until([&] { return server.platform.input_.ends_with('|'); });
  server.push(stream, domain::HttpHead{.status = 200});
  server.push(stream, domain::Finished{});
  EXPECT_THAT(client.read_until("0\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST(InvokeFunction, ASlowReaderGetsAlsoWhatCameWhileItsSocketWasFull) {
  constexpr size_t kPieces = 400;
  const std::string piece(domain::kBodyPieceBytesMax / 2, 'x');
  FunctionServer server;
  Client client(server);
  ASSERT_TRUE(client.send("GET /invoke/f HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  const auto stream = server.stream();
  server.push(stream, domain::HttpHead{.status = 200, .headers = {{"Content-Length", std::to_string(kPieces * piece.size())}}});
  size_t pushed = 0;
  // As long as the server takes what comes; then its client's socket is full.
  for (bool takes = true; takes && pushed < kPieces;) {
    server.push(stream, domain::Bytes{.data = piece});
    ++pushed;
    for (int turn = 0; turn < 10; ++turn)
      takes = server.on_loop([&] { return server.platform.read_ == pushed * piece.size(); });
  }
  ASSERT_LT(pushed, kPieces);
  for (; pushed < kPieces; ++pushed)
    server.push(stream, domain::Bytes{.data = piece});
  server.push(stream, domain::Finished{});
  EXPECT_THAT(client.read_to_end(), EndsWith(piece));
}

TEST(InvokeFunction, AnEarlyAnswerEndsTheConnectionAfterIt) {
  FunctionServer server;
  Client client(server);
  ASSERT_TRUE(client.send("POST /invoke/f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nsome"));
  const auto stream = server.stream();
  server.push(stream, domain::HttpHead{.status = 413, .headers = {{"Content-Length", "2"}}});
  server.push(stream, domain::Bytes{.data = "no"});
  server.push(stream, domain::Finished{});
  const std::string answer = client.read_to_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_THAT(answer, EndsWith("no"));
}

TEST(InvokeFunction, AFailureBeforeTheHeadIsAnErrorAndLaterACut) {
  FunctionServer server;
  {
    Client client(server);
    ASSERT_TRUE(client.send("GET /invoke/f HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    server.push(server.stream(), domain::Failed{.error = {.kind = ErrorKind::kFunction, .message = "it exited with 1", .code = "function_exited"}});
    const std::string answer = client.read_response();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 502 "));
    EXPECT_THAT(answer, HasSubstr("function_exited"));
  }
  server.on_loop([&] { server.platform.seen_.clear(); });
  Client client(server);
  ASSERT_TRUE(client.send("GET /invoke/f HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const auto stream = server.stream();
  server.push(stream, domain::HttpHead{.status = 200});
  server.push(stream, domain::Bytes{.data = "half"});
  client.read_until("half");
  server.push(stream, domain::Failed{.error = {.kind = ErrorKind::kFunction, .message = "it exited with 1"}});
  EXPECT_EQ(client.read_to_end(), "\r\n") << "no last chunk: the client must see that something is missing";
}

TEST(InvokeFunction, AClientThatLeavesIsNoticed) {
  FunctionServer server;
  for (const char* rest : {"Content-Length: 0\r\n\r\n", "Content-Length: 5\r\n\r\nab", "Content-Length: 2\r\n\r\nab"}) {
    server.on_loop([&] {
      server.platform.seen_.clear();
      server.platform.left_.clear();
    });
    Client client(server);
    ASSERT_TRUE(client.send(std::string("POST /invoke/f HTTP/1.1\r\nHost: localhost\r\n") + rest));
    server.stream();
    client.reset();
    server.until([&] { return server.platform.left_.size() == 1; });
  }
}

TEST(InvokeFunction, ABrokenBodyIsToldAndTheCallLeft) {
  FunctionServer server;
  Client client(server);
  ASSERT_TRUE(client.send("POST /invoke/f HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"));
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 400 "));
  server.until([&] { return server.platform.left_.size() == 1; });
}

TEST(InvokeFunction, Refusals) {
  FunctionServer server;
  EXPECT_THAT(Client(server).ask("GET /invoke/nobody HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Client(server).ask("GET /invoke/chat HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr("runs a model, not a function"));
  EXPECT_THAT(Client(server).ask("GET /invoke/f HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
              StartsWith("HTTP/1.1 501 "));
}

TEST(InvokeFunction, HeadHasNoBodyAndConnectionsAreKept) {
  FunctionServer server;
  Client client(server);
  for (int i = 0; i < 3; ++i) {
    server.on_loop([&] { server.platform.seen_.clear(); });
    ASSERT_TRUE(client.send("HEAD /invoke/f HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const auto stream = server.stream();
    server.push(stream, domain::HttpHead{.status = 200, .headers = {{"Content-Length", "77"}}});
    server.push(stream, domain::Finished{});
    EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Content-Length: 77"));
  }
}

}  // namespace
}  // namespace ebb::gateway
