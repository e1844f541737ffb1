// Shell completion: candidates from the app, names from the server.
#include "cli/complete.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/run_for_test.h"
#include "cli/stub_server.h"

namespace ebb::cli {
namespace {

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
    if (found.names == Names::kImages) text += "IMAGES ";
    if (found.files) text += "FILES ";
    return text;
  };
  EXPECT_EQ(words({"de"}), "deploy ");
  EXPECT_EQ(words({""}),
            "deploy chat embed invoke ps top logs why template tokenize bill usage rm model image registry tenant key budget limit price ledger audit status "
            "completion "
            "version ");
  EXPECT_EQ(words({"model", ""}), "add ls show rm ");
  EXPECT_EQ(words({"model", "add", ""}), "");
  EXPECT_EQ(words({"model", "add", "smol", ""}), "FILES ");
  EXPECT_EQ(words({"model", "rm", ""}), "MODELS ");
  EXPECT_EQ(words({"image", "add", "resize", ""}), "FILES ");
  EXPECT_EQ(words({"image", "show", ""}), "IMAGES ");
  EXPECT_EQ(words({"registry", "logout", ""}), "");
  EXPECT_EQ(words({"model", "show", ""}), "MODELS ");
  EXPECT_EQ(words({"chat", ""}), "ENDPOINTS ");
  EXPECT_EQ(words({"chat", "x", ""}), "");
  EXPECT_EQ(words({"logs", "-f", ""}), "ENDPOINTS ");
  EXPECT_EQ(words({"logs", "--"}), "--help --server --ca --follow --json ");
  EXPECT_EQ(words({"deploy", "x", "--model", ""}), "MODELS FILES ");
  EXPECT_EQ(words({"deploy", "-f", ""}), "FILES ");
  EXPECT_EQ(words({"deploy", "--e"}), "--env --egress --egress-to ");  // --engine is for tests
  EXPECT_EQ(words({"bill", "--by", ""}), "endpoint day tier tenant key ");
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
