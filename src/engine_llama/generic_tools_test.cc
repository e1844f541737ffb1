// Answers in pieces of every size give the same parts; conversations with tools become conversations without.
#include "engine_llama/generic_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine_llama/read_for_test.h"

namespace ebb::engine_llama {
namespace {

Read read(std::string_view text, size_t piece, bool calls_only = false, int calls_max = kGenericCallsMax) {
  GenericToolReader reader(calls_only, calls_max);
  return read_through(reader, text, piece);
}

constexpr std::string_view kTwo =
    "Let me see.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"}\\n</tool_call>\"}}\n</tool_call>\n"
    "<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call>";

TEST(GenericToolReader, ReadsPiecesOfAnySize) {
  for (size_t piece = 1; piece <= kTwo.size(); ++piece) {
    const Read got = read(kTwo, piece);
    EXPECT_EQ(got.content, "Let me see.") << piece;
    ASSERT_EQ(got.calls.size(), 2U) << piece;
    EXPECT_EQ(got.calls[0].name, "f");
    EXPECT_EQ(got.calls[0].arguments, "{\"a\": \"}\\n</tool_call>\"}");
    EXPECT_EQ(got.calls[1].name, "g");
    EXPECT_EQ(got.calls[1].arguments, "{}");
  }
}

TEST(GenericToolReader, TextWithoutCallsIsContent) {
  for (const char* text : {"plain", "ends in blanks \n ", "a <tool_call", "<tool_call>x", "<tool_call>\n{\"nam: 3", "<", "\n\n"}) {
    for (size_t piece = 1; piece <= 3; ++piece)
      EXPECT_EQ(read(text, piece).content, text);
  }
}

TEST(GenericToolReader, DropsTextWhereOnlyCallsAreWanted) { EXPECT_EQ(read(kTwo, 3, true).content, ""); }

TEST(GenericToolReader, IsCompleteAfterSoManyCalls) {
  EXPECT_TRUE(read(kTwo, 1, false, 2).complete);
  EXPECT_FALSE(read(kTwo, 1, false, 3).complete);
  EXPECT_TRUE(read(kTwo.substr(0, kTwo.find("\n<tool_call>\n{\"name\": \"g\"")), 1, false, 1).complete);
}

TEST(GenericToolReader, GivesWhatCameOfArgumentsThatWereCutOff) {
  const std::string_view whole = "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": {\"b\": 1}}}\n</tool_call>";
  const std::string_view arguments = "{\"a\": {\"b\": 1}}";
  const size_t begin = whole.find(arguments);
  for (size_t cut = begin; cut < whole.size(); ++cut) {
    const Read got = read(whole.substr(0, cut), 1);
    ASSERT_EQ(got.calls.size(), 1U);
    EXPECT_EQ(got.calls[0].arguments, arguments.substr(0, cut - begin)) << "cut after " << whole.substr(0, cut);
  }
}

TEST(WithoutTools, PutsThemIntoRolesThatEveryTemplateKnows) {
  const domain::Chat chat{
      .messages = {{.role = "system", .content = "Be brief."},
                   {.role = "user", .content = "weather?"},
                   {.role = "assistant",
                    .content = "",
                    .tool_calls = {{.id = "1", .name = "f", .arguments = "{\"x\":1}"}, {.id = "2", .name = "g", .arguments = ""}}},
                   {.role = "tool", .content = "sun", .tool_call_id = "1"},
                   {.role = "tool", .content = "rain", .tool_call_id = "2"},
                   {.role = "user", .content = "thanks"}},
      .tools = {{.name = "f", .description = "does", .parameters = "{\"type\":\"object\"}"}},
  };
  const auto plain = without_tools(chat);
  ASSERT_EQ(plain.size(), 5U);
  EXPECT_THAT(plain[0].content, testing::StartsWith("Be brief.\n\n# Tools"));
  EXPECT_THAT(plain[0].content, testing::HasSubstr(R"({"type":"function","function":{"name":"f","description":"does","parameters":{"type":"object"}}})"));
  EXPECT_EQ(plain[2].content,
            "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\":1}}\n</tool_call>\n<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call>");
  EXPECT_EQ(plain[3].role, "user");
  EXPECT_EQ(plain[3].content, "<tool_response>\nsun\n</tool_response>\n<tool_response>\nrain\n</tool_response>");
  EXPECT_EQ(plain[4].content, "thanks");
}

TEST(WithoutTools, SaysNothingOfToolsThatMayNotBeCalled) {
  domain::Chat chat{.messages = {{.role = "user", .content = "hi"}}, .tools = {{.name = "f", .description = {}, .parameters = "{}"}}};
  chat.tool_choice = domain::ToolChoice::kNone;
  EXPECT_EQ(without_tools(chat), chat.messages);
  chat.tool_choice = domain::ToolChoice::kRequired;
  EXPECT_EQ(without_tools(chat).front().role, "system");
}

}  // namespace
}  // namespace ebb::engine_llama
