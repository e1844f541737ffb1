// Apps in folders that stand for an image's root.
#include "invoke/azure_app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "domain/limits.h"
#include "io/folder_for_test.h"

namespace ebb::invoke {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

constexpr const char* kHost = R"({"customHandler":{"description":{"defaultExecutablePath":"handler","arguments":["-v"]}}})";
constexpr const char* kFunction = R"({"bindings":[{"type":"httpTrigger","name":"req"}]})";

class AzureApps : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_.path() / path).parent_path());
    std::ofstream(root_.path() / path) << text;
  }
  Result<std::optional<domain::AzureApp>> find() const { return find_azure_app(root_.path(), kAzureAppFolder); }

  io::FolderForTest root_;
};

TEST_F(AzureApps, AreWhatTheirFilesSay) {
  EXPECT_EQ(*find(), std::nullopt) << "there is none";
  write("home/site/wwwroot/host.json", kHost);
  write("home/site/wwwroot/Get/function.json", kFunction);
  write("home/site/wwwroot/Timer/function.json", R"({"bindings":[{"type":"timerTrigger","name":"t"}]})");
  write("home/site/wwwroot/node_modules/x.js", "");
  write("home/site/wwwroot/.git/function.json", "no name of a function");
  const auto app = find();
  ASSERT_TRUE(app && *app) << app.error().message;
  EXPECT_THAT((*app)->argv, ElementsAre("handler", "-v")) << "PATH has it";
  EXPECT_EQ((*app)->cwd, "/home/site/wwwroot");
  ASSERT_EQ((*app)->routes.size(), 1U);
  EXPECT_EQ((*app)->routes[0].function, "Get");
  write("home/site/wwwroot/handler", "");
  EXPECT_EQ((*find())->argv.front(), "/home/site/wwwroot/handler") << "a file beside host.json goes before PATH";
}

TEST_F(AzureApps, OfAnotherWorkingDirectory) {
  write("home/site/wwwroot/host.json", R"({"customHandler":{"description":{"defaultExecutablePath":"./bin/run","workingDirectory":"src"}}})");
  const auto app = find();
  ASSERT_TRUE(app && *app);
  EXPECT_EQ((*app)->cwd, "/home/site/wwwroot/src");
  EXPECT_EQ((*app)->argv.front(), "/home/site/wwwroot/src/./bin/run");
}

TEST_F(AzureApps, OfHostileImages) {
  const io::FolderForTest outside;
  outside.write("host.json", kHost);
  fs::create_directories(root_.path() / "home/site");
  fs::create_directory_symlink(outside.path(), root_.path() / "home/site/wwwroot");
  EXPECT_EQ(*find(), std::nullopt) << "a link out leads nowhere";
  fs::remove(root_.path() / "home/site/wwwroot");
  write("home/site/wwwroot/host.json", std::string(domain::kAzureFileBytesMax + 1, ' '));
  EXPECT_EQ(find().error().kind, ErrorKind::kInvalid);
  write("home/site/wwwroot/host.json", kHost);
  for (size_t i = 0; i <= domain::kAzureFunctionsMax; ++i)
    write("home/site/wwwroot/f" + std::to_string(i) + "/function.json", kFunction);
  EXPECT_EQ(find().error().kind, ErrorKind::kInvalid) << "too many functions";
}

}  // namespace
}  // namespace ebb::invoke
