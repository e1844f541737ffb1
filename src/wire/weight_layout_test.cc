// What was described is read back, and nothing else is taken.
#include "wire/weight_layout.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

constexpr uint64_t kPart = kLayoutPartAlignment;

WeightLayout two_parts() {
  WeightLayout layout{.made_for = "llama-1-x", .made_of = "98362432-0123", .as_stored_why = {}, .tokens_alike = true, .parts = place_parts({100, kPart + 1})};
  layout.parts[0].tensors = 0xffffffffffffffffU;
  layout.parts[1].tensors = 7;
  return layout;
}
constexpr uint64_t kTwoPartsEnd = 3 * kPart + 1;

TEST(WeightLayout, PartsBeginOnHugePages) {
  const std::vector<WeightLayout::Part> parts = place_parts({100, kPart + 1, kPart, 1});
  ASSERT_EQ(parts.size(), 4U);
  EXPECT_EQ(parts[0].offset, kPart);
  EXPECT_EQ(parts[1].offset, 2 * kPart);
  EXPECT_EQ(parts[2].offset, 4 * kPart);
  EXPECT_EQ(parts[3].offset, 5 * kPart);
}

TEST(WeightLayout, IsReadBack) {
  const std::string page = describe_layout(two_parts());
  EXPECT_EQ(page.size(), kLayoutDescriptionBytes);
  const Result<WeightLayout> read = read_layout(page + "the parts", kTwoPartsEnd);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, two_parts());

  const WeightLayout none{.made_for = "llama-1-x", .made_of = "1-2", .as_stored_why = std::string(5000, '"'), .tokens_alike = false, .parts = {}};
  const Result<WeightLayout> why = read_layout(describe_layout(none), kLayoutDescriptionBytes);
  ASSERT_TRUE(why) << why.error().message;
  EXPECT_EQ(why->as_stored_why, std::string(kLayoutWhyBytesMax, '"'));
}

TEST(WeightLayout, RefusesWhatDoesNotHold) {
  const std::string page = describe_layout(two_parts());
  const auto with = [&page](std::string_view from, std::string_view to) {
    std::string changed = page;
    const size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    changed.resize(kLayoutDescriptionBytes, ' ');
    return changed;
  };
  const struct {
    std::string page;
    uint64_t file_bytes;
    std::string says;
  } rows[] = {
      {page.substr(0, 4000), kTwoPartsEnd, "cut off"},
      {page, kTwoPartsEnd - 1, "parts[1] is not in its place"},
      {page, 0, "parts[0] is not in its place"},
      {with("2097152", "2097153"), kTwoPartsEnd, "parts[0] is not in its place"},
      {with("4194304", "2097152"), kTwoPartsEnd, "parts[1] is not in its place"},
      {with("\"offset\":2097152", "\"offset\":0"), kTwoPartsEnd, "parts[0] is not in its place"},
      {with("\"bytes\":100", "\"bytes\":0"), kTwoPartsEnd, "bytes"},
      {with("ffffffffffffffff", "fffffffffffffffx"), kTwoPartsEnd, "parts[0] is incomplete"},
      {with("\"as_stored\":\"\"", "\"as_stored\":\"x\""), kTwoPartsEnd, "or both"},
      {with("\"tokens_alike\":true", "\"tokens_alike\":1"), kTwoPartsEnd, "tokens_alike"},
      {with("layout_for", "layout_four"), kTwoPartsEnd, "layout_for"},
      {std::string(kLayoutDescriptionBytes, '\0'), kTwoPartsEnd, "at byte 0"},
      {with("{", "["), kTwoPartsEnd, "at byte"},
  };
  for (const auto& row : rows) {
    const Result<WeightLayout> read = read_layout(row.page, row.file_bytes);
    ASSERT_FALSE(read) << row.says;
    EXPECT_EQ(read.error().kind, ErrorKind::kCorrupt);
    EXPECT_NE(read.error().message.find(row.says), std::string::npos) << read.error().message << "; expected " << row.says;
  }
}

}  // namespace
}  // namespace ebb::wire
