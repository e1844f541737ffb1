// `ebb image` and `ebb registry` against a stub server.
#include "cli/image.h"

#include <gtest/gtest.h>

#include "cli/run_for_test.h"
#include "cli/stub_server.h"
#include "io/folder_for_test.h"
#include "wire/image_admin_json.h"

namespace ebb::cli {
namespace {

std::string image_json() {
  domain::Image image{.name = "resize", .version = 2, .added = WallTime(milliseconds(1'700'000'000'000)), .source = "docker://h.tld/resize:1"};
  image.facts = {.architecture = "amd64", .os = "linux", .unpacked_bytes = 3 << 20, .notes = {"a note"}};
  image.facts.config.entrypoint = {"/bin/sh", "-c", "echo \x1b[31m"};
  image.facts.config.env = {"A=b"};
  image.facts.layers = {{.digest = {}, .bytes = 1 << 20}};
  return json::serialize(wire::to_json(image));
}

StubReply answer(const StubRequest& request) {
  if (request.method == "POST") return {.body = "{\"progress\":{\"phase\":\"unpack\",\"done_bytes\":1,\"total_bytes\":2}}\n{\"image\":" + image_json() + "}\n"};
  if (request.path == "/ebb/v1/images") return {.body = "{\"images\":[" + image_json() + "]}"};
  if (request.path == "/ebb/v1/registries") return {.body = R"({"registries":[{"registry":"h.tld","username":"u","token_server":null}]})"};
  return {.body = image_json()};
}

TEST(ImageCommand, SourcesAreMadeAbsoluteOrLeftAsReferences) {
  const io::FolderForTest folder;
  const std::string file = folder.write("a.tar", "x").string();
  struct Row {
    std::string source;
    std::string sent;  // empty: refused here
  };
  const Row rows[] = {{file, file},
                      {folder.path("../" + folder.path().filename().string() + "/a.tar").string(), file},
                      {file + ":b/c:1", file + ":b/c:1"},
                      {"h.tld/a:1", "h.tld/a:1"},
                      {"docker://h.tld/a", "docker://h.tld/a"},
                      {"localhost/a", "localhost/a"},
                      {"./absent.tar", ""},
                      {"absent", ""},
                      {"library/absent", ""}};
  for (const Row& row : rows) {
    const StubServer server(answer);
    const Ran ran = run_for_test({.server = server.url()}, {"image", "add", "resize", row.source});
    EXPECT_EQ(ran.code == 0, !row.sent.empty()) << row.source << ran.err;
    if (row.sent.empty()) {
      EXPECT_EQ(ran.code, 2);
      EXPECT_TRUE(server.requests().empty());
      continue;
    }
    ASSERT_EQ(server.requests().size(), 1U);
    EXPECT_EQ(json::parse(server.requests()[0].body).at("source").as_string(), row.sent);
    EXPECT_EQ(ran.out, "resize@2: linux/amd64, 1 layer, 1.0 MiB, 3.0 MiB unpacked\n");
    EXPECT_EQ(ran.err, "note: a note\n");
  }
}

TEST(ImageCommand, WhatCanOnlyBeASource) {
  for (const char* text : {"./x", "/x.tar", "h.tld/a", "docker://h.tld/a"})
    EXPECT_TRUE(is_image_source(text)) << text;
  for (const char* text : {"resize", "resize@2", "absent.tar"})
    EXPECT_FALSE(is_image_source(text)) << text;
}

TEST(ImageCommand, ListsAndShowsWithoutSteeringTheTerminal) {
  const StubServer server(answer);
  const Ran list = run_for_test({.server = server.url()}, {"image", "ls"});
  EXPECT_NE(list.out.find("resize@2  linux/amd64       1  1.0 MiB   3.0 MiB"), std::string::npos) << list.out;
  const Ran shown = run_for_test({.server = server.url()}, {"image", "show", "resize@2"});
  EXPECT_NE(shown.out.find("entrypoint  /bin/sh -c \"echo \\u001b[31m\"\n"), std::string::npos) << shown.out;
  EXPECT_EQ(shown.out.find('\x1b'), std::string::npos);
  EXPECT_NE(shown.out.find("env         A=b\n"), std::string::npos);
  EXPECT_EQ(run_for_test({.server = server.url()}, {"image", "show", "resize@x"}).code, 2);
}

TEST(RegistryCommand, ThePasswordComesFromStdinAndIsNotShown) {
  const StubServer server(answer);
  const Ran in = run_for_test({.server = server.url(), .input = "s3cret word\n"}, {"registry", "login", "h.tld:5000", "--username", "u"});
  EXPECT_EQ(in.code, 0) << in.err;
  EXPECT_EQ((in.out + in.err).find("s3cret"), std::string::npos);
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests()[0].path, "/ebb/v1/registries/h.tld%3A5000");
  EXPECT_EQ(server.requests()[0].body, R"({"username":"u","password":"s3cret word"})");
  const Ran none = run_for_test({.server = server.url(), .input = "\n"}, {"registry", "login", "h.tld", "--username", "u"});
  EXPECT_EQ(none.code, 2);
  EXPECT_NE(none.err.find("there is no password on stdin"), std::string::npos);
  EXPECT_EQ(run_for_test({.server = server.url()}, {"registry", "ls"}).out, "REGISTRY  USER  TOKENS FROM\nh.tld     u\n");
}

}  // namespace
}  // namespace ebb::cli
