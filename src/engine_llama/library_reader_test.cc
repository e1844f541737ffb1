// Answers in the library's formats, in pieces of every size.
#include "engine_llama/library_reader.h"

#include <chat.h>
#include <gtest/gtest.h>

#include "engine_llama/read_for_test.h"
#include "engine_llama/templates_for_test.h"

namespace ebb::engine_llama {
namespace {

common_chat_params format_of(const char* chat_template, bool tools, bool parallel) {
  const common_chat_templates_ptr templates = common_chat_templates_init(nullptr, chat_template);
  common_chat_templates_inputs inputs;
  common_chat_msg message;
  message.role = "user";
  message.content = "hi";
  inputs.messages.push_back(message);
  if (tools) inputs.tools.push_back({.name = "f", .description = "does", .parameters = R"({"type":"object","properties":{"a":{"type":"integer"}}})"});
  inputs.parallel_tool_calls = parallel;
  inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
  return common_chat_templates_apply(templates.get(), inputs);
}

Read read(const common_chat_params& format, int calls_max, std::string_view text, size_t piece) {
  LibraryReader reader(format, calls_max);
  return read_through(reader, text, piece);
}

constexpr std::string_view kTwo =
    "Let me see.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": "
    "22}}\n</tool_call>";

TEST(LibraryReader, ReadsCallsInPiecesOfAnySize) {
  const common_chat_params format = format_of(kWithTools, true, true);
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{5}, size_t{13}, kTwo.size()}) {
    const Read got = read(format, 8, kTwo, piece);
    EXPECT_EQ(got.content.substr(0, 11), "Let me see.") << piece;
    ASSERT_EQ(got.calls.size(), 2U) << piece;
    EXPECT_EQ(got.calls[0].name, "f");
    EXPECT_EQ(got.calls[0].arguments, "{\"a\": 1}") << piece;
    EXPECT_EQ(got.calls[1].arguments, "{\"a\": 22}") << piece;
  }
}

TEST(LibraryReader, DropsCallsBeyondTheLast) {
  const Read got = read(format_of(kWithTools, true, true), 1, kTwo, 3);
  EXPECT_EQ(got.calls.size(), 1U);
  EXPECT_TRUE(got.complete);
}

TEST(LibraryReader, TextIsContent) {
  EXPECT_EQ(read(format_of(kWithTools, true, false), 1, "Hello there.", 2).content, "Hello there.");
  EXPECT_EQ(read(format_of(kWithTools, true, false), 1, "a <tool_call> that is none", 1).calls.size(), 0U);
}

TEST(LibraryReader, ThoughtsAreApart) {
  const Read got = read(format_of(kWithThoughts, false, false), 1, "<think>\nHm, well.\n</think>\n\nYes.", 3);
  EXPECT_NE(got.reasoning.find("Hm, well."), std::string::npos);
  EXPECT_EQ(got.content.find("think"), std::string::npos);
  EXPECT_NE(got.content.find("Yes."), std::string::npos);
}

}  // namespace
}  // namespace ebb::engine_llama
