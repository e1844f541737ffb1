// The real ebb-fetch against a server that breaks off, redirects and lies.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "registry/fetcher_for_test.h"
#include "registry/http_server_for_test.h"

namespace ebb::registry {
namespace {

namespace fs = std::filesystem;
using HttpDownloadTest = FetcherForTest;

TEST_F(HttpDownloadTest, DownloadsOverHttp) {
  HttpServerForTest server([&](const std::string&) { return HttpServerForTest::ok(model_); });
  const auto result = fetch({.source = server.url() + "#sha256=" + sha256_of(model_).hex()});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(store_.verify(sha256_of(model_)));
  EXPECT_EQ(staged(), 0U);
  // The resolver works within the confinement.
  std::string by_name = server.url();
  const auto again = fetch({.source = by_name.replace(7, 9, "localhost")});
  EXPECT_TRUE(again) << again.error().message;
}

TEST_F(HttpDownloadTest, DownloadsWithoutALengthAndThroughRedirects) {
  HttpServerForTest server([&](const std::string& head) -> std::string {
    if (head.starts_with("GET /a ")) return HttpServerForTest::status(302, "Location: /b\r\n");
    if (head.starts_with("GET /b ")) return HttpServerForTest::status(307, "Location: /c\r\n");
    return "HTTP/1.1 200 OK\r\n\r\n" + model_;
  });
  const auto result = fetch({.source = server.url("/a")});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->digest, sha256_of(model_));
  EXPECT_EQ(server.heads().size(), 3U);
}

TEST_F(HttpDownloadTest, SaysWhatAServerDidWrong) {
  const struct {
    std::string name;
    std::string answer;
    ErrorKind kind;
    std::string says;
  } rows[] = {
      {"404", HttpServerForTest::status(404), ErrorKind::kNotFound, "127.0.0.1 answered 404"},
      {"404 with a body", "HTTP/1.1 404 X\r\nContent-Length: 5\r\n\r\nhello", ErrorKind::kNotFound, "127.0.0.1 answered 404"},
      {"403", HttpServerForTest::status(403), ErrorKind::kUnauthorized, "answered 403"},
      {"503", HttpServerForTest::status(503), ErrorKind::kUnavailable, "answered 503"},
      {"204", HttpServerForTest::status(204), ErrorKind::kInvalid, "does not give out"},
      {"loop", HttpServerForTest::status(302, "Location: /again\r\n"), ErrorKind::kInvalid, "redirects more than 5 times"},
      {"to a file", HttpServerForTest::status(302, "Location: file:///etc/passwd\r\n"), ErrorKind::kInvalid, "redirects to an address that is not fetched"},
      {"to metadata", HttpServerForTest::status(302, "Location: http://169.254.169.254/x\r\n"), ErrorKind::kInvalid, "models are not fetched from"},
      {"empty", HttpServerForTest::ok(""), ErrorKind::kInvalid, "the file is empty"},
      {"no answer", "", ErrorKind::kUnavailable, "broke off"},
      {"not http", "hello\r\n\r\n", ErrorKind::kUnavailable, "does not speak HTTP"},
      {"shorter than said", "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + model_, ErrorKind::kUnavailable, "run the same command again"},
      {"longer than said", "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n" + model_, ErrorKind::kInvalid, "not a sound GGUF file"},
      {"a petabyte", "HTTP/1.1 200 OK\r\nContent-Length: 1125899906842624\r\n\r\n" + model_, ErrorKind::kTooLarge, "at most"},
      {"more than the disk", "HTTP/1.1 200 OK\r\nContent-Length: 2199023255552\r\n\r\n" + model_, ErrorKind::kTooLarge, "the disk of the model store has only"},
      {"a page", HttpServerForTest::ok("<html>"), ErrorKind::kInvalid, "neither a model in GGUF"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    HttpServerForTest server([&](const std::string&) { return row.answer; });
    expect_refused(fetch({.source = server.url("/m?token=secret")}), row.kind, row.says);
  }
}

TEST_F(HttpDownloadTest, RefusesAnEndlessBody) {
  HttpServerForTest server([&](const std::string&) { return "HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x'); });
  expect_refused(fetch({.source = server.url(), .bytes_max = 50'000}), ErrorKind::kTooLarge, "more than the 50000 bytes");
  EXPECT_EQ(staged(), 0U);
}

TEST_F(HttpDownloadTest, NobodyListensAndNoSuchName) {
  std::string url;
  {
    url = HttpServerForTest([](const std::string&) { return ""; }).url();
  }
  expect_refused(fetch({.source = url}), ErrorKind::kUnavailable, "cannot connect to 127.0.0.1");
  expect_refused(fetch({.source = "http://name.invalid/x"}), ErrorKind::kUnavailable, "the name 'name.invalid' cannot be resolved");
}

// A server whose first answer breaks off in the middle.
struct Breaking {
  explicit Breaking(std::string whole_body, std::string name_of_content = "\"v1\"") : body(std::move(whole_body)), etag(std::move(name_of_content)) {}
  std::string body;
  std::string etag;
  std::string later_body = {};  // another content from the second answer on
  int answers = 0;
  std::string operator()(const std::string& head) {
    if (answers++ > 0 && !later_body.empty()) {
      body = later_body;
      etag = "\"another\"";
    }
    const std::string named = etag.empty() ? "" : "ETag: " + etag + "\r\n";
    if (answers == 1) return "HTTP/1.1 200 OK\r\n" + named + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body.substr(0, body.size() / 2);
    const size_t range = head.find("Range: bytes=");
    const bool same = etag.empty() || head.find("If-Range: " + etag) != std::string::npos;
    if (range == std::string::npos || !same) return HttpServerForTest::ok(body, named);
    const size_t from = std::stoul(head.substr(range + 13));
    const std::string rest = body.substr(from);
    return "HTTP/1.1 206 Partial\r\n" + named + "Content-Range: bytes " + std::to_string(from) + "-" + std::to_string(body.size() - 1) + "/" +
           std::to_string(body.size()) + "\r\nContent-Length: " + std::to_string(rest.size()) + "\r\n\r\n" + rest;
  }
};

TEST_F(HttpDownloadTest, ResumesWhereItBrokeOff) {
  const std::string body = large_model();
  Breaking breaking(body);
  HttpServerForTest server(std::ref(breaking));
  expect_refused(fetch({.source = server.url()}), ErrorKind::kUnavailable, "what came is kept");
  EXPECT_EQ(staged(), 2U);  // the part and its note
  EXPECT_EQ(*store_.clear_staging(WallTime(std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()))), 0U);
  std::vector<std::string> phases;
  const auto result = fetch({.source = server.url()}, [&](const FetchProgress& step) { phases.push_back(step.phase); });
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->digest, sha256_of(body));
  EXPECT_EQ(phases.front(), "hash");
  EXPECT_NE(server.heads().back().find("Range: bytes=" + std::to_string(body.size() / 2) + "-"), std::string::npos) << server.heads().back();
  EXPECT_NE(server.heads().back().find("If-Range: \"v1\""), std::string::npos);
  EXPECT_TRUE(store_.verify(result->digest));
  EXPECT_EQ(staged(), 0U);
}

TEST_F(HttpDownloadTest, StartsAnewWhenTheContentChanged) {
  Breaking breaking(large_model());
  breaking.later_body = model_;
  HttpServerForTest server(std::ref(breaking));
  ASSERT_FALSE(fetch({.source = server.url()}));
  const auto result = fetch({.source = server.url()});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->digest, sha256_of(model_));
  EXPECT_EQ(staged(), 0U);
}

TEST_F(HttpDownloadTest, WithoutANameOfTheContentOnlyADigestAllowsAResume) {
  const std::string body = large_model();
  for (const bool with_digest : {false, true}) {
    Breaking breaking(body, "");
    HttpServerForTest server(std::ref(breaking));
    const FetchRequest request{.source = server.url(), .sha256 = with_digest ? std::optional(sha256_of(body)) : std::nullopt};
    ASSERT_FALSE(fetch(request));
    const auto result = fetch(request);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->digest, sha256_of(body));
    EXPECT_EQ(server.heads().back().find("Range: ") != std::string::npos, with_digest);
    ASSERT_TRUE(store_.remove(result->digest));
  }
}

TEST_F(HttpDownloadTest, ADamagedPartIsFoundByTheDigestAndGoes) {
  const std::string body = large_model();
  Breaking breaking(body);
  HttpServerForTest server(std::ref(breaking));
  const FetchRequest request{.source = server.url(), .sha256 = sha256_of(body)};
  ASSERT_FALSE(fetch(request));
  for (const auto& entry : fs::directory_iterator(folder_.path("models/staging"))) {
    if (entry.path().extension() != ".part") continue;
    const Fd part(::open(entry.path().c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(part.get(), "?", 1, 1000), 1);
  }
  expect_refused(fetch(request), ErrorKind::kInvalid, "the file's SHA-256 is");
  EXPECT_EQ(staged(), 0U);
  EXPECT_TRUE(fetch(request));
}

}  // namespace
}  // namespace ebb::registry
