// The commands that change something: deploy and model.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/json.h"
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
    R"("parameters":134515008,"weights_bytes":98362432,"layers":30,"train_context":8192,"vocabulary":49152,"kv_bytes_per_token":23040,"has_chat_template":true}})";
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
  const Ran ran = run_for_test({.server = server.url()},
                               {"deploy", "chat", "--model", "smol@3", "--memory", "512MiB", "--context", "2048", "--min",  "1",     "--max",      "8",
                                "--idle", "1m",   "--keep",  "1h",     "--queue",  "5",      "--wait",    "10s",  "--time", "1m30s", "--priority", "batch"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "chat is deployed: chat@2, 4096 tokens of context, 256 MiB a call, revision 00000000000000a1\n");
  EXPECT_EQ(ran.err, "ask it: ebb chat chat \"Why is the sky blue?\"\n");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "PUT");
  EXPECT_EQ(requests[0].path, "/ebb/v1/endpoints/chat");
  EXPECT_EQ(requests[0].body, R"({"endpoint":"chat","engine":"llama","model":"smol@3","memory":"512MiB","context":2048,)"
                              R"("scaling":{"min":1,"max":8,"idle":"1m","keep":"1h"},"priority":"batch","limits":{"queue":5,"wait":"10s","time":"1m30s"}})");
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
  EXPECT_EQ(json::serialize(json::parse(requests[0].body).at("scaling")), R"({"min":0,"max":2,"idle":"5s","keep":"auto"})");
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

TEST(Deploy, AFunctionsHintIsByItsContract) {
  for (const std::string contract : {"lambda", "sagemaker", "azure", "kserve", "cloudrun"}) {
    const StubServer server([&contract](const StubRequest& request) {
      json::value row = json::parse(deployed(request).body);
      row.get_object()["model"] = "";
      row.get_object()["image"] = "f@1";
      row.get_object()["contract"] = contract;
      return StubReply{.body = json::serialize(row)};
    });
    const Ran ran = run_for_test({.server = server.url() + "/"}, {"deploy", "f", "--image", "f@1"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_TRUE(ran.out.starts_with("f is deployed: f@1 by the contract " + contract + " (as the image says), ")) << ran.out;
    EXPECT_EQ(ran.err, contract == "cloudrun" ? "ask it: curl " + server.url() + "/invoke/f/\n" : "ask it: ebb invoke f --data '{}'\n");
  }
}

TEST(Deploy, WrongInputIsRefusedBeforeAnythingIsSent) {
  const Folder folder;
  const std::string gguf = folder.write("some.gguf", "GGUF");
  const std::string slip = folder.write("slip.yaml", "endpoint: chat\nmodle: smol\n");
  const std::string clash = folder.write(
      "clash.yaml",
      "endpoint: chat\nengine: echo\nscaling:\n  schedule: [{cron: '@daily', provisioned: 1},\n             {cron: '0 0 1 * *', provisioned: 2}]\n");
  const std::string broken = folder.write("broken.yaml", "endpoint: [chat\n");
  const std::string empty = folder.write("empty.yaml", "# nothing\n");
  const std::pair<std::vector<std::string>, std::string> rows[] = {
      {{"deploy", "chat"}, "error: 'model' is required: the name of a stored model (`ebb model ls` lists them)\n"},
      {{"deploy", "Chat", "--model", gguf}, "error: 'Chat' is no name for an endpoint: use a-z"},
      {{"deploy", "chat", "--model", gguf, "--idle", "soon"}, "error: 'scaling.idle': 'soon' is no duration"},
      {{"deploy", "chat", "--model", gguf, "--max", "9999"}, "error: 'scaling.max' must be between 1 and 1024, not 9999\n"},
      {{"deploy", "chat", "--model", gguf, "--max", "many"}, "error: Could not convert: --max = many\nsee `ebb deploy --help`\n"},
      {{"deploy", "chat", "--model", "./absent.gguf"}, "error: there is no file './absent.gguf'\n"},
      {{"deploy", "chat", "--model", folder.path().string()},
       "error: '" + folder.path().string() + "' is a directory without a model.onnx: name the .gguf file in it"},
      {{"deploy", "chat", "--model", "https://example.com/x.gguf#md5=1"}, "error: '#md5=1' is no checksum: write #sha256= and its 64 hexadecimal digits\n"},
      {{"deploy", "-f", slip}, "error: " + slip + ", line 2: 'modle' is not a known field: did you mean 'model'?\n"},
      {{"deploy", "-f", clash}, "error: " + clash + ", line 5: 'scaling.schedule[0]' (\"@daily\", provisioned: 1) and 'scaling.schedule[1]'"},
      {{"deploy", "-f", clash, "--idle", "soon"}, "error: 'scaling.idle': 'soon' is no duration"},
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
            "MODEL       SIZE  PARAMETERS  FORMAT  QUANTIZATION  CONTEXT       ADDED  SHA-256       TITLE\n"
            "chat@2  93.8 MiB       135 M  gguf    Q4_1             8192  13 min ago  aaaaaaaaaaaa  Smol \xef\xbf\xbd[1m\n");
  const Ran removed = run_for_test({.server = server.url()}, {"model", "rm", "chat@2"});
  EXPECT_EQ(removed.code, 1);
  EXPECT_EQ(removed.err, "error: endpoint 'chat' needs chat@2\n");
  EXPECT_EQ(server.requests().at(1).path, "/ebb/v1/models/chat%402");
}

TEST(Model, ShowsTensorsAndWhetherItIsPrepared) {
  const StubServer server([](const StubRequest&) {
    return StubReply{
        .body = R"({"name":"m","version":2,"sha256":")" + std::string(64, 'a') +
                R"(","source":"/m","added":"2023-11-14T22:00:00.000Z","facts":{"format":"onnx","architecture":"pytorch","title":"","quantization":"FP32",)"
                R"("parameters":4,"weights_bytes":4096,"layers":0,"train_context":0,"vocabulary":0,"kv_bytes_per_token":0,"task":"tensors","inputs":[)"
                R"({"name":"a\u001b","datatype":"FP32","shape":[-1,2]},{"name":"b","datatype":"INT64","shape":[]}],"outputs":[{"name":"y","datatype":"FP32",)"
                R"("shape":[-1]}]},"prepared":{"ready":false,"why":"it took longer than 600 s"}})"};
  });
  const Ran shown = run_for_test({.server = server.url()}, {"model", "show", "m"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(shown.out,
            "model         m@2\n"
            "format        ONNX\n"
            "task          tensors\n"
            "architecture  pytorch\n"
            "parameters    4\n"
            "quantization  FP32\n"
            "size          4.0 KiB\n"
            "sha256        " +
                std::string(64, 'a') +
                "\n"
                "source        /m\n"
                "added         2023-11-14T22:00:00.000Z\n"
                "inputs        a\xef\xbf\xbd  FP32 [-1,2]\n"
                "              b  INT64 []\n"
                "outputs       y  FP32 [-1]\n"
                "prepared      no: it took longer than 600 s\n");
  EXPECT_EQ(server.requests().at(0).path, "/ebb/v1/models/m");
}

TEST(Model, SaysHowWeightsAreLaidOut) {
  const struct {
    std::string prepared;
    std::string says;
  } rows[] = {
      {R"({"ready":true,"why":""})", "for this processor, one copy for all workers"},
      {R"({"ready":true,"why":"","tokens_alike":true})",
       "for this processor, one copy for all workers\nspeculation   by prompt lookup, which changes no answer"},
      {R"({"ready":false,"why":"it is being prepared"})", "as stored, one copy for all workers: it is being prepared"},
  };
  for (const auto& row : rows) {
    const StubServer server([&row](const StubRequest&) {
      return StubReply{.body =
                           R"({"name":"m","version":1,"sha256":")" + std::string(64, 'a') +
                           R"(","source":"/m","added":"2023-11-14T22:00:00.000Z","facts":{"format":"gguf","architecture":"llama","title":"",)"
                           R"("quantization":"Q4_1","parameters":4,"weights_bytes":4096,"layers":1,"train_context":8,"vocabulary":9,"kv_bytes_per_token":1},)"
                           R"("prepared":)" +
                           row.prepared + "}"};
    });
    const Ran shown = run_for_test({.server = server.url()}, {"model", "show", "m"});
    EXPECT_EQ(shown.code, 0) << shown.err;
    EXPECT_NE(shown.out.find("size          4.0 KiB\nlayout        " + row.says + "\n"), std::string::npos) << shown.out;
  }
}

}  // namespace
}  // namespace ebb::cli
