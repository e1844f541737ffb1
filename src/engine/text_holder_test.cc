// Rows of pieces in, text out.
#include "engine/text_holder.h"

#include <gtest/gtest.h>

namespace ebb::engine {
namespace {

struct Row {
  const char* what;
  std::vector<std::string> stop;
  std::vector<std::string> pieces;
  std::vector<std::string> out;
  std::string at_end;
  bool stopped = false;
};

TEST(TextHolder, GivesOutWhatIsSafe) {
  const std::vector<Row> rows = {
      {"plain text passes", {}, {"Hello", " world"}, {"Hello", " world"}, ""},
      {"an empty piece", {}, {""}, {""}, ""},
      {"a two-byte character in two pieces", {}, {"\xC3", "\xA9!"}, {"", "\xC3\xA9!"}, ""},
      {"a four-byte character byte by byte", {}, {"\xF0", "\x9F", "\x98", "\x80"}, {"", "", "", "\xF0\x9F\x98\x80"}, ""},
      {"a character that never ends is replaced at the end", {}, {"a\xE2\x82"}, {"a"}, "\xEF\xBF\xBD"},
      {"a lone continuation byte is replaced at once",
       {},
       {"a\x80"
        "b"},
       {"a\xEF\xBF\xBD"
        "b"},
       ""},
      {"a surrogate is no character", {}, {"\xED\xA0\x80"}, {"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, ""},
      {"an overlong slash is no character", {}, {"\xC0\xAF"}, {"\xEF\xBF\xBD\xEF\xBF\xBD"}, ""},
      {"past the last code point", {}, {"\xF4\x90\x80\x80"}, {"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, ""},
      {"NUL bytes are characters", {}, {std::string("a\0b", 3)}, {std::string("a\0b", 3)}, ""},
      {"a stop string in one piece", {"END"}, {"one END two"}, {"one "}, "", true},
      {"a stop string over pieces", {"END"}, {"one E", "N", "D two"}, {"one ", "", ""}, "", true},
      {"a beginning that turns out otherwise", {"END"}, {"one E", "N", "O"}, {"one ", "", "ENO"}, ""},
      {"a beginning at the end is given out at the end", {"END"}, {"one EN"}, {"one "}, "EN"},
      {"the earliest of two stop strings wins", {"world", "lo"}, {"Hello world"}, {"Hel"}, "", true},
      {"an overlapping beginning", {"aab"}, {"aa", "a", "b"}, {"", "a", ""}, "", true},
      {"nothing after the stop", {"."}, {"a.b", "c"}, {"a", ""}, "", true},
      {"an empty stop string is none", {""}, {"abc"}, {"abc"}, ""},
      {"a stop string of one character in two pieces", {"\xC3\xA9"}, {"caf\xC3", "\xA9!"}, {"caf", ""}, "", true},
      {"a whole answer that is the stop string", {"no"}, {"no"}, {""}, "", true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    TextHolder holder(row.stop);
    ASSERT_EQ(row.pieces.size(), row.out.size());
    for (size_t i = 0; i < row.pieces.size(); ++i)
      EXPECT_EQ(holder.add(row.pieces[i]), row.out[i]) << "piece " << i;
    EXPECT_EQ(holder.stopped(), row.stopped);
    EXPECT_EQ(holder.finish(), row.at_end);
  }
}

}  // namespace
}  // namespace ebb::engine
