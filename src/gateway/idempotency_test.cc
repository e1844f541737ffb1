// Requests with an Idempotency-Key: one call, its answer as often as it is asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "domain/limits.h"
#include "gateway/keyed_server_for_test.h"

namespace ebb::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Idempotency, TheSameRequestIsAnsweredAgainAsItWas) {
  KeyedServer server;
  Client client(server);
  const std::string first = client.ask(post_chat(chat_body("chat"), kKeyLine));
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(header_in(first, "Idempotent-Replayed"), "(none)");
  for (int again = 0; again < 2; ++again) {
    const std::string second = client.ask(post_chat(chat_body("chat"), kKeyLine));
    EXPECT_EQ(body_in(second), body_in(first));
    EXPECT_EQ(header_in(second, "Ebb-Cost"), header_in(first, "Ebb-Cost"));
    EXPECT_EQ(header_in(second, "Content-Type"), header_in(first, "Content-Type"));
    EXPECT_EQ(header_in(second, "Idempotent-Replayed"), "true");
    EXPECT_EQ(header_in(second, "Ebb-Original-Request"), header_in(first, "x-request-id"));
    EXPECT_NE(header_in(second, "x-request-id"), header_in(first, "x-request-id"));
  }
  EXPECT_EQ(server.calls(), 1U);
  EXPECT_THAT(client.ask(get("/metrics")), HasSubstr("ebb_replayed_answers_total{endpoint=\"chat\"} 2"));
  EXPECT_EQ(status_in(client.ask(post_chat(chat_body("chat"), "Idempotency-Key: k-2\r\n"))), 200);
  EXPECT_EQ(status_in(client.ask(post_chat(chat_body("chat")))), 200);
  EXPECT_EQ(server.calls(), 3U) << "another key, and none";
}

TEST(Idempotency, AStreamIsTheSameBytes) {
  KeyedServer server;
  Client client(server);
  std::string bodies[2];
  for (std::string& one : bodies) {
    EXPECT_THAT(client.ask(post_chat(chat_body("chat", R"(,"stream":true)"), kKeyLine)), HasSubstr("Transfer-Encoding: chunked"));
    one = client.read_until("\r\n0\r\n\r\n");
  }
  EXPECT_THAT(bodies[0], HasSubstr("data: [DONE]"));
  std::string text[2];  // without the sizes of chunks
  for (int i : {0, 1}) {
    for (std::string_view rest = bodies[i]; !rest.empty();) {
      const size_t length = std::stoul(std::string(rest.substr(0, rest.find("\r\n"))), nullptr, 16);
      text[i] += rest.substr(rest.find("\r\n") + 2, length);
      rest.remove_prefix(std::min(rest.find("\r\n") + 2 + length + 2, rest.size()));
    }
  }
  EXPECT_EQ(text[0], text[1]);
  EXPECT_EQ(server.calls(), 1U);
}

TEST(Idempotency, AnotherRequestUnderTheSameKeyIsRefused) {
  KeyedServer server;
  Client client(server);
  ASSERT_EQ(status_in(client.ask(post_chat(chat_body("chat"), kKeyLine))), 200);
  const std::string other_body = client.ask(post_chat(chat_body("chat", R"(,"seed":1)"), kKeyLine));
  EXPECT_EQ(status_in(other_body), 422);
  EXPECT_THAT(other_body, HasSubstr("\"code\":\"idempotency_key_reused\""));
  EXPECT_EQ(header_in(other_body, "x-should-retry"), "false");
  EXPECT_EQ(status_in(client.ask(post_chat(chat_body("chat"), std::string(kKeyLine) + "Accept: text/plain\r\n"))), 422);
  std::string other_path = post_chat(chat_body("chat"), kKeyLine);
  EXPECT_EQ(status_in(client.ask(other_path.replace(other_path.find("completions"), 11, "completions?a=b"))), 422);
  EXPECT_EQ(status_in(client.ask(post_chat(chat_body("chat"), std::string(kKeyLine) + "Ebb-Deadline: 5s\r\n"))), 200) << "how long it waits is its own affair";
  EXPECT_EQ(status_in(client.ask(post_chat(chat_body("chat"), std::string(kKeyLine) + "Ebb-Tenant: other\r\n"))), 200) << "another's key";
  EXPECT_EQ(server.calls(), 2U);
}

TEST(Idempotency, AKeyMustBeOne) {
  KeyedServer server;
  Client client(server);
  for (const std::string& bad : {std::string("Idempotency-Key:\r\n"), std::string(kKeyLine) + kKeyLine, "Idempotency-Key: " + std::string(256, 'k') + "\r\n",
                                 std::string("Idempotency-Key: sch\xc3\xb6n\r\n")}) {
    const std::string answer = client.ask(post_chat(chat_body("chat"), bad));
    EXPECT_EQ(status_in(answer), 400) << bad;
    EXPECT_THAT(answer, HasSubstr("\"param\":\"Idempotency-Key\""));
  }
  EXPECT_EQ(server.calls(), 0U);
  EXPECT_EQ(status_in(client.ask(get("/v1/models", "Idempotency-Key:\r\n"))), 200) << "what costs nothing needs no key";
}

TEST(Idempotency, ARepeatWaitsForTheFirst) {
  KeyedServer server;
  Client first(server);
  ASSERT_TRUE(first.send(post_chat(chat_body("slow"), kKeyLine)));
  const auto stream = server.stream();
  Client second(server);
  ASSERT_TRUE(second.send(post_chat(chat_body("slow"), kKeyLine)));
  Client hurried(server);
  const std::string late = hurried.ask(post_chat(chat_body("slow"), std::string(kKeyLine) + "Ebb-Deadline: 1ms\r\n"));
  EXPECT_EQ(status_in(late), 409);
  EXPECT_THAT(late, HasSubstr("\"code\":\"idempotency_in_progress\""));
  EXPECT_EQ(header_in(late, "Retry-After"), "1");
  EXPECT_EQ(header_in(late, "x-should-retry"), "(none)");
  EXPECT_EQ(status_in(hurried.ask(post_chat(chat_body("slow", R"(,"seed":1)"), kKeyLine))), 422) << "that it is another is known at once";
  server.finish(stream, "at last");
  const std::string answer = first.read_response();
  EXPECT_THAT(answer, HasSubstr("at last"));
  const std::string repeated = second.read_response();
  EXPECT_EQ(body_in(repeated), body_in(answer));
  EXPECT_EQ(header_in(repeated, "Idempotent-Replayed"), "true");
  EXPECT_EQ(server.calls(), 1U);
}

TEST(Idempotency, SoManyRepeatsWaitAndNoMore) {
  KeyedServer server;
  Client first(server);
  ASSERT_TRUE(first.send(post_chat(chat_body("slow"), kKeyLine)));
  const auto stream = server.stream();
  std::mutex mutex;
  std::condition_variable answered;
  std::vector<int> statuses;
  std::vector<std::thread> repeats;
  for (int i = 0; i <= domain::kRepeatsOfOneMax; ++i)
    repeats.emplace_back([&] {
      Client client(server);
      const int status = status_in(client.ask(post_chat(chat_body("slow"), kKeyLine)));
      const std::lock_guard lock(mutex);
      statuses.push_back(status);
      answered.notify_one();
    });
  {
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return !statuses.empty(); });
    EXPECT_EQ(statuses.front(), 409) << "the one that came last";
  }
  server.finish(stream, "at last");
  for (std::thread& repeat : repeats)
    repeat.join();
  EXPECT_EQ(std::ranges::count(statuses, 200), domain::kRepeatsOfOneMax);
  EXPECT_EQ(server.calls(), 1U);
}

TEST(Idempotency, AClientThatLeavesDoesNotEndIt) {
  KeyedServer server;
  for (const std::string stream : {"", R"(,"stream":true)"}) {
    const size_t before = server.calls();
    const std::string key = "Idempotency-Key: left" + std::to_string(before) + "\r\n";
    const std::string request = post_chat(chat_body("slow", stream), key);
    Client client(server);
    ASSERT_TRUE(client.send(request));
    const auto running = server.stream(before + 1);
    server.push(running, domain::Text{.text = "one", .tokens = 1});
    if (!stream.empty()) client.read_until("one");
    client.reset();
    server.push(running, domain::Text{.text = " two", .tokens = 1});
    server.push(running, domain::Text{.text = " three", .tokens = 1});
    Client again(server);
    ASSERT_TRUE(again.send(request));
    server.finish(running, " four");
    const std::string answer = stream.empty() ? again.read_response() : again.read_until("\r\n0\r\n\r\n");
    EXPECT_EQ(header_in(answer, "Idempotent-Replayed"), "true");
    for (const char* part : {"one", " two", " three", " four"})
      EXPECT_THAT(answer, HasSubstr(part));
    EXPECT_EQ(server.calls(), before + 1);
  }
  EXPECT_TRUE(server.on_loop([&] { return server.platform.left_.empty(); }));
}

TEST(Idempotency, WhatCostNothingIsTriedAgain) {
  KeyedServer server;
  Client client(server);
  EXPECT_EQ(status_in(client.ask(post_chat(chat_body("later"), kKeyLine))), 404);
  server.fail_endpoint("later", domain::Outcome::kFault, 0);
  EXPECT_EQ(status_in(client.ask(post_chat(chat_body("later"), kKeyLine))), 503);
  server.on_loop([&] {
    FakePlatform::Script full;
    full.refusal = Error{.kind = ErrorKind::kOverloaded, .message = "full"};
    server.platform.add_endpoint("later", full);
  });
  EXPECT_EQ(status_in(client.ask(post_chat(chat_body("later"), kKeyLine))), 429);
  server.on_loop([&] { server.platform.add_endpoint("later", TestServer::answering()); });
  const std::string answer = client.ask(post_chat(chat_body("later"), kKeyLine));
  EXPECT_EQ(status_in(answer), 200);
  EXPECT_EQ(header_in(answer, "Idempotent-Replayed"), "(none)");
  EXPECT_EQ(header_in(client.ask(post_chat(chat_body("later"), kKeyLine)), "Idempotent-Replayed"), "true");
}

TEST(Idempotency, AFailureThatIsPaidForIsAnAnswer) {
  KeyedServer server;
  server.fail_endpoint("late", domain::Outcome::kTimeout, 5);
  Client client(server);
  const std::string first = client.ask(post_chat(chat_body("late"), kKeyLine));
  EXPECT_EQ(status_in(first), 503);
  const std::string second = client.ask(post_chat(chat_body("late"), kKeyLine));
  EXPECT_EQ(header_in(second, "Idempotent-Replayed"), "true");
  EXPECT_EQ(status_in(second), 503);
  EXPECT_EQ(body_in(second), body_in(first));
  EXPECT_EQ(server.calls(), 1U);
}

TEST(Idempotency, WhatAFailureCostsIsWaitedFor) {
  KeyedServer server;
  server.fail_endpoint("late", std::nullopt, 0);
  Client client(server);
  ASSERT_TRUE(client.send(post_chat(chat_body("late"), kKeyLine)));
  const auto stream = server.stream();
  Client again(server);
  ASSERT_TRUE(again.send(post_chat(chat_body("late"), kKeyLine)));
  server.on_loop([&] {
    domain::UsageRecord usage;
    usage.outcome = domain::Outcome::kTimeout;
    usage.billed_ms = 5;
    stream->set_usage(usage);
  });
  EXPECT_EQ(status_in(client.read_response()), 503);
  EXPECT_EQ(header_in(again.read_response(), "Idempotent-Replayed"), "true");
  EXPECT_EQ(server.calls(), 1U);
}

// A server that ended between two moments leaves what was begun; the book says whether it counts.
TEST(Idempotency, OfWhatOnlyBeganTheBookTells) {
  KeyedServer server;
  const std::string request = post_chat(chat_body("slow"), kKeyLine);
  {
    Client client(server);
    ASSERT_TRUE(client.send(request));
    const auto stream = server.stream();
    server.on_loop([&] {
      server.platform.status_.ready = true;
      stream->leave();  // the handler ends without an answer
    });
    EXPECT_EQ(client.read_to_end(), "");
  }
  server.on_loop([&] { server.platform.status_.ready = false; });
  Client client(server);
  EXPECT_EQ(status_in(client.ask(request)), 503) << "a book that cannot be written does not tell";
  server.on_loop([&] {
    server.platform.status_.ready = true;
    domain::UsageRecord record;
    record.call = CallId{1};
    record.outcome = domain::Outcome::kLeft;
    record.billed_ms = 7;
    server.bills.records_ = {record};
  });
  const std::string lost = client.ask(request);
  EXPECT_EQ(status_in(lost), 409);
  EXPECT_THAT(lost, HasSubstr("idempotency_answer_lost"));
  EXPECT_THAT(lost, HasSubstr("call 0000000000000001"));
  EXPECT_EQ(server.calls(), 1U);
  server.on_loop([&] { server.bills.records_.clear(); });
  ASSERT_TRUE(client.send(request));
  server.finish(server.stream(2), "a second try");
  EXPECT_THAT(client.read_response(), HasSubstr("a second try"));
}

}  // namespace
}  // namespace ebb::gateway
