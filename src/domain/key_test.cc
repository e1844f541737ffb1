// What a key looks like, and what is told of one that is wrong.
#include "domain/key.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

KeySecret some_secret() {
  KeySecret secret{};
  for (size_t i = 0; i < secret.size(); ++i)
    secret[i] = static_cast<uint8_t>(i * 37 + 11);
  return secret;
}

TEST(Key, IsReadAsItIsWritten) {
  const std::string id = write_key_id(0x0123456789abcdef);
  const std::string text = write_key(id, some_secret());
  EXPECT_EQ(text.size(), 4 + 12 + 1 + 52 + 7U);
  const Result<KeyParts> parts = read_key(text);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->id, id);
  EXPECT_EQ(parts->secret, text.substr(17, 52));
}

TEST(Key, EachChangedCharacterIsFound) {
  const std::string text = write_key(write_key_id(7), some_secret());
  for (size_t i = 0; i < text.size(); ++i) {
    std::string wrong = text;
    wrong[i] = wrong[i] == 'z' ? 'y' : 'z';
    EXPECT_FALSE(read_key(wrong)) << i;
  }
}

TEST(Key, WhatIsWrongWithItsFormIsSaidAndNothingOfIt) {
  const std::string text = write_key(write_key_id(7), some_secret());
  struct Row {
    std::string text;
    std::string_view says;
  };
  const Row rows[] = {{"", "begin with 'ebb_'"},
                      {"sk-1234", "begin with 'ebb_'"},
                      {text.substr(0, 40), "too short"},
                      {text + "0", "too short or too long"},
                      {std::string(76, '\0'), "begin with"},
                      {"ebb_" + std::string(72, '\xff'), "mistyped"}};
  for (const Row& row : rows) {
    const Result<KeyParts> parts = read_key(row.text);
    ASSERT_FALSE(parts);
    EXPECT_EQ(parts.error().kind, ErrorKind::kUnauthorized);
    EXPECT_NE(parts.error().message.find(row.says), std::string::npos) << parts.error().message;
    if (row.text.size() < 16) continue;
    EXPECT_EQ(parts.error().message.find(row.text.substr(4, 12)), std::string::npos);
  }
}

TEST(Key, IsUsableUntilItExpiresOrIsRevoked) {
  Key key{.expires = WallTime(seconds(10))};
  EXPECT_TRUE(key.usable(WallTime(milliseconds(9'999))));
  EXPECT_FALSE(key.usable(WallTime(seconds(10))));
  key = {.revoked = WallTime(seconds(5))};
  EXPECT_FALSE(key.usable(WallTime(seconds(1))));
}

TEST(Scopes, AdminHasAllAndOthersHaveTheirOwn) {
  EXPECT_TRUE((Scopes{Scope::kAdmin}).has(Scope::kDeploy));
  EXPECT_FALSE((Scopes{Scope::kInvoke, Scope::kRead}).has(Scope::kDeploy));
  EXPECT_EQ(to_string(Scopes{Scope::kRead, Scope::kInvoke}), "invoke,read");
  for (const Scope scope : kScopes)
    EXPECT_EQ(parse_scope(to_string(scope)), scope);
  EXPECT_FALSE(parse_scope("root"));
  EXPECT_EQ(parse_scopes("read,invoke"), (Scopes{Scope::kInvoke, Scope::kRead}));
  EXPECT_FALSE(parse_scopes("read,root"));
}

}  // namespace
}  // namespace ebb::domain
