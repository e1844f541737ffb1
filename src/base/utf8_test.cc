// Rows of bytes at the edges of the table.
#include "base/utf8.h"

#include <gtest/gtest.h>

namespace ebb {
namespace {

TEST(UnfinishedUtf8, CountsTheTail) {
  EXPECT_EQ(unfinished_utf8(""), 0U);
  EXPECT_EQ(unfinished_utf8("abc"), 0U);
  EXPECT_EQ(unfinished_utf8("a\xE2"), 1U);
  EXPECT_EQ(unfinished_utf8("a\xE2\x82"), 2U);
  EXPECT_EQ(unfinished_utf8("a\xE2\x82\xAC"), 0U);
  EXPECT_EQ(unfinished_utf8("\xF0\x9F\x98"), 3U);
  EXPECT_EQ(unfinished_utf8("\xFF"), 0U);
}

TEST(Utf8, TellsWhatIsUtf8) {
  for (const char* good : {"", "abc", "\xC2\x80", "\xE2\x82\xAC", "\xED\x9F\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
    EXPECT_EQ(replace_invalid_utf8(good), good);
  }
  // A lone continuation, an overlong form, a surrogate, past the last code point, cut short.
  for (const char* bad : {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "a\xE2\x82", "\xC2z"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
    EXPECT_TRUE(is_utf8(replace_invalid_utf8(bad))) << bad;
  }
}

}  // namespace
}  // namespace ebb
