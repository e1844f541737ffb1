// Chats over a real socket: leaving clients, slow readers, errors before and after the first byte, pipelining.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/test_server.h"

namespace ebb::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

domain::CallEvent text(const std::string& piece) { return domain::Text{.text = piece, .tokens = 1}; }

TEST(Chat, GivesTheCallWhatWasAsked) {
  TestServer server;
  Client client(server);
  const std::string response = client.ask(post_chat(chat_body("chat", R"(,"max_tokens":7,"seed":3)"), "Ebb-Deadline: 2s\r\n"));
  EXPECT_EQ(status_in(response), 200) << response;
  const domain::Call call = server.on_loop([&] { return server.platform.seen_.at(0).call; });
  EXPECT_EQ(call.endpoint, "chat");
  EXPECT_EQ(call.sampling.max_tokens, 7);
  EXPECT_EQ(call.sampling.seed, 3);
  EXPECT_EQ(call.deadline, milliseconds(2000));
}

TEST(Chat, KeepsTheConnectionForTheNextRequest) {
  TestServer server;
  Client client(server);
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(client.ask(post_chat(chat_body("chat"))), HasSubstr("Hello there"));
  EXPECT_EQ(server.on_loop([&] { return server.platform.seen_.size(); }), 3U);
  EXPECT_EQ(server.on_loop([&] { return server.gateway->connections(); }), 1U);
}

TEST(Chat, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  Client client(server);
  client.send(post_chat(chat_body("slow")) + get("/livez") + get("/v1/models/nobody"));
  server.until([&] { return server.platform.seen_.size() == 1; });
  server.on_loop([&] {
    server.platform.seen_[0].stream->push(text("late"));
    server.platform.seen_[0].stream->push(domain::Finished{});
  });
  EXPECT_THAT(client.read_response(), HasSubstr("late"));
  EXPECT_THAT(client.read_response(), HasSubstr("ok\n"));
  EXPECT_EQ(status_in(client.read_response()), 404);
}

TEST(Chat, ANextRequestThatComesWhileOneWaitsIsKept) {
  TestServer server;
  Client client(server);
  client.send(post_chat(chat_body("slow")));
  server.until([&] { return server.platform.seen_.size() == 1; });
  client.send(get("/livez"));
  server.on_loop([] {});
  server.on_loop([&] { server.platform.seen_[0].stream->push(domain::Finished{}); });
  EXPECT_EQ(status_in(client.read_response()), 200);
  EXPECT_THAT(client.read_response(), HasSubstr("ok\n"));
  EXPECT_TRUE(server.on_loop([&] { return server.platform.left_.empty(); }));
}

TEST(Chat, ALeavingClientIsNoticedWhileItsCallWaits) {
  for (const bool streamed : {false, true}) {
    for (const int how : {0, 1, 2}) {
      TestServer server;
      Client client(server);
      client.send(post_chat(chat_body("slow", streamed ? R"(,"stream":true)" : "")));
      server.until([&] { return server.platform.seen_.size() == 1; });
      if (how == 0) client.close();
      if (how == 1) client.reset();
      if (how == 2) client.half_close();
      server.until([&] { return server.platform.left_.size() == 1; });
      server.until([&] { return server.gateway->connections() == 0; });
    }
  }
}

TEST(Chat, ALeavingClientIsNoticedWhileItsAnswerStreams) {
  TestServer server;
  Client client(server);
  client.send(post_chat(chat_body("slow", R"(,"stream":true)")));
  server.until([&] { return server.platform.seen_.size() == 1; });
  server.on_loop([&] { server.platform.seen_[0].stream->push(text("one")); });
  EXPECT_THAT(client.read_until("one"), HasSubstr("text/event-stream"));
  client.close();
  server.until([&] { return server.platform.left_.size() == 1; });
  EXPECT_THAT(server.on_loop([&] { return server.gateway->connections() <= 1; }), true);
  Client other(server);
  EXPECT_THAT(other.ask(get("/metrics")), HasSubstr("ebb_requests_total{code=\"499\",endpoint=\"slow\",protocol=\"openai\"} 1"));
}

TEST(Chat, EventsAreWrittenAsTheyCome) {
  TestServer server;
  Client client(server);
  client.send(post_chat(chat_body("slow", R"(,"stream":true,"stream_options":{"include_usage":true})")));
  server.until([&] { return server.platform.seen_.size() == 1; });
  const auto push = [&](domain::CallEvent event) { server.on_loop([&] { server.platform.seen_[0].stream->push(event); }); };
  push(domain::Started{.prompt_tokens = 1});
  push(text(""));
  push(text("one"));
  EXPECT_THAT(client.read_until("\"one\""), HasSubstr("\"role\":\"assistant\""));
  push(text("two"));
  EXPECT_THAT(client.read_until("\"two\""), Not(HasSubstr("assistant")));
  push(domain::Finished{.reason = domain::FinishReason::kLength, .prompt_tokens = 1, .completion_tokens = 3});
  const std::string rest = client.read_until("0\r\n\r\n");
  EXPECT_THAT(rest, HasSubstr(R"("finish_reason":"length")"));
  EXPECT_THAT(rest, HasSubstr(R"("choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3,"total_tokens":4,)"));
  EXPECT_THAT(rest, HasSubstr("data: [DONE]\n\n"));
  EXPECT_THAT(client.ask(get("/livez")), HasSubstr("ok\n"));
}

TEST(Chat, AnErrorBeforeTheFirstByteIsAnOrdinaryOne) {
  TestServer server;
  Client client(server);
  client.send(post_chat(chat_body("slow", R"(,"stream":true)")));
  server.until([&] { return server.platform.seen_.size() == 1; });
  server.on_loop([&] {
    server.platform.seen_[0].stream->push(domain::Started{});
    server.platform.seen_[0].stream->push(
        domain::Failed{.error = {.kind = ErrorKind::kUnavailable, .message = "the worker died", .retry_after = milliseconds(1200)}});
  });
  const std::string response = client.read_response();
  EXPECT_EQ(status_in(response), 503);
  EXPECT_THAT(response, HasSubstr("Retry-After: 2\r\nretry-after-ms: 1200\r\n"));
  EXPECT_THAT(response, HasSubstr(R"({"error":{"message":"the worker died","type":"server_error","param":null,"code":"unavailable"}})"));
  EXPECT_THAT(client.ask(get("/livez")), HasSubstr("ok\n"));
}

TEST(Chat, AnErrorAfterTheFirstByteIsAnEventAndTheEnd) {
  TestServer server;
  Client client(server);
  client.send(post_chat(chat_body("slow", R"(,"stream":true)")));
  server.until([&] { return server.platform.seen_.size() == 1; });
  server.on_loop([&] {
    server.platform.seen_[0].stream->push(text("one"));
    server.platform.seen_[0].stream->push(domain::Failed{.error = {.kind = ErrorKind::kUnavailable, .message = "the worker died"}, .completion_tokens = 1});
  });
  const std::string response = client.read_to_end();
  EXPECT_EQ(status_in(response), 200);
  EXPECT_THAT(response,
              HasSubstr(R"(data: {"error":{"message":"the worker died","type":"server_error","param":null,"code":"unavailable","ebb":{"request_id":"req_)"));
  EXPECT_THAT(response, HasSubstr(R"("completion_tokens":1,"retryable":true}}})"));
  EXPECT_THAT(response, Not(HasSubstr("[DONE]")));
  EXPECT_THAT(response, testing::EndsWith("0\r\n\r\n"));
}

TEST(Chat, RefusalsHaveTheirStatus) {
  struct Row {
    ErrorKind kind;
    int status;
  };
  const Row rows[] = {{ErrorKind::kInvalid, 400},    {ErrorKind::kUnauthorized, 401}, {ErrorKind::kNotFound, 404},    {ErrorKind::kTooLarge, 413},
                      {ErrorKind::kOverloaded, 429}, {ErrorKind::kExhausted, 503},    {ErrorKind::kUnavailable, 503}, {ErrorKind::kTimeout, 504},
                      {ErrorKind::kPoison, 422},     {ErrorKind::kFunction, 502},     {ErrorKind::kCorrupt, 500},     {ErrorKind::kIo, 500},
                      {ErrorKind::kInternal, 500}};
  TestServer server;
  Client client(server);
  for (const Row& row : rows) {
    server.on_loop([&] { server.platform.scripts_["chat"].refusal = Error{.kind = row.kind, .message = "no"}; });
    const std::string response = client.ask(post_chat(chat_body("chat")));
    EXPECT_EQ(status_in(response), row.status) << response;
    EXPECT_THAT(response, HasSubstr("x-request-id: req_"));
    EXPECT_THAT(response, HasSubstr(R"({"error":{"message":"no","type":")"));
  }
  EXPECT_THAT(client.ask(post_chat(chat_body("nobody"))), HasSubstr(R"("param":"model","code":"model_not_found")"));
}

TEST(Chat, ASlowReaderIsCutAndHurtsNobody) {
  GatewayOptions options;
  options.write_time_max = milliseconds(50);
  TestServer server(std::move(options));
  Client slow(server);
  slow.send(post_chat(chat_body("slow", R"(,"stream":true)")));
  server.until([&] { return server.platform.seen_.size() == 1; });
  // More than the kernel's buffers hold, faster than nobody reads.
  const std::string piece(64 * 1024, 'x');
  server.until([&] {
    server.platform.seen_[0].stream->push(text(piece));
    return !server.platform.left_.empty() || server.platform.seen_[0].stream->ended();
  });
  Client other(server);
  EXPECT_THAT(other.ask(post_chat(chat_body("chat"))), HasSubstr("Hello there"));
  server.until([&] { return server.gateway->connections() == 1; });
}

TEST(Chat, AStoppingServerFinishesWhatRuns) {
  TestServer server;
  Client running(server);
  Client idle(server);
  EXPECT_THAT(idle.ask(get("/livez")), HasSubstr("ok\n"));
  running.send(post_chat(chat_body("slow")));
  server.until([&] { return server.platform.seen_.size() == 1; });
  server.on_loop([&] { server.gateway->stop_accepting(); });
  EXPECT_EQ(idle.read_to_end(), "");
  server.on_loop([&] { server.platform.seen_[0].stream->push(domain::Finished{}); });
  const std::string response = running.read_to_end();
  EXPECT_EQ(status_in(response), 200);
  EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
}

}  // namespace
}  // namespace ebb::gateway
