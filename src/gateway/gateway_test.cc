// Where it listens and where it will not; that metrics are bounded and follow the endpoints.
#include "gateway/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/test_server.h"

namespace ebb::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

Result<uint16_t> try_listen(std::string host, uint16_t port) {
  io::asio::io_context loop;
  io::FakeClock clock;
  FakePlatform platform(loop.get_executor());
  FakeModels models;
  FakeImages images;
  FakeBills bills;
  GatewayOptions options;
  options.host = std::move(host);
  options.port = port;
  FakeBudgets budgets;
  FakePrices prices;
  FakeLimits limits;
  FakeSeals seals;
  const io::FolderForTest home;
  const auto accounts = std::move(*store::Accounts::open(home.path()));
  const auto keyring = std::move(*ledger::Keyring::load(*accounts, home.path() / "key-pepper"));
  ledger::Audit audit(*accounts);
  ledger::AnswerLog answers(std::move(*store::Answers::open(home.path())), clock);
  Gateway gateway(loop.get_executor(), platform, models, images, bills,
                  Accounts{.keyring = *keyring, .budgets = budgets, .prices = prices, .limits = limits, .seals = seals, .audit = audit, .answers = answers},
                  clock, options);
  return gateway.listen();
}

TEST(Gateway, ListensOnLoopbackOnlyWithoutMore) {
  EXPECT_TRUE(try_listen("127.0.0.1", 0));
  EXPECT_TRUE(try_listen("localhost", 0));
  EXPECT_GT(try_listen("127.0.0.1", 0).value(), 0);
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1", "example.org", ""}) {
    const auto port = try_listen(host, 0);
    ASSERT_FALSE(port) << host;
    EXPECT_EQ(port.error().kind, ErrorKind::kInvalid) << host;
  }
  EXPECT_THAT(try_listen("0.0.0.0", 0).error().message, HasSubstr("without TLS"));
}

TEST(Gateway, SaysThatAPortIsInUse) {
  TestServer server;
  const auto port = try_listen("127.0.0.1", server.port);
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().kind, ErrorKind::kExists);
  EXPECT_THAT(port.error().message, HasSubstr("--port"));
}

TEST(GatewayMetricsOverHttp, CountCalls) {
  TestServer server;
  Client client(server);
  client.ask(post_chat(chat_body("chat")));
  const std::string text = client.ask(get("/metrics"));
  for (const char* line :
       {"Content-Type: text/plain; version=0.0.4; charset=utf-8", "ebb_build_info{version=\"0.0.0-test\"} 1\n",
        "ebb_requests_total{code=\"200\",endpoint=\"chat\",protocol=\"openai\"} 1\n", "ebb_tokens_total{direction=\"input\",endpoint=\"chat\"} 9\n",
        "ebb_tokens_total{direction=\"output\",endpoint=\"chat\"} 2\n", "ebb_instances{endpoint=\"chat\",state=\"parked\"} 1\n",
        "ebb_instances{endpoint=\"chat\",state=\"ready\"} 0\n", "ebb_queue_wait_seconds_count{endpoint=\"chat\"} 1\n", "ebb_inflight_requests 0\n",
        "gen_ai_server_time_to_first_token_seconds_count{", "gen_ai_server_request_duration_seconds_count{", "http_route=\"/v1/chat/completions\""})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(GatewayMetricsOverHttp, UnknownNamesDoNotGrowThem) {
  TestServer server;
  Client client(server);
  const auto count_lines = [&] {
    const std::string text = client.ask(get("/metrics"));
    EXPECT_THAT(text, Not(HasSubstr("nobody")));
    return std::count(text.begin(), text.end(), '\n');
  };
  client.ask(post_chat(chat_body("nobody")));
  client.ask(get("/nobody"));
  count_lines();
  const auto before = count_lines();
  for (int i = 0; i < 300; ++i) {
    client.ask(post_chat(chat_body("nobody" + std::to_string(i))));
    client.ask(get("/nobody" + std::to_string(i)));
  }
  EXPECT_EQ(count_lines(), before);
  EXPECT_THAT(client.ask(get("/metrics")), HasSubstr("ebb_requests_total{code=\"404\",endpoint=\"_other\",protocol=\"openai\"} 301\n"));
}

TEST(GatewayMetricsOverHttp, SeriesOfRemovedEndpointsGo) {
  TestServer server;
  Client client(server);
  client.ask(post_chat(chat_body("chat")));
  EXPECT_THAT(client.ask(get("/metrics")), HasSubstr("\"chat\""));
  client.ask("DELETE /ebb/v1/endpoints/chat HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.ask(get("/metrics")), Not(HasSubstr("\"chat\"")));
}

}  // namespace
}  // namespace ebb::gateway
