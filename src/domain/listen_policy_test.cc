// Every way to start is either refused or authenticated.
#include "domain/listen_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

using ::testing::HasSubstr;

TEST(Listening, EveryStartIsRefusedOrAuthenticated) {
  struct Row {
    bool loopback, tls, behind_proxy, administered;
    const char* refused;  // nullptr: it may
  };
  constexpr const char* kNoTls = "without TLS";
  constexpr const char* kNoKey = "without a key";
  const Row rows[] = {
      {true, false, false, false, nullptr}, {true, false, false, true, nullptr}, {true, true, false, false, nullptr}, {true, true, false, true, nullptr},
      {true, false, true, false, kNoKey},   {true, false, true, true, nullptr},  {true, true, true, false, kNoKey},   {true, true, true, true, nullptr},
      {false, false, false, false, kNoTls}, {false, false, false, true, kNoTls}, {false, true, false, false, kNoKey}, {false, true, false, true, nullptr},
      {false, false, true, false, kNoKey},  {false, false, true, true, nullptr}, {false, true, true, false, kNoKey},  {false, true, true, true, nullptr}};
  for (const Row& row : rows) {
    const Status may =
        check_listening({.host = "192.0.2.1", .loopback = row.loopback, .tls = row.tls, .behind_proxy = row.behind_proxy, .administered = row.administered});
    SCOPED_TRACE(testing::Message() << row.loopback << row.tls << row.behind_proxy << row.administered);
    ASSERT_EQ(may.has_value(), row.refused == nullptr);
    if (!may) {
      EXPECT_THAT(may.error().message, HasSubstr(row.refused));
      continue;
    }
    EXPECT_TRUE((row.loopback && !row.behind_proxy) || row.administered);
    EXPECT_TRUE(row.loopback || row.tls || row.behind_proxy);
  }
}

TEST(Listening, ErrorsSayWhatToTypeInstead) {
  const Status in_the_clear = check_listening({.host = "0.0.0.0", .loopback = false});
  EXPECT_THAT(in_the_clear.error().message, HasSubstr("ebb serve --listen 0.0.0.0 --tls-cert FILE --tls-key FILE"));
  EXPECT_THAT(in_the_clear.error().message, HasSubstr("ebb serve --listen 0.0.0.0 --behind-proxy"));
  const Status keyless = check_listening({.host = "0.0.0.0", .loopback = false, .tls = true});
  EXPECT_THAT(keyless.error().message, HasSubstr("ebb key create --tenant us --scope admin"));
}

}  // namespace
}  // namespace ebb::domain
