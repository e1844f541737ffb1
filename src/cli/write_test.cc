// The commands that change something or hold a conversation: deploy, model, chat; and shell completion.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/fd.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/run_for_test.h"
#include "cli/stub_server.h"

namespace ebb::cli {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(make()) {}
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  fs::path path() const { return path_; }

 private:
  static fs::path make() {
    std::string name = fs::temp_directory_path() / "ebb-cli-XXXXXX";
    return mkdtemp(name.data());
  }
  fs::path path_;
};

const std::string kDigest(64, 'a');
const std::string kModel =
    R"({"name":"chat","version":2,"sha256":")" + kDigest +
    R"(","source":"/x.gguf","added":"2023-11-14T22:00:00.000Z","facts":{"architecture":"llama","title":"Smol \u001b[1m","quantization":"Q4_1",)"
    R"("parameters":134515008,"weights_bytes":98362432,"train_context":8192}})";
constexpr std::string_view kDescribed = "chat@2: Smol \xef\xbf\xbd[1m, llama, 135 M parameters, Q4_1, 93.8 MiB, context 8192\n";

StubReply deployed(const StubRequest& request) {
  if (request.method == "POST") return {.body = "{\"progress\":{\"phase\":\"hash\",\"done_bytes\":50,\"total_bytes\":100}}\n{\"model\":" + kModel + "}\n"};
  const json::value spec = json::parse(request.body);
  return {.body = json::serialize(json::value{{"name", "chat"},
                                              {"spec", spec},
                                              {"revision", "00000000000000a1"},
                                              {"model", "chat@2"},
                                              {"memory_mib", 256},
                                              {"context_tokens", 4096},
                                              {"state", "absent"}})};
}

TEST(Deploy, AStoredModelWithFlags) {
  const StubServer server(deployed);
  const Ran ran =
      run_for_test({.server = server.url()}, {"deploy", "chat", "--model", "smol@3", "--memory", "512MiB", "--context", "2048", "--min",  "1",    "--max", "8",
                                              "--idle", "1m",   "--keep",  "1h",     "--queue",  "5",      "--wait",    "10s",  "--time", "1m30s"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "chat is deployed: chat@2, 4096 tokens of context, 256 MiB a call, revision 00000000000000a1\n");
  EXPECT_EQ(ran.err, "ask it: ebb chat chat \"Why is the sky blue?\"\n");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "PUT");
  EXPECT_EQ(requests[0].path, "/ebb/v1/endpoints/chat");
  EXPECT_EQ(requests[0].body, R"({"endpoint":"chat","engine":"llama","model":"smol@3","memory":"512MiB","context":2048,)"
                              R"("scaling":{"min":1,"max":8,"idle":"1m","keep":"1h"},"limits":{"queue":5,"wait":"10s","time":"1m30s"}})");
}

TEST(Deploy, AFileIsAddedFirstUnderTheEndpointsName) {
  const Folder folder;
  const std::string file = folder.write("some.gguf", "GGUF");
  const StubServer server(deployed);
  const Ran ran = run_for_test({.server = server.url()}, {"deploy", "chat", "--model", file});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(ran.err.starts_with(kDescribed)) << ran.err;
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].path, "/ebb/v1/models");
  EXPECT_EQ(requests[0].body, R"({"name":"chat","source":")" + file + R"("})");
  EXPECT_EQ(json::parse(requests[1].body).at("model"), "chat@2");
}

TEST(Deploy, FlagsGoOverTheFile) {
  const Folder folder;
  const std::string file = folder.write("endpoint.yaml", "endpoint: chat\nmodel: smol\nscaling: {max: 4, idle: 5s}\n");
  const StubServer server(deployed);
  const Ran ran = run_for_test({.server = server.url()}, {"deploy", "other", "-f", file, "--max", "2", "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(ran.out.starts_with("{\"name\":\"chat\"")) << ran.out;
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].path, "/ebb/v1/endpoints/other");
  EXPECT_EQ(json::serialize(json::parse(requests[0].body).at("scaling")), R"({"min":0,"max":2,"idle":"5s","keep":"10m"})");
}

TEST(Deploy, AModelFileInTheTextIsMeantFromThere) {
  const Folder folder;
  folder.write("some.gguf", "GGUF");
  const std::string file = folder.write("endpoint.yaml", "endpoint: chat\nmodel: ./some.gguf\n");
  const StubServer server(deployed);
  EXPECT_EQ(run_for_test({.server = server.url()}, {"deploy", "-f", file}).code, 0);
  EXPECT_EQ(json::parse(server.requests().at(0).body).at("source"), json::value((folder.path() / "some.gguf").string()));
}

TEST(Deploy, TheEchoEngineNeedsNoModel) {
  const StubServer server(deployed);
  EXPECT_EQ(run_for_test({.server = server.url()}, {"deploy", "e", "--engine", "echo"}).code, 0);
  EXPECT_EQ(json::parse(server.requests().at(0).body).at("engine"), "echo");
}

TEST(Deploy, WrongInputIsRefusedBeforeAnythingIsSent) {
  const Folder folder;
  const std::string gguf = folder.write("some.gguf", "GGUF");
  const std::string slip = folder.write("slip.yaml", "endpoint: chat\nmodle: smol\n");
  const std::string broken = folder.write("broken.yaml", "endpoint: [chat\n");
  const std::string empty = folder.write("empty.yaml", "# nothing\n");
  const std::pair<std::vector<std::string>, std::string> rows[] = {
      {{"deploy", "chat"}, "error: 'model' is required: the name of a stored model (`ebb model ls` lists them)\n"},
      {{"deploy", "Chat", "--model", gguf}, "error: 'Chat' is no name for an endpoint: use a-z"},
      {{"deploy", "chat", "--model", gguf, "--idle", "soon"}, "error: 'scaling.idle': 'soon' is no duration"},
      {{"deploy", "chat", "--model", gguf, "--max", "99"}, "error: 'scaling.max' must be between 1 and 64, not 99\n"},
      {{"deploy", "chat", "--model", gguf, "--max", "many"}, "error: Could not convert: --max = many\nsee `ebb deploy --help`\n"},
      {{"deploy", "chat", "--model", "./absent.gguf"}, "error: there is no file './absent.gguf'\n"},
      {{"deploy", "chat", "--model", folder.path().string()}, "error: '" + folder.path().string() + "' is a directory: name the .gguf file in it\n"},
      {{"deploy", "chat", "--model", "https://example.com/x.gguf#md5=1"}, "error: '#md5=1' is no checksum: write #sha256= and its 64 hexadecimal digits\n"},
      {{"deploy", "-f", slip}, "error: 'modle' is not a known field: did you mean 'model'?\n"},
      {{"deploy", "-f", broken}, "error: " + broken + ": line "},
      {{"deploy", "-f", empty}, "error: " + empty + ": write fields into it"},
      {{"deploy", "-f", "/nonexistent.yaml"}, "error: cannot read '/nonexistent.yaml'"},
      {{"deploy", "-f", folder.path().string()}, "error: cannot read '"},
      {{"model", "add", "Smol", gguf}, "error: 'Smol' is no name for a model: use a-z"},
      {{"model", "rm", "smol@x"}, "error: "},
  };
  const StubServer server(deployed);
  for (const auto& [args, err] : rows) {
    const Ran ran = run_for_test({.server = server.url()}, args);
    EXPECT_EQ(ran.code, 2) << err;
    EXPECT_TRUE(ran.err.starts_with(err)) << ran.err;
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST(Model, AddShowsProgressOnATerminalOnly) {
  const Folder folder;
  const std::string file = folder.write("some.gguf", "GGUF");
  const StubServer server(deployed);
  const Ran plain = run_for_test({.server = server.url()}, {"model", "add", "chat", file});
  EXPECT_EQ(plain.code, 0);
  EXPECT_EQ(plain.out, kDescribed);
  EXPECT_EQ(plain.err, "deploy it: ebb deploy NAME --model chat\n");
  const Ran terminal = run_for_test({.server = server.url(), .kind = Output::Kind::kTerminal}, {"model", "add", "chat", file});
  EXPECT_EQ(terminal.err, "\rhash  [############------------]   50 %  50 B of 100 B\033[K\r\033[Kdeploy it: ebb deploy NAME --model chat\n");
}

TEST(Model, AddFromAnAddressWithItsChecksum) {
  const StubServer server(deployed);
  EXPECT_EQ(run_for_test({.server = server.url()}, {"model", "add", "smol", "https://example.com/smol.gguf#sha256=" + kDigest}).code, 0);
  EXPECT_EQ(server.requests().at(0).body, R"({"name":"smol","source":"https://example.com/smol.gguf","sha256":")" + kDigest + "\"}");
}

TEST(Model, AddThatFailsSaysWhy) {
  const Folder folder;
  const std::string file = folder.write("some.gguf", "GGUF");
  const std::pair<StubReply, std::string_view> rows[] = {
      {{.body = "{\"progress\":{\"phase\":\"hash\",\"done_bytes\":1,\"total_bytes\":2}}\n{\"error\":{\"kind\":\"corrupt\",\"message\":\"the file ends "
                "early\",\"param\":null}}\n"},
       "error: the file ends early\n"},
      {{.status = 507, .body = R"({"error":{"kind":"exhausted","message":"the disk is full","param":null}})"}, "error: the disk is full\n"},
      {{.body = ""}, "error: the server ended before the model was added: `ebb model ls` shows what there is\n"},
  };
  for (const auto& [reply, err] : rows) {
    const StubServer server([&](const StubRequest&) { return reply; });
    const Ran ran = run_for_test({.server = server.url()}, {"model", "add", "chat", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.err, err);
  }
}

TEST(Model, AddIsCancelledByCtrlC) {
  const Folder folder;
  const std::string file = folder.write("some.gguf", "GGUF");
  const StubServer server([](const StubRequest&) {
    return StubReply{.stream = [](const StubStream& stream) {
      stream.send("{\"progress\":{\"phase\":\"hash\",\"done_bytes\":1,\"total_bytes\":2}}\n");
      kill(getpid(), SIGINT);
      stream.wait_until_gone();
    }};
  });
  const Ran ran = run_for_test({.server = server.url(), .kind = Output::Kind::kTerminal}, {"model", "add", "chat", file});
  EXPECT_EQ(ran.code, 130);
  EXPECT_TRUE(ran.err.empty() || ran.err.ends_with("\r\033[K")) << ran.err;
}

TEST(Model, LsAndRm) {
  const StubServer server([](const StubRequest& request) {
    if (request.method == "DELETE")
      return StubReply{.status = 409, .body = R"({"error":{"kind":"exists","message":"endpoint 'chat' needs chat@2","param":"model"}})"};
    return StubReply{.body = "{\"models\":[" + kModel + "]}"};
  });
  EXPECT_EQ(run_for_test({.server = server.url()}, {"model", "ls"}).out,
            "MODEL       SIZE  PARAMETERS  QUANTIZATION  CONTEXT       ADDED  SHA-256       TITLE\n"
            "chat@2  93.8 MiB       135 M  Q4_1             8192  13 min ago  aaaaaaaaaaaa  Smol \xef\xbf\xbd[1m\n");
  const Ran removed = run_for_test({.server = server.url()}, {"model", "rm", "chat@2"});
  EXPECT_EQ(removed.code, 1);
  EXPECT_EQ(removed.err, "error: endpoint 'chat' needs chat@2\n");
  EXPECT_EQ(server.requests().at(1).path, "/ebb/v1/models/chat%402");
}

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

TEST(Completion, Candidates) {
  const io::FakeClock clock;
  Context context("0.1.0", clock);
  CLI::App app;
  add_commands(app, context);
  const auto words = [&](const std::vector<std::string>& typed) {
    std::string text;
    const Candidates found = candidates_for(app, typed);
    for (const auto& [word, description] : found.words)
      text += word + " ";
    if (found.names == Names::kEndpoints) text += "ENDPOINTS ";
    if (found.names == Names::kModels) text += "MODELS ";
    if (found.files) text += "FILES ";
    return text;
  };
  EXPECT_EQ(words({"de"}), "deploy ");
  EXPECT_EQ(words({""}), "deploy chat ps top logs why bill rm model status completion version ");
  EXPECT_EQ(words({"model", ""}), "add ls rm ");
  EXPECT_EQ(words({"model", "add", ""}), "");
  EXPECT_EQ(words({"model", "add", "smol", ""}), "FILES ");
  EXPECT_EQ(words({"model", "rm", ""}), "MODELS ");
  EXPECT_EQ(words({"chat", ""}), "ENDPOINTS ");
  EXPECT_EQ(words({"chat", "x", ""}), "");
  EXPECT_EQ(words({"logs", "-f", ""}), "ENDPOINTS ");
  EXPECT_EQ(words({"logs", "--"}), "--help --server --follow --json ");
  EXPECT_EQ(words({"deploy", "x", "--model", ""}), "MODELS FILES ");
  EXPECT_EQ(words({"deploy", "-f", ""}), "FILES ");
  EXPECT_EQ(words({"deploy", "--e"}), "");  // --engine is for tests
  EXPECT_EQ(words({"bill", "--by", ""}), "endpoint day tier ");
  EXPECT_EQ(words({"bill", "--endpoint", ""}), "ENDPOINTS ");
  EXPECT_EQ(words({"completion", "z"}), "zsh ");
  EXPECT_EQ(words({}), words({""}));
}

TEST(Completion, NamesComeFromTheServer) {
  const StubServer server([](const StubRequest& request) {
    if (request.path == "/ebb/v1/models") return StubReply{.body = R"({"models":[{"name":"smol","version":1},{"name":"smol","version":2},{"name":"gemma"}]})"};
    return StubReply{.body = R"({"endpoints":[{"name":"chat"},{"name":"cool"},{"name":"other"}]})"};
  });
  EXPECT_EQ(run_for_test({.server = server.url()}, {"__complete", "chat", "c"}).out, "chat\tendpoint\ncool\tendpoint\n");
  EXPECT_EQ(run_for_test({.server = "http://127.0.0.1:1"}, {"__complete", "deploy", "--server", server.url(), "--model", ""}).out,
            "gemma\tmodel\nsmol\tmodel\n:files\n");
  const Ran none = run_for_test({.server = "http://127.0.0.1:1"}, {"__complete", "chat", ""});
  EXPECT_EQ(none.code, 0);
  EXPECT_EQ(none.out + none.err, "");
}

TEST(Completion, ScriptsCallThisProgram) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const Ran ran = run_for_test({.server = ""}, {"completion", shell});
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.out.find("__complete"), std::string::npos);
  }
}

}  // namespace
}  // namespace ebb::cli
