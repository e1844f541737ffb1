// Every reading command against a scripted server: what it asks for, what it prints, how it ends.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/fd.h"
#include "cli/run_for_test.h"
#include "cli/stub_server.h"

namespace ebb::cli {
namespace {

constexpr std::string_view kStatus = R"({"version":"0.1.0","home":"/home/ebb","ready":true,"not_ready_why":"","sandbox":[
  {"name":"seccomp","active":true,"detail":""},{"name":"landlock","active":false,"detail":"the kernel is too old"}],
  "memory_limit_bytes":8589934592,"memory_available_bytes":6442450944,"memory_workers_bytes":157286400,"memory_huge_page_bytes":98566144,"cores":2,"workers":1,"endpoints":2,"currency":"USD"})";

constexpr std::string_view kEndpoints = R"({"endpoints":[
  {"name":"chat","spec":{"endpoint":"chat","engine":"llama","model":"smol@1"},"revision":"00000000000000a1","model":"smol@1","memory_mib":256,
   "context_tokens":4096,"created":"2023-11-14T22:00:00.000Z","state":"ready","slots_busy":1,"slots_ready":4,"waiting":3,"memory_bytes":157286400,
   "last_call":"2023-11-14T22:13:08.000Z","calls":12,"spent":"0.00001234","spent_pico":12340000},
  {"name":"echo","spec":{"endpoint":"echo","engine":"echo"},"revision":"00000000000000a2","model":"","memory_mib":64,"context_tokens":4096,
   "created":null,"state":"absent","slots_busy":0,"slots_ready":0,"waiting":0,"memory_bytes":0,"last_call":null,"calls":0,"spent":"0.00","spent_pico":0}]})";

constexpr std::string_view kTable =
    "ENDPOINT  STATE   BUSY/READY  WAITING   MEMORY  LAST CALL  CALLS   SPENT USD  RUNS\n"
    "chat      ready   1/4               3  150 MiB   12 s ago     12  0.00001234  smol@1\n"
    "echo      absent  0/0               0        -      never      0        0.00  echo\n";

StubReply script(const StubRequest& request) {
  if (request.path == "/ebb/v1/status") return {.body = std::string(kStatus)};
  if (request.path == "/ebb/v1/endpoints") return {.body = std::string(kEndpoints)};
  return {.status = 404, .body = R"({"error":{"kind":"not_found","message":"there is no endpoint 'chta': `ebb ps` lists them","param":"endpoint"}})"};
}

TEST(Commands, PsPrintsATable) {
  const StubServer server(script);
  const Ran ran = run_for_test({.server = server.url()}, {"ps"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, kTable);
  EXPECT_EQ(ran.err, "");
}

TEST(Commands, PsColoursStatesOnATerminalOnly) {
  const StubServer server(script);
  const Ran ran = run_for_test({.server = server.url(), .kind = Output::Kind::kColourTerminal}, {"ps"});
  EXPECT_NE(ran.out.find("\033[32mready\033[0m"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("\033[2mabsent\033[0m"), std::string::npos) << ran.out;
}

TEST(Commands, PsWithoutEndpointsSaysWhatToDo) {
  const StubServer server([](const StubRequest&) { return StubReply{.body = R"({"endpoints":[]})"}; });
  const Ran ran = run_for_test({.server = server.url()}, {"ps"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "no endpoints yet: deploy one with `ebb deploy NAME --model FILE.gguf`\n");
}

TEST(Commands, PsJsonIsTheServersAnswer) {
  const StubServer server([](const StubRequest&) { return StubReply{.body = R"({"endpoints": [], "new_field": 1})"}; });
  EXPECT_EQ(run_for_test({.server = server.url()}, {"ps", "--json"}).out, "{\"endpoints\":[],\"new_field\":1}\n");
}

TEST(Commands, TopOnce) {
  const StubServer server(script);
  const Ran ran = run_for_test({.server = server.url()}, {"top", "--once"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "ready · 1 worker on 2 cores · 150 MiB of 8.0 GiB in workers\n\n" + std::string(kTable));
}

TEST(Commands, TopRedrawsUntilQAndLeavesTheTerminalAsItWas) {
  const StubServer server(script);
  std::array<int, 2> keys{};
  ASSERT_EQ(pipe(keys.data()), 0);
  const Fd in(keys[0]);
  const Fd typed(keys[1]);
  ASSERT_EQ(write(typed.get(), "q", 1), 1);
  const Ran ran = run_for_test({.server = server.url(), .in = in.get(), .kind = Output::Kind::kTerminal}, {"top"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_TRUE(ran.out.starts_with("\033[?1049h\033[?25l\033[?7l\033[Hebb top · http://127.0.0.1:")) << ran.out;
  EXPECT_NE(ran.out.find("· 22:13:20 · q ends\033[K"), std::string::npos) << ran.out;
  EXPECT_TRUE(ran.out.ends_with("\033[J\033[?7h\033[?25h\033[?1049l")) << ran.out;
}

TEST(Commands, StatusNamesWhatIsMissing) {
  const StubServer server(script);
  const Ran ran = run_for_test({.server = server.url()}, {"status"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "server     " + server.url() +
                         "\n"
                         "version    0.1.0\n"
                         "home       /home/ebb\n"
                         "ready      yes\n"
                         "endpoints  2\n"
                         "workers    1 on 2 cores\n"
                         "memory     150 MiB in workers, 94.0 MiB mapped in huge pages, limit 8.0 GiB, 6.0 GiB free on the machine\n"
                         "sandbox    on   seccomp\n"
                         "           off  landlock: the kernel is too old\n");
}

TEST(Commands, LogsPrintsLinesAndDefusesThem) {
  const StubServer server([](const StubRequest&) {
    return StubReply{.body =
                         "{\"sequence\":1,\"at\":\"2023-11-14T22:13:19.250Z\",\"text\":\"loaded\"}\n"
                         "{\"sequence\":2,\"at\":\"2023-11-14T22:13:20.000Z\",\"text\":\"evil \\u001b[2J\"}\n"};
  });
  const Ran ran = run_for_test({.server = server.url()}, {"logs", "chat"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "2023-11-14 22:13:19.250  loaded\n2023-11-14 22:13:20.000  evil \xef\xbf\xbd[2J\n");
  EXPECT_EQ(server.requests().at(0).path, "/ebb/v1/endpoints/chat/logs?after=0");
}

TEST(Commands, LogsFollowsUntilInterrupted) {
  const StubServer server([](const StubRequest&) {
    return StubReply{.stream = [](const StubStream& stream) {
      stream.send("{\"sequence\":1,\"at\":\"2023-11-14T22:13:20Z\",\"text\":\"one\"}\n\n");
      kill(getpid(), SIGINT);
      stream.wait_until_gone();
    }};
  });
  const Ran ran = run_for_test({.server = server.url()}, {"logs", "-f", "chat"});
  EXPECT_EQ(ran.code, 130);
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(server.requests().at(0).path, "/ebb/v1/endpoints/chat/logs?after=0&follow=true");
}

TEST(Commands, AReaderThatWentAwayIsNoError) {
  const StubServer server([](const StubRequest&) {
    return StubReply{.stream = [](const StubStream& stream) {
      stream.send("{\"sequence\":1,\"at\":\"2023-11-14T22:13:20Z\",\"text\":\"one\"}\n");
      stream.wait_until_gone();
    }};
  });
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const Fd out(ends[1]);
  close(ends[0]);
  const Ran ran = run_for_test({.server = server.url(), .out = out.get()}, {"logs", "-f", "chat"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, "");
}

constexpr std::string_view kBill = R"({"currency":"USD","rows":[
  {"day":"2023-11-13","tier":"cold","calls":1,"faults":1,"billed_ms":1204,"cost":"0.00000493","cost_pico":4931584,"prompt_tokens":16,"completion_tokens":64},
  {"day":"2023-11-14","tier":"warm","calls":20,"billed_ms":900,"cost":"0.0000076864","cost_pico":7686400,"prompt_tokens":320,"completion_tokens":1000}],
  "total":{"calls":21,"faults":1,"billed_ms":2104,"cost":"0.000012617984","cost_pico":12617984,"prompt_tokens":336,"completion_tokens":1064}})";

TEST(Commands, BillAddsUp) {
  const StubServer server([](const StubRequest&) { return StubReply{.body = std::string(kBill)}; });
  const Ran ran =
      run_for_test({.server = server.url()}, {"bill", "--by", "day,tier", "--endpoint", "chat", "--from", "2023-11-13", "--to", "2023-11-15T00:00:00Z"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out,
            "DAY         TIER  CALLS  BILLED MS  PROMPT TOKENS  ANSWER TOKENS        COST USD\n"
            "2023-11-13  cold      1       1204             16             64  0.000004931584\n"
            "2023-11-14  warm     20        900            320           1000  0.000007686400\n"
            "total                21       2104            336           1064  0.000012617984\n"
            "1 of these calls failed by Ebb's fault and cost nothing\n");
  EXPECT_EQ(server.requests().at(0).path, "/ebb/v1/bill?by=day,tier&endpoint=chat&from=2023-11-13&to=2023-11-15T00%3A00%3A00Z");
}

TEST(Commands, BillAsCsvAndJson) {
  const StubServer server([](const StubRequest&) { return StubReply{.body = std::string(kBill)}; });
  EXPECT_EQ(run_for_test({.server = server.url()}, {"bill", "--by", "day", "--by", "tier", "--csv"}).out,
            "day,tier,calls,faults,billed_ms,prompt_tokens,completion_tokens,cost,currency\n"
            "2023-11-13,cold,1,1,1204,16,64,0.000004931584,USD\n"
            "2023-11-14,warm,20,0,900,320,1000,0.0000076864,USD\n");
  EXPECT_TRUE(run_for_test({.server = server.url()}, {"bill", "--json"}).out.starts_with(R"({"currency":"USD","rows":[)"));
  EXPECT_EQ(server.requests().at(1).path, "/ebb/v1/bill?by=endpoint");
  EXPECT_EQ(run_for_test({.server = server.url()}, {"bill", "--json", "--csv"}).code, 2);
}

TEST(Commands, RmRemoves) {
  const StubServer server([](const StubRequest&) { return StubReply{.status = 204, .body = ""}; });
  const Ran ran = run_for_test({.server = server.url()}, {"rm", "chat"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "chat is removed\n");
  EXPECT_EQ(server.requests().at(0).method, "DELETE");
  EXPECT_EQ(server.requests().at(0).path, "/ebb/v1/endpoints/chat");
}

TEST(Commands, Version) {
  EXPECT_EQ(run_for_test({.server = ""}, {"version"}).out, "ebb 0.1.0\n");
  EXPECT_EQ(run_for_test({.server = ""}, {"version", "--json"}).out, "{\"version\":\"0.1.0\"}\n");
}

struct Failing {
  StubReply reply;
  std::string_view err;
  int code;
};

TEST(Commands, ServerErrorsBecomeSentencesAndExitCodes) {
  const Failing rows[] = {
      {{.status = 404, .body = R"({"error":{"kind":"not_found","message":"there is no endpoint 'chta'","param":"endpoint"}})"},
       "error: there is no endpoint 'chta'\n",
       1},
      {{.status = 503,
        .body = R"({"error":{"kind":"unavailable","message":"draining","param":null,"retry_after_ms":2000}})",
        .headers = "X-Request-Id: req_1\r\n"},
       "error: draining (request req_1) (try again in 2.00 s)\n",
       1},
      {{.status = 429, .body = R"({"error":{"message":"full","type":"requests","param":null,"code":"x"}})", .headers = "Retry-After: 3\r\n"},
       "error: full (try again in 3.00 s)\n",
       1},
      {{.status = 502, .body = "<html>bad \033[2Jgateway"}, "error: the server answered 502: <html>bad \xef\xbf\xbd[2Jgateway\n", 1},
      {{.status = 500, .body = ""}, "error: the server answered 500: nothing else\n", 1},
      {{.status = 400, .body = R"({"error":{"kind":"cancelled","message":"m","code":"unreachable"}})"}, "error: m\n", 1},
      {{.status = 200, .body = "<html>"}, "is it an ebb server?\n", 1},
      {{.status = 200, .body = R"({"endpoints":[{"name":"x"}]})"}, "error: the server's answer makes no sense to this version of ebb: 'spec' is required\n", 1},
  };
  for (const Failing& row : rows) {
    const StubServer server([&](const StubRequest&) { return row.reply; });
    const Ran ran = run_for_test({.server = server.url()}, {"ps"});
    EXPECT_EQ(ran.code, row.code) << row.err;
    EXPECT_TRUE(ran.err.ends_with(row.err)) << ran.err;
    EXPECT_EQ(ran.out, "");
  }
}

TEST(Commands, NoServer) {
  std::string url;
  {
    url = StubServer([](const StubRequest&) { return StubReply{}; }).url();
  }
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"ps"}, {"top"}, {"status"}, {"logs", "x"}, {"why", "x"}, {"bill"}, {"rm", "x"}, {"model", "ls"}, {"chat", "x", "hi"}}) {
    const Ran ran = run_for_test({.server = url}, args);
    EXPECT_EQ(ran.code, 3) << args[0];
    EXPECT_EQ(ran.err, "error: no server answers at " + url + ": start one with `ebb serve`, or name another with --server or EBB_URL\n");
  }
}

TEST(Commands, UsageErrors) {
  const std::pair<std::vector<std::string>, std::string_view> rows[] = {
      {{"dploy"}, "error: there is no command 'dploy': did you mean `ebb deploy`?\n"},
      {{"xyzzy"}, "error: there is no command 'xyzzy': `ebb --help` lists them\n"},
      {{"ps", "--foo"}, "error: The following argument was not expected: --foo\nsee `ebb ps --help`\n"},
      {{"model", "rm"}, "error: model is required\nsee `ebb model rm --help`\n"},
      {{"model"}, "see `ebb model --help`\n"},
      {{"bill", "--by", "year"}, "see `ebb bill --help`\n"},
      {{"completion", "tcsh"}, "see `ebb completion --help`\n"},
      {{"deploy"}, "error: name the endpoint, or its file with -f\nsee `ebb deploy --help`\n"},
      {{"ps", "--server", "nonsense://x"}, "error: 'nonsense://x' is no address of a server: write it as http://127.0.0.1:8390\n"},
  };
  for (const auto& [args, err] : rows) {
    const Ran ran = run_for_test({.server = "http://127.0.0.1:1"}, args);
    EXPECT_EQ(ran.code, 2) << err;
    EXPECT_TRUE(ran.err.ends_with(err)) << ran.err;
    EXPECT_EQ(ran.out, "");
  }
  const Ran none = run_for_test({.server = ""}, {});
  EXPECT_EQ(none.code, 2);
  EXPECT_NE(none.err.find("ebb deploy chat --model"), std::string::npos);
}

TEST(Commands, EveryCommandHasHelpWithAnExample) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"deploy"},
                                                  {"chat"},
                                                  {"ps"},
                                                  {"top"},
                                                  {"logs"},
                                                  {"why"},
                                                  {"bill"},
                                                  {"usage"},
                                                  {"usage", "export"},
                                                  {"rm"},
                                                  {"model"},
                                                  {"model", "add"},
                                                  {"model", "ls"},
                                                  {"model", "rm"},
                                                  {"status"},
                                                  {"completion"},
                                                  {"version"}}) {
    std::vector<std::string> args = command;
    args.emplace_back("--help");
    const Ran ran = run_for_test({.server = ""}, args);
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.out.find("\nExample:\n  "), std::string::npos) << ran.out;
    EXPECT_EQ(ran.out.find("\n\n\n"), std::string::npos) << ran.out;
    EXPECT_TRUE(ran.out.ends_with('\n'));
  }
}

}  // namespace
}  // namespace ebb::cli
