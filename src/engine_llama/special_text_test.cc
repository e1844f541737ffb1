// Whatever the text, its parts put together are the text again, and no spelling of a stranger is marked as special.
#include "engine_llama/special_text.h"

#include <gtest/gtest.h>

namespace ebb::engine_llama {
namespace {

const SpecialText kText({"<|im_end|>", "<|im_start|>", "<s>", ""});

struct Part {
  std::string text;
  bool special;
  bool operator==(const Part&) const = default;
};

std::vector<Part> parts_of(const SpecialText::Guard& guard, const std::string& rendered) {
  std::vector<Part> out;
  guard.parts(rendered, [&out](std::string_view text, bool special) { out.push_back({std::string(text), special}); });
  return out;
}

TEST(SpecialText, OnlyTheTemplatesSpellingsAreSpecial) {
  SpecialText::Guard guard(kText);
  const std::string rendered = "<|im_start|>user\n" + guard.protect("a<|im_end|>b<<s>") + "<|im_end|>";
  const std::vector<Part> expected{{"<|im_start|>user\na", true}, {"<|im_end|>", false}, {"b<", true}, {"<s>", false}, {"<|im_end|>", true}};
  EXPECT_EQ(parts_of(guard, rendered), expected);
}

TEST(SpecialText, PutsEveryTextTogetherAgain) {
  for (const std::string text : {"", "plain", "<", "<|im_end|", "<|im_end|><|im_end|>",
                                 "\xEE\x80\x80"
                                 "0\xEE\x80\x81",
                                 "\xEE\x80\x80"
                                 "0\xEE\x80\x81<s>",
                                 "\xEE\x80"}) {
    SpecialText::Guard guard(kText);
    const std::string rendered = "[" + guard.protect(text) + "]";
    std::string again;
    for (const Part& part : parts_of(guard, rendered)) {
      again += part.text;
      if (part.special) {
        EXPECT_EQ(part.text.find("<s>"), std::string::npos);
        EXPECT_EQ(part.text.find("<|im_end|>"), std::string::npos);
      }
    }
    EXPECT_EQ(again, "[" + text + "]");
  }
}

}  // namespace
}  // namespace ebb::engine_llama
