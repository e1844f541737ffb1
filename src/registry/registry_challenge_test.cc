// Challenges as registries send them and as an attacker would.
#include "registry/registry_challenge.h"

#include <gtest/gtest.h>

namespace ebb::registry {
namespace {

TEST(RegistryChallenge, Headers) {
  struct Row {
    const char* value;
    std::vector<Challenge> challenges;
  };
  const Row rows[] = {
      {R"( Bearer realm="https://a/t",service="s",scope="x")", {{"bearer", "https://a/t"}}},
      {R"(BASIC realm="x")", {{"basic", "x"}}},
      {R"(Basic realm=x, Bearer realm="https://a/t", scope="a,b")", {{"basic", "x"}, {"bearer", "https://a/t"}}},
      {R"(Bearer service="s" , realm = "https://a/\"t")", {{"bearer", "https://a/\"t"}}},
      {R"(Bearer realm="https://a/t", realm="https://b/t")", {{"bearer", "https://b/t"}}},
      {R"(Negotiate)", {{"negotiate", ""}}},
      {R"(Bearer realm="unclosed)", {{"bearer", "unclosed"}}},
      {R"("""",,,===)", {}},
      {"", {}},
  };
  for (const Row& row : rows)
    EXPECT_EQ(parse_challenges(row.value), row.challenges) << row.value;
}

TEST(RegistryChallenge, Origins) {
  struct Row {
    const char* address;
    const char* origin;
  };
  for (const Row& row : {Row{"https://A.tld/x?y", "https://a.tld"},
                         {"https://a.tld:443", "https://a.tld"},
                         {"http://a.tld:81/", "http://a.tld:81"},
                         {"https://a.tld:80", "https://a.tld:80"},
                         {"https://u@a.tld/", ""},
                         {"https://a.tld\\@b/", ""},
                         {"//a.tld/", ""},
                         {"ftp://a.tld/", ""},
                         {"a.tld", ""},
                         {"https:///x", ""},
                         {"https:/a.tld/x", ""},
                         {"https://a%2etld/", ""},
                         {"https://a.tld?x", "https://a.tld"},
                         {"", ""},
                         {"https://[::1]:5/", "https://[::1]:5"}})
    EXPECT_EQ(origin_of(row.address), row.origin) << row.address;
  EXPECT_EQ(port_of("https://a.tld"), 443);
  EXPECT_EQ(port_of("http://127.0.0.1"), 80);
  EXPECT_EQ(port_of("http://127.0.0.1:81"), 81);
  EXPECT_EQ(port_of(""), 0);
}

TEST(RegistryChallenge, TheCredentialGoesToItsOwnServerOnly) {
  struct Row {
    const char* host;
    int status;
    std::vector<Challenge> challenges;
    const char* token_server;
    const char* outcome;  // "send", "not needed", or words of the error
  };
  const Row rows[] = {
      {"r.tld", 200, {}, "", "not needed"},
      {"r.tld", 404, {}, "", "not needed"},
      {"r.tld", 401, {{"basic", "x"}}, "", "send"},
      {"r.tld", 401, {{"bearer", "https://r.tld/token"}}, "", "send"},
      {"r.tld", 401, {{"bearer", "https://R.TLD:443/token"}}, "", "send"},
      {"r.tld", 401, {{"bearer", "http://r.tld/token"}}, "", "another server"},
      {"r.tld", 401, {{"bearer", "https://r.tld:444/token"}}, "", "another server"},
      {"r.tld", 401, {{"bearer", "https://auth.r.tld/token"}}, "", "another server"},
      {"r.tld", 401, {{"bearer", "https://auth.r.tld/token"}}, "https://auth.r.tld", "send"},
      {"r.tld", 401, {{"bearer", "https://evil.tld/token"}}, "https://auth.r.tld", "another server"},
      {"r.tld", 401, {{"basic", "x"}, {"bearer", "https://evil.tld/token"}}, "", "another server"},
      {"r.tld", 401, {{"bearer", "https://r.tld@evil.tld/token"}}, "", "not known here"},
      {"r.tld", 401, {{"bearer", ""}}, "", "not known here"},
      {"r.tld", 401, {{"negotiate", ""}}, "", "not known here"},
      {"r.tld", 401, {}, "", "does not answer as a registry"},
      {"r.tld", 307, {}, "", "does not answer as a registry"},
      {"r.tld", 500, {}, "", "does not answer as a registry"},
      {"localhost:5000", 401, {{"bearer", "http://localhost:5000/token"}}, "", "send"},
      {"localhost:5000", 401, {{"bearer", "http://localhost:5001/token"}}, "", "another server"},
  };
  for (const Row& row : rows) {
    const Result<LoginUse> use = judge_challenges(*parse_registry_host(row.host), row.status, row.challenges, row.token_server);
    const std::string outcome = !use ? use.error().message : *use == LoginUse::kSend ? "send" : "not needed";
    EXPECT_NE(outcome.find(row.outcome), std::string::npos) << row.host << " " << row.status << ": " << outcome;
  }
}

}  // namespace
}  // namespace ebb::registry
