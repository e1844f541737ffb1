// Rows of hosts, origins, deadlines and own headers.
#include "gateway/stages.h"

#include <gtest/gtest.h>

#include "gateway/errors.h"
#include "gateway/routes.h"

namespace ebb::gateway {
namespace {

TEST(Stages, Hosts) {
  for (const char* host : {"localhost", "LocalHost:8390", "127.0.0.1", "127.0.0.1:80", "127.8.9.1", "[::1]", "[::1]:8390"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.evil.example", "127.1", "localhost:", "localhost:x",
                           "localhost:123456", "[::1", "[::1]x", "[::2]", "::1", "10.0.0.1", "0.0.0.0", "user@localhost", ":80"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

TEST(Stages, PagesAreNotTheOperator) {
  EXPECT_FALSE(check_page("", ""));
  EXPECT_FALSE(check_page("", "none"));
  for (const char* site : {"same-origin", "same-site", "cross-site", "what comes next"})
    EXPECT_EQ(check_page("", site)->status, 403) << site;
  EXPECT_EQ(check_page("http://localhost:8390", "")->error.param, "Origin");
}

TEST(Stages, Origins) {
  EXPECT_FALSE(check_origin("http://localhost:3000"));
  EXPECT_FALSE(check_origin("https://127.0.0.1"));
  for (const char* origin : {"null", "", "https://evil.example", "http://localhost.evil.example", "file://", "localhost"})
    EXPECT_TRUE(check_origin(origin)) << origin;
}

TEST(Stages, OriginsOfAServerThatIsKnownByAName) {
  EXPECT_FALSE(check_origin("https://ebb.example.com", "ebb.example.com"));
  EXPECT_FALSE(check_origin("https://Ebb.Example.com:8390", "ebb.example.com:8390"));
  EXPECT_FALSE(check_origin("http://localhost:3000", "ebb.example.com"));
  for (const char* origin : {"null", "", "https://evil.example", "https://ebb.example.com.evil.example", "https://ebb.example.com:1", "ebb.example.com"})
    EXPECT_TRUE(check_origin(origin, "ebb.example.com")) << origin;
  for (const char* origin : {"https://", "http://", "null"})
    EXPECT_TRUE(check_origin(origin, "")) << origin;
}

TEST(Stages, Deadlines) {
  EXPECT_EQ(parse_deadline("2s"), milliseconds(2000));
  EXPECT_EQ(parse_deadline("24h"), milliseconds(86'400'000));
  for (const char* value : {"", "2", "-1s", "0ms", "25h", "soon", "1e3s"}) {
    const auto deadline = parse_deadline(value);
    ASSERT_FALSE(deadline) << value;
    EXPECT_EQ(deadline.error().param, "Ebb-Deadline");
  }
}

TEST(Stages, KeepAlives) {
  EXPECT_EQ(parse_keep_alive("10s"), milliseconds(10'000));
  for (const char* value : {"", "10", "999ms", "61s", "x"}) {
    const auto every = parse_keep_alive(value);
    ASSERT_FALSE(every) << value;
    EXPECT_EQ(every.error().param, "Ebb-Keep-Alive");
  }
}

TEST(Stages, OwnHeaders) {
  EXPECT_FALSE(check_own_header("ebb-deadline"));
  EXPECT_FALSE(check_own_header("Accept"));
  EXPECT_FALSE(check_own_header("Ebb-Priority"));
  EXPECT_FALSE(check_own_header("EBB-TENANT"));
  EXPECT_FALSE(check_own_header("EBB-MAX-COST"));
  EXPECT_TRUE(check_own_header("EBB-MIN-COST"));
}

TEST(Errors, TextIsCleanAndBounded) {
  EXPECT_EQ(clean_text("plain \xc3\xa9 \xf0\x9f\x98\x80", 100), "plain \xc3\xa9 \xf0\x9f\x98\x80");
  for (const char* bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\x80", "\xe0\x80\x80"})
    EXPECT_EQ(clean_text(bad, 100).front(), '?') << bad;
  EXPECT_EQ(clean_text("abcdef", 3), "abc…");
  EXPECT_EQ(clean_text("ab\xc3\xa9", 3), "ab…");
}

TEST(Routes, EachHasARuleAndOnlyProbesAreOpen) {
  for (const Route& route : routes()) {
    const bool open = route.auth == Auth::kOpen;
    const bool probe = route.pattern == "/livez" || route.pattern == "/healthz" || route.pattern == "/readyz" || route.pattern.starts_with("/v2/health/");
    const bool shared = route.method == "POST" && route.pattern == "/v1/models/{id...}";  // a path of OpenAI's, a verb of the inference protocol's
    EXPECT_EQ(open, probe) << route.pattern;
    EXPECT_EQ(route.auth == Auth::kMetrics, route.pattern == "/metrics");
    EXPECT_EQ(route.auth != Auth::kOpen && route.auth != Auth::kInvoke && route.auth != Auth::kMetrics, route.pattern.starts_with("/ebb/")) << route.pattern;
    EXPECT_EQ(route.dialect, shared ? Dialect::kOip : dialect_of(route.pattern)) << route.pattern;
    EXPECT_EQ(find_route(route.method, route.pattern).route, &route) << "unreachable: " << route.method << " " << route.pattern;
  }
}

TEST(Routes, PassesOverSlipsOfInferenceClients) {
  EXPECT_EQ(find_route("GET", "//v2/").route, find_route("GET", "/v2").route);
  EXPECT_EQ(find_route("GET", "/v2/models/m/").route, find_route("GET", "/v2/models/m").route);
  EXPECT_EQ(find_route("POST", "/v1/models/m:predict/").params[0].second, "m:predict");
  EXPECT_EQ(find_route("GET", "//livez").route, nullptr);
  EXPECT_EQ(find_route("GET", "/livez/").route, nullptr);
  EXPECT_EQ(find_route("GET", "//").route, nullptr);
}

TEST(Routes, FindsByMethodAndPath) {
  EXPECT_EQ(find_route("HEAD", "/v1/models").route, find_route("GET", "/v1/models").route);
  EXPECT_EQ(find_route("PUT", "/v1/models").route, nullptr);
  EXPECT_EQ(find_route("PUT", "/v1/models").allow, "GET, HEAD");
  EXPECT_EQ(find_route("POST", "/ebb/v1/endpoints/x").allow, "GET, HEAD, PUT, DELETE");
  EXPECT_EQ(find_route("GET", "/nowhere").allow, "");
  EXPECT_EQ(find_route("get", "/livez").route, nullptr);
}

}  // namespace
}  // namespace ebb::gateway
