// References of images.
#include "domain/image.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

TEST(Image, References) {
  struct Row {
    const char* text;
    const char* name;  // nullptr: refused
    int64_t version;   // 0: none
  };
  const Row rows[] = {{"resize", "resize", 0},  {"resize@2", "resize", 2}, {"re-size.v1@10", "re-size.v1", 10},
                      {"resize@0", nullptr, 0}, {"resize@", nullptr, 0},   {"resize@x", nullptr, 0},
                      {"@1", nullptr, 0},       {"", nullptr, 0},          {"../x", nullptr, 0},
                      {"Resize", nullptr, 0},   {"resize@1@2", nullptr, 0}};
  for (const Row& row : rows) {
    const Result<ImageRef> ref = parse_image_ref(row.text);
    ASSERT_EQ(ref.has_value(), row.name != nullptr) << row.text;
    if (!ref) {
      EXPECT_EQ(ref.error().param, "image") << row.text;
      EXPECT_NE(ref.error().message.find("image"), std::string::npos) << row.text;
      continue;
    }
    EXPECT_EQ(ref->name, row.name);
    EXPECT_EQ(ref->version.value_or(0), row.version) << row.text;
    EXPECT_EQ(to_string(*ref), row.text);
  }
}

TEST(Image, WithoutEntrypointAndCommandThereIsNothingToStart) {
  ImageFacts facts;
  EXPECT_FALSE(facts.has_program());
  facts.config.cmd = {"/bin/sh"};
  EXPECT_TRUE(facts.has_program());
  facts.config = {.entrypoint = {"/x"}};
  EXPECT_TRUE(facts.has_program());
}

}  // namespace
}  // namespace ebb::domain
