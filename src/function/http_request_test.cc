// Rows of requests and their bytes.
#include "function/http_request.h"

#include <gtest/gtest.h>

namespace ebb::function {
namespace {

std::string text_of(const domain::HttpRequest& request) {
  const auto framing = framing_of(request);
  return framing ? head_text(request, *framing, 8080) : "refused: " + framing.error().param;
}

TEST(HeadText, Rows) {
  EXPECT_EQ(text_of({.method = "GET", .target = "/a?b=c"}), "GET /a?b=c HTTP/1.1\r\nHost: localhost:8080\r\n\r\n");
  EXPECT_EQ(text_of({.method = "GET", .target = "/", .headers = {{"X-A", "1"}, {"host", "me"}}}), "GET / HTTP/1.1\r\nHost: me\r\nX-A: 1\r\n\r\n");
  EXPECT_EQ(text_of({.method = "POST", .target = "/"}), "POST / HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(text_of({.method = "POST", .target = "/", .headers = {{"content-length", "7"}}, .has_body = true}),
            "POST / HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 7\r\n\r\n");
  EXPECT_EQ(text_of({.method = "PUT", .target = "/", .headers = {{"Connection", "close"}, {"transfer-encoding", "gzip"}}, .has_body = true}),
            "PUT / HTTP/1.1\r\nHost: localhost:8080\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(HeadText, LengthsThatAreNone) {
  for (const char* bad : {"", "-1", "1x", " 1", "99999999999999999999999"})
    EXPECT_EQ(text_of({.method = "POST", .target = "/", .headers = {{"Content-Length", bad}}, .has_body = true}), "refused: Content-Length") << bad;
  EXPECT_EQ(text_of({.method = "POST", .target = "/", .headers = {{"Content-Length", "1"}, {"Content-Length", "1"}}, .has_body = true}),
            "refused: Content-Length");
  EXPECT_EQ(text_of({.method = "GET", .target = "/", .headers = {{"Content-Length", "1"}}}), "refused: Content-Length");
}

TEST(ChunkHead, IsHex) { EXPECT_EQ(chunk_head(65536), "10000\r\n"); }

}  // namespace
}  // namespace ebb::function
