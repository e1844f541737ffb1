// Rows of answer heads, addresses, notes and protocol lines: all that is read from outside and is no file.
#include "registry/http_answer.h"

#include <gtest/gtest.h>

#include "registry/fetch_protocol.h"
#include "registry/http_download.h"
#include "registry/source_url.h"

namespace ebb::registry {
namespace {

HttpAnswer answer_of(std::initializer_list<std::string_view> lines) {
  HttpAnswer answer;
  for (const std::string_view line : lines)
    answer.add_line(line);
  return answer;
}

TEST(HttpAnswer, ReadsLengthsAndValidators) {
  const HttpAnswer whole = answer_of({"HTTP/1.1 200 OK\r\n", "CONTENT-LENGTH:  12 \r\n", "etag: \"a\"\r\n", "Last-Modified: Tue\r\n", "\r\n"});
  EXPECT_EQ(whole.status(), 200);
  EXPECT_EQ(whole.whole_bytes(), 12U);
  EXPECT_EQ(whole.validator(), "\"a\"");
  EXPECT_TRUE(whole.complete());

  const HttpAnswer part =
      answer_of({"HTTP/2 206\r\n", "content-length: 2\r\n", "content-range: bytes 10-11/12\r\n", "etag: W/\"weak\"\r\n", "last-modified: Tue\r\n"});
  EXPECT_EQ(part.whole_bytes(), 12U);
  EXPECT_EQ(part.range_start(), 10U);
  EXPECT_EQ(part.validator(), "Tue");  // a weak tag does not promise the same bytes
  EXPECT_FALSE(part.complete());
}

TEST(HttpAnswer, ANewStatusLineBeginsAnew) {
  const HttpAnswer answer = answer_of({"HTTP/1.1 302 X\r\n", "Content-Length: 5\r\n", "ETag: \"x\"\r\n", "\r\n", "HTTP/1.1 200 OK\r\n"});
  EXPECT_EQ(answer.redirects(), 1);
  EXPECT_EQ(answer.whole_bytes(), 0U);
  EXPECT_EQ(answer.validator(), "");
}

TEST(HttpAnswer, WhatCannotBeReadIsNotSaid) {
  for (const std::string_view line :
       {"Content-Length: -1", "Content-Length: 1e3", "Content-Length: 99999999999999999999", "Content-Length", ":", "Content-Length: 5, 5"})
    EXPECT_EQ(answer_of({"HTTP/1.1 200 OK", line}).whole_bytes(), 0U) << line;
  for (const std::string_view line : {"Content-Range: bytes */5", "Content-Range: x", "Content-Range: bytes 1/2-3"})
    EXPECT_EQ(answer_of({"HTTP/1.1 206 X", line}).range_start(), 0U) << line;
  EXPECT_EQ(answer_of({"HTTP/1.1"}).status(), 0);
  EXPECT_EQ(answer_of({"HTTP/1.1 200", "ETag: \"a\x01\""}).validator(), "");
}

TEST(SourceUrl, ReadsAddresses) {
  const std::string digest(64, 'a');
  const auto url = parse_source_url("https://User:pw@Host.example:8443/a/b?q=1#sha256=" + digest);
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->host, "Host.example");
  EXPECT_TRUE(url->encrypted);
  EXPECT_EQ(url->sha256->hex(), digest);
  EXPECT_EQ(url->address.find('#'), std::string::npos);
  EXPECT_FALSE(parse_source_url("http://h/x")->encrypted);
  for (const std::string_view text : {"ftp://h/", "http://", "http://h/ x", "http://h\\@evil/", "http://h/\n", "http://h/#sha256=ab", "http://h/#x",
                                      "file:///x", "http://h:99999/", "javascript://x"})
    EXPECT_FALSE(parse_source_url(text)) << text;
  EXPECT_FALSE(parse_source_url("http://h/" + std::string(5000, 'x')));
}

TEST(SourceUrl, ShowsNoSecrets) {
  EXPECT_EQ(shown_source("https://me:pw@h/x?sig=abc#sha256=1"), "https://h/x");
  EXPECT_EQ(shown_source("/a/b?c"), "/a/b?c");
}

TEST(ResumeNote, GoesThereAndBack) {
  const ResumeNote note{.validator = "\"v\"", .total = 12, .boot = "b"};
  EXPECT_EQ(parse_resume_note(to_text(note)), note);
  for (const std::string_view text : {"", "{}", "[]", R"({"validator":"a\r\nX: y","total":1,"boot":"b"})", R"({"validator":"a","total":-1,"boot":"b"})"})
    EXPECT_FALSE(parse_resume_note(text)) << text;
}

TEST(FetchProtocol, GoesThereAndBack) {
  const FetchRequest request{.source = "/x", .sha256 = domain::Digest{{1}}, .bytes_max = 5, .require_confinement = true};
  EXPECT_EQ(*fetch_request_from_json(to_json(request)), request);
  const FetchProgress progress{.phase = "hash", .done_bytes = 1, .total_bytes = 2};
  EXPECT_EQ(std::get<FetchProgress>(*parse_fetch_line(json::serialize(progress_line(progress)))), progress);
  const FetchResult result{.digest = {{2}},
                           .facts = {.architecture = "llama",
                                     .title = "T",
                                     .quantization = "Q4_1",
                                     .parameters = 1,
                                     .weights_bytes = 2,
                                     .layers = 3,
                                     .train_context = 4,
                                     .vocabulary = 5,
                                     .kv_bytes_per_token = 6,
                                     .has_chat_template = true},
                           .missing_layers = {"landlock"}};
  EXPECT_EQ(std::get<FetchResult>(*parse_fetch_line(json::serialize(to_json(result)))), result);
  const Error error{.kind = ErrorKind::kTooLarge, .message = "m", .param = "source"};
  const auto failed = std::get<FetchFailed>(*parse_fetch_line(json::serialize(wire::to_json(error))));
  EXPECT_EQ(failed.error.kind, error.kind);
  EXPECT_EQ(failed.error.message, "m");
}

TEST(FetchProtocol, RefusesNonsense) {
  for (const std::string_view line : {"", "x", "[]", "{}", R"({"phase":"x","done":1,"total":1})", R"({"phase":"hash","done":-1,"total":1})", R"({"ok":{}})",
                                      R"({"ok":{"sha256":"../../etc","bytes":1,"facts":{}}})", R"({"ok":3})"})
    EXPECT_FALSE(parse_fetch_line(line)) << line;
  EXPECT_FALSE(fetch_request_from_json(json::object{{"source", "/x"}, {"more", 1}}));
  EXPECT_FALSE(fetch_request_from_json(json::object{{"sha256", "x"}}));
}

}  // namespace
}  // namespace ebb::registry
