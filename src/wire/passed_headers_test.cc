// Rows of the rule of passed_headers.h.
#include "wire/passed_headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

using domain::HttpHeaders;
using testing::ElementsAre;
using testing::Pair;

CallerFacts facts() { return {.address = "10.0.0.7", .protocol = "http", .request_id = "req_1", .traceparent = "00-a-b-01"}; }

TEST(PassedHeaders, RowsOfOne) {
  struct Row {
    const char* name;
    bool to_function;
    bool to_caller;
    bool as_trailer;
  };
  const Row rows[] = {
      {"Accept", true, true, true},          {"Content-Length", true, true, false},
      {"content-type", true, true, false},   {"Set-Cookie", true, true, false},
      {"Authorization", true, true, false},  {"Connection", false, false, false},
      {"KEEP-ALIVE", false, false, false},   {"te", false, false, false},
      {"Trailer", false, false, false},      {"Transfer-Encoding", false, false, false},
      {"Upgrade", false, false, false},      {"Proxy-Authorization", false, false, false},
      {"Expect", false, false, false},       {"Ebb-Cost", false, false, false},
      {"ebb-anything", false, false, false}, {"Ebbing", true, true, true},
      {"x-request-id", false, false, false}, {"Server-Timing", false, false, false},
      {"Host", true, true, false},           {"X-Checksum", true, true, true},
  };
  for (const Row& row : rows) {
    const HttpHeaders one{{row.name, "v"}};
    const auto has = [&](const HttpHeaders& headers) { return testing::Value(headers, testing::Contains(Pair(row.name, "v"))); };
    EXPECT_EQ(has(headers_for_function(one, facts())), row.to_function) << row.name;
    EXPECT_EQ(has(headers_for_caller(one)), row.to_caller) << row.name;
    EXPECT_EQ(has(trailers_that_pass(one)), row.as_trailer) << row.name;
  }
}

TEST(PassedHeaders, WhatConnectionNamesStays) {
  const HttpHeaders head{{"Connection", "close, X-Hop ,, content-length"}, {"X-Hop", "1"}, {"Content-Length", "3"}, {"X-End", "2"}};
  EXPECT_THAT(headers_for_caller(head), ElementsAre(Pair("Content-Length", "3"), Pair("X-End", "2")));
}

TEST(PassedHeaders, OrderAndRepeatsStay) {
  const HttpHeaders head{{"B", "1"}, {"Set-Cookie", "a"}, {"A", "2"}, {"set-cookie", "b"}};
  EXPECT_EQ(headers_for_caller(head), head);
}

TEST(PassedHeaders, WhatTheFunctionGetsBesides) {
  EXPECT_THAT(headers_for_function({}, facts()),
              ElementsAre(Pair("X-Forwarded-For", "10.0.0.7"), Pair("X-Forwarded-Proto", "http"), Pair("Forwarded", "for=10.0.0.7;proto=http"),
                          Pair("traceparent", "00-a-b-01"), Pair("X-Request-Id", "req_1")));
}

TEST(PassedHeaders, ForwardedIsContinued) {
  const HttpHeaders from{
      {"x-forwarded-for", "1.2.3.4"}, {"X-Forwarded-For", "5.6.7.8"}, {"X-Forwarded-Proto", "https"}, {"Forwarded", "for=1.2.3.4"}, {"Traceparent", "theirs"}};
  CallerFacts caller = facts();
  caller.address = "::1";
  EXPECT_THAT(headers_for_function(from, caller),
              ElementsAre(Pair("X-Forwarded-For", "1.2.3.4, 5.6.7.8, ::1"), Pair("X-Forwarded-Proto", "https"),
                          Pair("Forwarded", "for=1.2.3.4, for=\"[::1]\";proto=http"), Pair("traceparent", "00-a-b-01"), Pair("X-Request-Id", "req_1")));
}

TEST(PassedHeaders, Upgrades) {
  EXPECT_FALSE(asks_for_upgrade({{"Accept", "websocket"}}));
  EXPECT_FALSE(asks_for_upgrade({{"Upgrade", "h2c"}, {"Connection", "Upgrade, HTTP2-Settings"}}));
  EXPECT_TRUE(asks_for_upgrade({{"upgrade", "WebSocket"}}));
  EXPECT_TRUE(asks_for_upgrade({{"Upgrade", "h2c, websocket"}}));
}

}  // namespace
}  // namespace ebb::wire
