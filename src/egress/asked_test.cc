// Rows of request lines.
#include "egress/asked.h"

#include <gtest/gtest.h>

namespace ebb::egress {
namespace {

TEST(ReadAsked, Rows) {
  struct Row {
    const char* method;
    const char* target;
    const char* host;
    uint16_t port;
    const char* origin;  // "": a tunnel
    const char* authority;
  };
  const Row rows[] = {
      {"CONNECT", "api.example.com:443", "api.example.com", 443, "", ""},
      {"CONNECT", "API.Example.com.:8443", "api.example.com", 8443, "", ""},
      {"CONNECT", "93.184.216.34:443", "93.184.216.34", 443, "", ""},
      {"CONNECT", "[2606:4700::1]:443", "2606:4700::1", 443, "", ""},
      {"GET", "http://example.com:/", "example.com", 80, "/", "example.com"},
      {"CONNECT", "2130706433:443", "2130706433", 443, "", ""},  // a name here; what it resolves to is looked at
      {"GET", "http://example.com", "example.com", 80, "/", "example.com"},
      {"GET", "http://example.com/", "example.com", 80, "/", "example.com"},
      {"POST", "http://example.com:8080/a/b?c=d&e", "example.com", 8080, "/a/b?c=d&e", "example.com:8080"},
      {"GET", "HTTP://EXAMPLE.com?q", "example.com", 80, "/?q", "EXAMPLE.com"},
      {"GET", "http://[::1]:81/x", "::1", 81, "/x", "[::1]:81"},
  };
  for (const Row& row : rows) {
    const Result<Asked> asked = read_asked(row.method, row.target);
    ASSERT_TRUE(asked) << row.target << ": " << asked.error().message;
    EXPECT_EQ(asked->host, row.host) << row.target;
    EXPECT_EQ(asked->port, row.port) << row.target;
    EXPECT_EQ(asked->tunnel, *row.origin == 0) << row.target;
    EXPECT_EQ(asked->target, row.origin) << row.target;
    EXPECT_EQ(asked->authority, row.authority) << row.target;
  }
}

TEST(ReadAsked, RefusesWhatTwoCouldReadInTwoWays) {
  for (const char* const target : {"",
                                   "a",
                                   "a:",
                                   "a:0",
                                   "a:65536",
                                   "a:x",
                                   ":443",
                                   "a:1/x",
                                   "a:1?x",
                                   "a:1#x",
                                   "u@a:1",
                                   "a b:1",
                                   "http://a:1",
                                   "a:1:2",
                                   "a\\b:1",
                                   "%61:1",
                                   "[::1",
                                   "[v1.x]:1",
                                   "[fe80::1%25eth0]:1",
                                   "::1:443"})
    EXPECT_FALSE(read_asked("CONNECT", target)) << target;
  for (const char* const target : {"",
                                   "/",
                                   "*",
                                   "a:1",
                                   "//a/x",
                                   "https://a/",
                                   "ftp://a/",
                                   "http:/a",
                                   "http:a",
                                   "http:///x",
                                   "http://",
                                   "http://u:p@a/",
                                   "http://a\\@b/",
                                   "http://a b/",
                                   "http://a:99999/",
                                   "http://a:65537/",
                                   "http://a:0/",
                                   "http://%31/",
                                   "http://a/#f",
                                   "http://[v1.x]/"})
    EXPECT_FALSE(read_asked("GET", target)) << target;
}

}  // namespace
}  // namespace ebb::egress
