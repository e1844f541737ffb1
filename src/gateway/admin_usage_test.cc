// GET /ebb/v1/calls/{id} and GET /ebb/v1/usage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/decision_row.h"
#include "gateway/test_server.h"
#include "wire/usage_json.h"

namespace ebb::gateway {
namespace {

using testing::HasSubstr;

domain::UsageRecord record(uint64_t call) {
  return {.call = CallId{call}, .endpoint = "chat", .revision = RevisionId{1}, .ended = WallTime(seconds(1'700'000'000)), .total = milliseconds(5)};
}

TEST(AdminCalls, AreFoundByEachIdThatPeopleSee) {
  TestServer server;
  Client client(server);
  const std::string answer = client.ask(post_chat(chat_body("chat")));
  const size_t at = answer.find("req_");
  ASSERT_NE(at, std::string::npos) << answer;
  const std::string request = answer.substr(at, 20);
  const std::string id = answer.substr(answer.find("chatcmpl-"), 25);
  const std::string call = id.substr(9);
  server.on_loop([&] { server.bills.records_ = {record(from_hex(call))}; });
  for (const std::string& known : {request, id, call, "resp_" + call})
    EXPECT_THAT(client.ask(get("/ebb/v1/calls/" + known)), HasSubstr(R"({"call":")" + call + R"(","endpoint":"chat","state":"ended","usage":{"call")"))
        << known;
}

TEST(AdminCalls, UnknownOnesSayWhatIsKept) {
  TestServer server;
  Client client(server);
  for (const char* id : {"0000000000000005", "req_0000000000000005", "zzz", "000000000000005", "chatcmpl-"}) {
    const std::string answer = client.ask(get(std::string("/ebb/v1/calls/") + id));
    EXPECT_EQ(status_in(answer), 404) << id;
    EXPECT_THAT(answer, HasSubstr("the records of all calls that have ended"));
    EXPECT_THAT(answer, HasSubstr(R"("param":"id")"));
  }
}

TEST(AdminCalls, OnesThatAreNotOver) {
  TestServer server;
  server.on_loop([&] { server.platform.calls_[CallId{5}] = {.endpoint = "chat", .state = "waiting", .age = seconds(2)}; });
  Client client(server);
  EXPECT_THAT(client.ask(get("/ebb/v1/calls/0000000000000005")),
              HasSubstr(R"("state":"waiting","usage":null,"decisions":[],"story":["It arrived 2000 ms ago)"));
}

TEST(AdminLedger, IsGivenInPartsFromAnyEntryOn) {
  TestServer server;
  server.on_loop([&] {
    for (uint64_t call = 1; call <= 2'500; ++call)
      server.bills.records_.push_back(record(call));
  });
  Client client(server);
  client.send(get("/ebb/v1/ledger?after=500"));
  const std::string answer = client.read_until("\r\n0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr(R"({"number":501,"link":"501","debit":"tenant:","credit":"calls:chat:warm","call":)"));
  EXPECT_THAT(answer, HasSubstr(R"({"number":2500,)"));
  EXPECT_THAT(answer, testing::Not(HasSubstr(R"({"number":500,)")));
  EXPECT_THAT(client.ask(get("/ebb/v1/ledger/check")), HasSubstr(R"({"entries":2500,"head":"","cost":"0.00","cost_pico":0,"currency":"USD","seals":0})"));
  for (const char* wrong : {"after=-1", "after=x", "after=1x", "before=1"})
    EXPECT_EQ(status_in(client.ask(get(std::string("/ebb/v1/ledger?") + wrong))), 400) << wrong;
}

TEST(AdminUsage, IsGivenInPartsUntilItsEnd) {
  TestServer server;
  server.on_loop([&] {
    for (uint64_t call = 1; call <= 2'500; ++call)
      server.bills.records_.push_back(record(call));
  });
  Client client(server);
  client.send(get("/ebb/v1/usage?endpoint=chat&from=2023-11-01&to=2023-12-01"));
  const std::string answer = client.read_until("\r\n0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("application/x-ndjson"));
  size_t lines = 0;
  for (size_t at = answer.find("{\"call\""); at != std::string::npos; at = answer.find("{\"call\"", at + 1))
    ++lines;
  EXPECT_EQ(lines, 2'500U);
  EXPECT_THAT(answer, HasSubstr(json::serialize(wire::to_json(record(2'500))) + "\n"));
  const std::vector<UsageRequest> asked = server.on_loop([&] { return server.bills.usage_asked_; });
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[0].endpoint, "chat");
  EXPECT_EQ(*asked[0].to - *asked[0].from, std::chrono::days(30));
  EXPECT_EQ(asked[2].after->call, CallId{2'000});
}

TEST(AdminUsage, APartIsNotTakenForTheWhole) {
  TestServer server;
  server.on_loop([&] {
    for (uint64_t call = 1; call <= 1'500; ++call)
      server.bills.records_.push_back(record(call));
    server.bills.usage_error_ = Error{.kind = ErrorKind::kIo, .message = "the disk failed"};
  });
  Client client(server);
  client.send(get("/ebb/v1/usage"));
  EXPECT_FALSE(client.read_to_end().ends_with("0\r\n\r\n"));
}

TEST(AdminUsage, RefusesWhatItDoesNotKnow) {
  TestServer server;
  Client client(server);
  for (const char* query : {"last=7d", "from=yesterday", "from=2026-12-01&to=2026-11-01"})
    EXPECT_EQ(status_in(client.ask(get(std::string("/ebb/v1/usage?") + query))), 400) << query;
}

TEST(DecisionRow, InputsAreWordsAndNumbersWithUnits) {
  const invoke::DecisionView view{.decision = {.id = DecisionId{1},
                                               .at = {},
                                               .call = {},
                                               .worker = {},
                                               .what = "grow",
                                               .because = "because",
                                               .inputs = {{"waiting", int64_t{3}},
                                                          {"waited", milliseconds(84)},
                                                          {"slots busy", control::Of{1, 4}},
                                                          {"slots", control::Change{2, 4}},
                                                          {"room", control::Bytes{5ULL << 20U}},
                                                          {"chance", control::Chance{0.5}},
                                                          {"tier", control::Text("cold")}}},
                                  .at = {}};
  EXPECT_EQ(
      json::serialize(decision_row(view).facts),
      R"({"waiting":3,"waited_ns":84000000,"slots_busy":1,"slots_busy_of":4,"slots_from":2,"slots_to":4,"room_bytes":5242880,"chance_share":5E-1,"tier":"cold"})");
  EXPECT_EQ(decision_row(view).inputs[1].second, "84 ms");
}

TEST(RecentCalls, KeepsTheLastOnes) {
  RecentCalls recent;
  for (uint64_t i = 1; i <= kRecentRequestsMax + 2; ++i)
    recent.add("req_" + to_hex(i), CallId{i + 1});
  EXPECT_EQ(recent.find("req_" + to_hex(1)), CallId{});
  EXPECT_EQ(recent.find("req_" + to_hex(2)), CallId{});
  EXPECT_EQ(recent.find("req_" + to_hex(3)), CallId{4});
  EXPECT_EQ(recent.find("req_" + to_hex(kRecentRequestsMax + 2)), CallId{kRecentRequestsMax + 3});
  EXPECT_EQ(recent.find("req"), CallId{});
}

}  // namespace
}  // namespace ebb::gateway
