// Functions under an Idempotency-Key: bodies, bounds, and answers that broke off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "gateway/keyed_server_for_test.h"

namespace ebb::gateway {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(IdempotencyOfFunctions, AFunctionGetsItsBodyAndTheKey) {
  KeyedServer server;
  const std::string sent = std::string(100'000, 'a') + "z";
  const std::string request =
      "POST /invoke/f/x HTTP/1.1\r\nHost: localhost\r\n" + std::string(kKeyLine) + "Content-Length: " + std::to_string(sent.size()) + "\r\n\r\n" + sent;
  Client client(server);
  ASSERT_TRUE(client.send(request));
  const auto stream = server.stream();
  server.until([&] { return server.platform.input_ == sent + "|"; });
  const auto seen = server.on_loop([&] { return std::get<domain::HttpRequest>(server.platform.seen_.back().call.input); });
  EXPECT_TRUE(seen.has_body);
  EXPECT_THAT(seen.headers, ::testing::Contains(std::pair<std::string, std::string>("Idempotency-Key", "k-1")));
  server.push(stream, domain::HttpHead{.status = 201, .headers = {{"X-Theirs", "2"}, {"Content-Length", "3"}}});
  server.push(stream, domain::Bytes{.data = "tea"});
  server.push(stream, domain::Finished{});
  const std::string first = client.read_response();
  EXPECT_THAT(first, StartsWith("HTTP/1.1 201 "));
  const std::string second = client.ask(request);
  EXPECT_THAT(second, StartsWith("HTTP/1.1 201 "));
  EXPECT_EQ(header_in(second, "X-Theirs"), "2");
  EXPECT_EQ(header_in(second, "Ebb-Call"), header_in(first, "Ebb-Call"));
  EXPECT_EQ(header_in(second, "Idempotent-Replayed"), "true");
  EXPECT_EQ(body_in(second), "tea");
  EXPECT_EQ(server.calls(), 1U);
}

TEST(IdempotencyOfFunctions, AFunctionsBodyIsBounded) {
  GatewayOptions options;
  options.body_bytes_max = 1000;
  TestServer server(options);
  server.on_loop([&] { server.platform.make_function("f"); });
  Client client(server);
  const std::string answer = client.ask("POST /invoke/f HTTP/1.1\r\nHost: localhost\r\n" + std::string(kKeyLine) + "Content-Length: 1001\r\n\r\n");
  EXPECT_EQ(status_in(answer), 413);
  EXPECT_THAT(answer, HasSubstr("over 1000 bytes"));
  EXPECT_THAT(answer, HasSubstr("Idempotency-Key"));
}

TEST(IdempotencyOfFunctions, WhatIsTooLargeIsNotKeptAndNotMadeAgain) {
  KeyedServer server;
  const std::string request = "GET /invoke/f HTTP/1.1\r\nHost: localhost\r\n" + std::string(kKeyLine) + "\r\n";
  Client client(server);
  ASSERT_TRUE(client.send(request));
  const auto stream = server.stream();
  server.push(stream, domain::HttpHead{.status = 200});
  server.push(stream, domain::Bytes{.data = std::string(domain::kKeptAnswerBytesMax, 'x')});
  server.push(stream, domain::Bytes{.data = "y"});
  server.push(stream, domain::Finished{});
  EXPECT_THAT(client.read_until("\r\n0\r\n\r\n"), HasSubstr("xx\r\n1\r\ny"));
  const std::string again = client.ask(request);
  EXPECT_EQ(status_in(again), 409);
  EXPECT_THAT(again, HasSubstr("idempotency_answer_not_kept"));
  EXPECT_THAT(again, HasSubstr("call 0000000000000001"));
  EXPECT_EQ(server.calls(), 1U);
}

TEST(IdempotencyOfFunctions, AnAnswerThatBrokeOffIsTheSamePart) {
  KeyedServer server;
  const std::string request = "GET /invoke/f HTTP/1.1\r\nHost: localhost\r\n" + std::string(kKeyLine) + "\r\n";
  Client client(server);
  ASSERT_TRUE(client.send(request));
  const auto stream = server.stream();
  server.push(stream, domain::HttpHead{.status = 200, .headers = {{"Content-Length", "10"}}});
  server.push(stream, domain::Bytes{.data = "half"});
  server.push(stream, domain::Failed{.error = {.kind = ErrorKind::kFunction, .message = "it ended"}});
  EXPECT_THAT(client.read_to_end(), EndsWith("\r\n\r\nhalf"));
  Client again(server);
  ASSERT_TRUE(again.send(request));
  const std::string part = again.read_to_end();
  EXPECT_THAT(part, EndsWith("\r\n\r\nhalf"));
  EXPECT_THAT(part, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_EQ(header_in(part, "Idempotent-Replayed"), "true");
  EXPECT_EQ(server.calls(), 1U);
}

}  // namespace
}  // namespace ebb::gateway
