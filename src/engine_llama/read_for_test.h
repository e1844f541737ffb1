// An answer through a reader, in pieces of one size.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine_llama/answer_reader.h"

namespace ebb::engine_llama {

struct Read {
  std::string content;
  std::string reasoning;
  std::vector<domain::ToolCall> calls;
  bool complete = false;
};

inline Read read_through(AnswerReader& reader, std::string_view text, size_t piece) {
  Read out;
  const auto take = [&out](const std::vector<domain::Text>& parts) {
    for (const domain::Text& part : parts) {
      if (part.part == domain::Part::kContent) out.content += part.text;
      if (part.part == domain::Part::kReasoning) out.reasoning += part.text;
      if (part.part != domain::Part::kToolCall) continue;
      if (!part.tool_name.empty()) out.calls.push_back({.id = {}, .name = part.tool_name, .arguments = {}});
      ASSERT_EQ(static_cast<size_t>(part.tool_index) + 1, out.calls.size());
      out.calls.back().arguments += part.text;
    }
  };
  for (size_t at = 0; at < text.size(); at += piece)
    take(reader.add(text.substr(at, piece)));
  out.complete = reader.complete();
  take(reader.finish());
  EXPECT_EQ(reader.called(), !out.calls.empty());
  return out;
}

}  // namespace ebb::engine_llama
