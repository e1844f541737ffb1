// Rows of hosts and ports.
#include "domain/egress.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

TEST(EgressHosts, AreReadAndWritten) {
  for (const char* const text :
       {"api.example.com", "*.example.com", "*.example.com:443", "93.184.216.34:80", "[2606:4700::1]", "[2606:4700::1]:443", "a_b.x"}) {
    const Result<EgressHost> host = parse_egress_host(text);
    ASSERT_TRUE(host) << text << ": " << host.error().message;
    EXPECT_EQ(to_string(*host), text);
  }
  EXPECT_EQ(parse_egress_host("API.Example.com.")->name, "api.example.com");
  for (const char* const text :
       {"", "*", "*.", "a b", "a/b", "http://a.b", "a:", "a:0", "a:65536", "a:x", "a:1:2", "[::1", "[::1]443", "x.*.y", "*.[::1]", ".a", "a..b"})
    EXPECT_FALSE(parse_egress_host(text)) << text;
}

TEST(RefusalOf, Rows) {
  const Egress all;
  const Egress some{.hosts = {{.name = "api.example.com", .port = std::nullopt}, {.name = "*.example.org", .port = 443}, {.name = "1.2.3.4", .port = 80}}};
  const struct {
    const Egress& rule;
    const char* host;
    uint16_t port;
    bool allowed;
  } rows[] = {
      {all, "anything", 443, true},
      {all, "anything", 65535, true},
      {all, "anything", 25, false},
      {all, "anything", 0, false},
      {some, "api.example.com", 443, true},
      {some, "api.example.com", 25, false},
      {some, "xapi.example.com", 443, false},
      {some, "example.com", 443, false},
      {some, "a.example.org", 443, true},
      {some, "a.b.example.org", 443, true},
      {some, "example.org", 443, false},
      {some, ".example.org", 443, false},
      {some, "a.example.org", 80, false},
      {some, "badexample.org", 443, false},
      {some, "1.2.3.4", 80, true},
      {some, "1.2.3.40", 80, false},
      {some, "api.example.com.x", 443, false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(!refusal_of(row.rule, row.host, row.port), row.allowed) << row.host << ":" << row.port;
}

}  // namespace
}  // namespace ebb::domain
