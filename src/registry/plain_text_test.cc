// Rows of what strangers write.
#include "registry/plain_text.h"

#include <gtest/gtest.h>

namespace ebb::registry {
namespace {

TEST(PlainText, OnlyPrintableAsciiStays) {
  const struct {
    std::string raw;
    std::string plain;
  } rows[] = {
      {"", ""}, {"Smol 135M ~", "Smol 135M ~"}, {"a\nb\x1b[1m", "a?b?[1m"}, {"\xC3\xA9\x7f", "???"}, {std::string("\0x", 2), "?x"}, {"12345678", "12345678"}};
  for (const auto& row : rows)
    EXPECT_EQ(plain_text(row.raw, 11), row.plain);
  EXPECT_EQ(plain_text("12345", 4), "1234");
  EXPECT_EQ(plain_title(std::string(1'000, 'x')).size(), 200U);
}

}  // namespace
}  // namespace ebb::registry
