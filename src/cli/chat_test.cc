// One question and conversations: what is sent, what is shown, how they end.
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <csignal>

#include "base/fd.h"
#include "base/json.h"
#include "cli/run_for_test.h"
#include "cli/stub_server.h"

namespace ebb::cli {
namespace {

std::string chunk(std::string_view text) {
  return "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + std::string(text) + "\"},\"finish_reason\":null}],\"usage\":null}\n\n";
}
constexpr std::string_view kEnd =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n"
    "data: "
    "{\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"ebb\":{\"cost\":\"0.00001\",\"billed_ms\":12,\"tier\":\"parked\"}}}\n\ndata: "
    "[DONE]\n\n";

StubReply answered(const StubRequest&) {
  return {.headers = "Content-Type: text/event-stream\r\n", .stream = [](const StubStream& stream) {
            stream.send("data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n: ping\n\n");
            stream.send(chunk("Because of"));
            stream.send(chunk(" Rayleigh\\u001b[2J.") + std::string(kEnd));
          }};
}

TEST(Chat, StreamsOneAnswer) {
  const StubServer server(answered);
  const Ran ran =
      run_for_test({.server = server.url()}, {"chat", "chat", "Why", "blue?", "--system", "Be short.", "--max-tokens", "9", "--temperature", "0.5"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "Because of Rayleigh\033[2J.\n");  // a pipe gets it as it is
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(server.requests().at(0).path, "/v1/chat/completions");
  EXPECT_EQ(server.requests().at(0).body,
            R"({"model":"chat","messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Why blue?"}],"stream":true,)"
            R"("stream_options":{"include_usage":true},"max_tokens":9,"temperature":5E-1})");
}

TEST(Chat, SummaryAndSafetyOnATerminal) {
  const StubServer server(answered);
  const Ran ran = run_for_test({.server = server.url(), .kind = Output::Kind::kTerminal}, {"chat", "chat", "Why?"});
  EXPECT_EQ(ran.out, "Because of Rayleigh\xef\xbf\xbd[2J.\n");
  EXPECT_EQ(ran.err, "5 + 2 tokens · first after 0.0 ms (parked) · 0.0 ms · 12 ms billed: 0.00001\n");
}

TEST(Chat, QuestionFromStdin) {
  const StubServer server(answered);
  EXPECT_EQ(run_for_test({.server = server.url(), .input = "line one\nline two\n"}, {"chat", "chat"}).code, 0);
  EXPECT_EQ(json::parse(server.requests().at(0).body).at("messages").at(0).at("content"), "line one\nline two\n");
  const Ran none = run_for_test({.server = server.url(), .input = " \n"}, {"chat", "chat"});
  EXPECT_EQ(none.code, 2);
  EXPECT_EQ(none.err, "error: there is no question: give one as an argument or on stdin\n");
}

TEST(Chat, Failures) {
  struct Row {
    StubReply reply;
    std::string_view out;
    std::string_view err;
  };
  const Row rows[] = {
      {{.status = 404, .body = R"({"error":{"message":"there is no endpoint 'x'","type":"invalid_request_error","param":"model","code":"model_not_found"}})"},
       "",
       "error: there is no endpoint 'x'\n"},
      {{.stream =
            [](const StubStream& stream) {
              stream.send(chunk("Half"));
              stream.send("data: {\"error\":{\"message\":\"the worker died\",\"type\":\"server_error\",\"param\":null,\"code\":\"worker_died\"}}\n\n");
            }},
       "Half\n",
       "error: the worker died\n"},
      {{.stream = [](const StubStream& stream) { stream.send(chunk("Half")); }},
       "Half\n",
       "error: the answer ended before it was whole: the server or its worker went away\n"},
      {{.stream = [](const StubStream& stream) { stream.send("data: {{\n\n"); }}, "", "error: the server sent an event that is no JSON\n"},
  };
  for (const Row& row : rows) {
    const StubServer server([&](const StubRequest&) { return row.reply; });
    const Ran ran = run_for_test({.server = server.url()}, {"chat", "x", "hi"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.out, row.out);
    EXPECT_EQ(ran.err, row.err);
  }
}

TEST(Chat, CtrlCDuringASingleAnswer) {
  const StubServer server([](const StubRequest&) {
    return StubReply{.stream = [](const StubStream& stream) {
      stream.send(chunk("Half"));
      kill(getpid(), SIGINT);
      stream.wait_until_gone();
    }};
  });
  const Ran ran = run_for_test({.server = server.url()}, {"chat", "x", "hi"});
  EXPECT_EQ(ran.code, 130);
  EXPECT_EQ(ran.err, "");
}

TEST(Chat, AConversationKeepsHistoryAndSurvivesCtrlC) {
  int asked = 0;
  const StubServer server([&](const StubRequest& request) {
    if (++asked != 2) return answered(request);
    return StubReply{.stream = [](const StubStream& stream) {
      kill(getpid(), SIGINT);  // before the first word: the question is as if it had not been asked
      stream.wait_until_gone();
    }};
  });
  int master = -1;
  int slave = -1;
  ASSERT_EQ(openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  const Fd typed(master);
  const Fd in(slave);
  const std::string_view text = "one\n\ntwo\nthree\n\004";
  ASSERT_EQ(write(typed.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  const Ran ran = run_for_test({.server = server.url(), .in = in.get()}, {"chat", "chat"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "Because of Rayleigh\033[2J.\nBecause of Rayleigh\033[2J.\n");
  EXPECT_EQ(ran.err, "Ctrl-C stops an answer; Ctrl-D, or Ctrl-C here, ends the conversation.\n> > > (stopped)\n> > \n");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3U);
  const json::value last = json::parse(requests[2].body);
  EXPECT_EQ(json::serialize(last.at("messages")),
            R"([{"role":"user","content":"one"},{"role":"assistant","content":"Because of Rayleigh\u001b[2J."},{"role":"user","content":"three"}])");
}

}  // namespace
}  // namespace ebb::cli
