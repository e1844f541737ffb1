// Rows of heads: the ordinary, and each thing that is refused. What it looks like over a socket is in bad_input_test.cc.
#include "gateway/head_check.h"

#include <gtest/gtest.h>

namespace ebb::gateway {
namespace {

TEST(HeadCheck, Rows) {
  const std::string get = "GET / HTTP/1.1\r\n";
  const std::string host = "Host: a\r\n";
  struct Row {
    std::string head;
    int status;  // 0: accepted
  };
  const Row rows[] = {
      {get + host + "\r\n", 0},
      {"GET / HTTP/1.0\r\n\r\n", 0},
      {get + host + "Content-Length: 0\r\n\r\n", 0},
      {get + host + "content-LENGTH:\t5 \r\n\r\n", 0},
      {get + host + "Transfer-Encoding: Chunked\r\n\r\n", 0},
      {get + host + "X-Empty:\r\n\r\n", 0},
      {get + host + "X: caf\xc3\xa9\r\n\r\n", 0},
      {get + "\r\n", 400},
      {get + host + "hOsT: b\r\n\r\n", 400},
      {get + host + "Content-Length: 1234567890123456789\r\n\r\n", 400},
      {get + host + "Content-Length:\r\n\r\n", 400},
      {get + host + "Content-Length: 0x5\r\n\r\n", 400},
      {get + host + "Content-Length: -1\r\n\r\n", 400},
      {get + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {get + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {get + host + "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
      {get + host + "Transfer-Encoding:\r\n\r\n", 501},
      {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {get + host + "\tX: folded\r\n\r\n", 400},
      {get + host + ": no name\r\n\r\n", 400},
      {get + host + "X: a\rb\r\n\r\n", 400},
      {get + host + "X: a\nb\r\n\r\n", 400},
      {get + host + "X: \x7f\r\n\r\n", 400},
      {"GET / HTTP/1.2\r\n" + host + "\r\n", 505},
      {"GET /\r\n" + host + "\r\n", 400},
      {"\r\n", 400},
  };
  for (const Row& row : rows) {
    const auto refusal = check_head(row.head);
    EXPECT_EQ(refusal ? refusal->status : 0, row.status) << row.head << (refusal ? refusal->error.message : "");
  }
}

TEST(HeadCheck, FirstByte) {
  EXPECT_FALSE(check_first_byte('G'));
  for (const char c : {'\x16', ' ', '\r', '{', 'g', '\0', '\xff'})
    EXPECT_TRUE(check_first_byte(c)) << int{c};
}

TEST(HeadCheck, PathOfABrokenHead) {
  EXPECT_EQ(path_of_head("GET /ebb/v1/status HTTP/1.1\r\nHost"), "/ebb/v1/status");
  EXPECT_EQ(path_of_head("GET /ebb"), "/ebb");
  EXPECT_EQ(path_of_head("\x16\x03"), "");
  EXPECT_EQ(path_of_head(""), "");
}

}  // namespace
}  // namespace ebb::gateway
