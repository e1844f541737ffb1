// `ebb why` and `ebb usage export` against a scripted server.
#include <gtest/gtest.h>

#include "cli/run_for_test.h"
#include "cli/stub_server.h"

namespace ebb::cli {
namespace {

TEST(Why, ExplainsInWordsWithInputs) {
  const StubServer server([](const StubRequest&) {
    return StubReply{.body = R"({"decisions":[
      {"id":1,"at":"2023-11-14T22:10:20.000Z","what":"start","because":"one call waits and there is no worker","call":"","worker":"00000000000000ff",
       "inputs":[{"name":"waiting","value":"1"},{"name":"memory free","value":"6 GiB"}]},
      {"id":2,"at":"2023-11-14T22:13:18.500Z","what":"dispatch","because":"a slot is free","call":"0000000000000001","worker":"","inputs":[]}]})"};
  });
  const Ran ran = run_for_test({.server = server.url()}, {"why", "chat"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out,
            "2023-11-14 22:10:20.000  3 min ago   start  one call waits and there is no worker\n"
            "    waiting 1 · memory free 6 GiB · worker 00000000000000ff\n"
            "2023-11-14 22:13:18.500  1 s ago     dispatch  a slot is free\n"
            "    call 0000000000000001\n");
  const Ran last = run_for_test({.server = server.url()}, {"why", "chat", "--last", "1"});
  EXPECT_TRUE(last.out.starts_with("2023-11-14 22:13:18.500")) << last.out;
  EXPECT_EQ(last.err, "the last 1 of 2 decisions; --last 2 shows all\n");
}

constexpr std::string_view kCall = R"({"call":"0661081e9ab15800","endpoint":"chat","state":"ended","usage":null,
  "decisions":[{"id":2,"at":"2023-11-14T22:13:18.500Z","what":"dispatch","because":"a slot is free","call":"0661081e9ab15800","worker":"","inputs":[]}],
  "story":["It arrived.","It ran \u001b[2J."],"why_not_faster":["3 ms of 5 ms (60 %) went into starting a worker."]})";

StubReply calls_and_endpoints(const StubRequest& request) {
  if (request.path == "/ebb/v1/calls/chatcmpl-0661081e9ab15800" || request.path == "/ebb/v1/calls/0661081e9ab15800") return {.body = std::string(kCall)};
  if (request.path == "/ebb/v1/endpoints/aaaaaaaaaaaaaaaa/decisions") return {.body = R"({"decisions":[]})"};
  return {.status = 404, .body = R"({"error":{"kind":"not_found","message":"not known","param":"id"}})"};
}

TEST(Why, TellsOfACall) {
  const StubServer server(calls_and_endpoints);
  const Ran ran = run_for_test({.server = server.url()}, {"why", "chatcmpl-0661081e9ab15800"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "Call 0661081e9ab15800 of 'chat' (ended)\n"
            "It arrived.\n"
            "It ran \xef\xbf\xbd[2J.\n"
            "\n"
            "Why it was not faster\n"
            "3 ms of 5 ms (60 %) went into starting a worker.\n"
            "\n"
            "What was decided about it\n"
            "2023-11-14 22:13:18.500  1 s ago     dispatch  a slot is free\n"
            "    call 0661081e9ab15800\n");
  EXPECT_TRUE(run_for_test({.server = server.url()}, {"why", "0661081e9ab15800", "--json"}).out.starts_with(R"({"call":"0661081e9ab15800")"));
}

TEST(Why, AnEndpointMayBeCalledLikeACall) {
  const StubServer server(calls_and_endpoints);
  EXPECT_EQ(run_for_test({.server = server.url()}, {"why", "aaaaaaaaaaaaaaaa"}).code, 0);
  const Ran neither = run_for_test({.server = server.url()}, {"why", "req_bbbbbbbbbbbbbbbb"});
  EXPECT_EQ(neither.code, 1);
  EXPECT_EQ(neither.err, "error: not known\n");
  for (const char* name : {"chat", "abcdef", "x0661081e9ab15800", "chat-0000000000000000", "chat-066108XXXab15800"}) {
    run_for_test({.server = server.url()}, {"why", name});
    EXPECT_EQ(server.requests().back().path, std::string("/ebb/v1/endpoints/") + name + "/decisions");
  }
}

TEST(UsageExport, PrintsLinesAsTheyCome) {
  const StubServer server([](const StubRequest&) { return StubReply{.body = "{\"call\":\"1\"}\n{\"call\":\"2\"}\n"}; });
  const Ran ran = run_for_test({.server = server.url()}, {"usage", "export", "--last", "1d12h", "--endpoint", "a.b"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "{\"call\":\"1\"}\n{\"call\":\"2\"}\n");
  EXPECT_EQ(server.requests().back().path, "/ebb/v1/usage?from=2023-11-13T10%3A13%3A20.000Z&endpoint=a.b");
  run_for_test({.server = server.url()}, {"usage", "export"});
  EXPECT_EQ(server.requests().back().path, "/ebb/v1/usage");
}

TEST(UsageExport, BadTimesAreErrorsOfTheCommandLine) {
  for (const auto& [last, says] : {std::pair{"x", "--last: 'x' is no duration"},
                                   {"7", "--last: '7'"},
                                   {"90000d", "--last: '90000d'"},
                                   {"0s", "--last must be longer"},
                                   {"-1d", "--last"}}) {
    const Ran ran = run_for_test({.server = "http://127.0.0.1:1"}, {"usage", "export", std::string("--last=") + last});
    EXPECT_EQ(ran.code, 2) << last;
    EXPECT_NE(ran.err.find(says), std::string::npos) << ran.err;
  }
}

}  // namespace
}  // namespace ebb::cli
