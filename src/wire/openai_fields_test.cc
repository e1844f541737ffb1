// docs/openai.md says what the tables say. With EBB_UPDATE_GOLDEN=1 it is rewritten from them: read the difference before you keep it.
#include "wire/openai_fields.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace ebb::wire {
namespace {

constexpr std::string_view kBegin = "<!-- fields -->\n";
constexpr std::string_view kEnd = "<!-- end of fields -->";

std::string_view word(Rule rule) {
  switch (rule) {
    case Rule::kHonoured: return "honoured";
    case Rule::kLabel: return "label";
    case Rule::kAdvice: return "advice";
    case Rule::kNeutral: return "refused";
  }
  return "";
}

std::string table(std::string_view route, std::span<const Field> fields) {
  std::string out = fmt::format("\n### `POST {}`\n\n| field | | |\n|---|---|---|\n", route);
  for (const Field& field : fields)
    out += fmt::format("| `{}` | {} | {} |\n", field.name, word(field.rule), field.note);
  return out;
}

TEST(OpenAiFields, AreAsTheDocsSay) {
  const std::string path = EBB_SOURCE_DIR "/docs/openai.md";
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd);
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos);
  const std::string tables = table("/v1/chat/completions", chat_fields()) + table("/v1/completions", completion_fields()) +
                             table("/v1/responses", response_fields()) + table("/v1/embeddings", embedding_fields()) + "\n";
  const size_t from = begin + kBegin.size();
  if (std::getenv("EBB_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text.substr(0, from) + tables + text.substr(end);
  EXPECT_EQ(text.substr(from, end - from), tables);
}

}  // namespace
}  // namespace ebb::wire
