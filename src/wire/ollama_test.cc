// Ollama's requests as its clients write them; answers are tested with the real client.
#include "wire/ollama.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

TEST(Ollama, ResultsFindTheirCalls) {
  struct Row {
    const char* what;
    std::string results;
    std::vector<std::string> ids;
  };
  constexpr std::string_view kCalls =
      R"({"model":"e","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"","tool_calls":[)"
      R"({"id":"a","function":{"name":"f","arguments":{}}},{"function":{"name":"g","arguments":{}}},{"function":{"name":"f","arguments":{}}}]})";
  const Row rows[] = {
      {"in order",
       R"({"role":"tool","content":"1"},{"role":"tool","content":"2"},{"role":"tool","content":"3"},{"role":"tool","content":"4"})",
       {"a", "call_1_1", "call_1_2", ""}},
      {"by name",
       R"({"role":"tool","content":"1","tool_name":"g"},{"role":"tool","content":"2","tool_name":"f"},{"role":"tool","content":"3","tool_name":"f"})",
       {"call_1_1", "a", "call_1_2"}},
      {"by id", R"({"role":"tool","content":"1","tool_call_id":"call_1_2"},{"role":"tool","content":"2","tool_call_id":"a"})", {"call_1_2", "a"}},
      {"by a name that is none", R"({"role":"tool","content":"1","tool_name":"h"})", {"a"}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Result<Asked> asked = ask_ollama_chat(std::string(kCalls) + "," + row.results + "]}");
    ASSERT_TRUE(asked) << asked.error().message;
    std::vector<std::string> ids;
    for (const domain::ChatMessage& message : std::get<domain::Chat>(asked->calls[0].input).messages) {
      if (message.role == "tool") ids.push_back(message.tool_call_id);
    }
    EXPECT_EQ(ids, row.ids);
  }
}

TEST(Ollama, WhatOnlyLoads) {
  struct Row {
    std::string body;
    OllamaRoute route;
    const char* answer;  // null: it asks for more
  };
  const Row rows[] = {
      {R"({"model":"e:latest"})", OllamaRoute::kChat,
       R"({"model":"e","created_at":"1970-01-01T00:00:00.000Z","done":true,"done_reason":"load","message":{"role":"assistant","content":""}})"},
      {R"({"model":"e","messages":[]})", OllamaRoute::kChat,
       R"({"model":"e","created_at":"1970-01-01T00:00:00.000Z","done":true,"done_reason":"load","message":{"role":"assistant","content":""}})"},
      {R"({"model":"e","prompt":"","keep_alive":"5m"})", OllamaRoute::kGenerate,
       R"({"model":"e","created_at":"1970-01-01T00:00:00.000Z","done":true,"done_reason":"load","response":""})"},
      {R"({"model":"e","input":""})", OllamaRoute::kEmbed, R"({"model":"e","embeddings":[]})"},
      {R"({"model":"e","input":[""]})", OllamaRoute::kEmbed, nullptr},
      {R"({"model":"e","prompt":"x"})", OllamaRoute::kGenerate, nullptr},
      {R"({"model":"e","messages":3})", OllamaRoute::kChat, nullptr},
      {R"({"prompt":""})", OllamaRoute::kGenerate, nullptr},
      {"[]", OllamaRoute::kChat, nullptr},
      {"{", OllamaRoute::kChat, nullptr},
  };
  for (const Row& row : rows) {
    const std::optional<OllamaLoad> load = ollama_load(row.body, row.route, WallTime{});
    ASSERT_EQ(load.has_value(), row.answer != nullptr) << row.body;
    if (!load) continue;
    EXPECT_EQ(load->endpoint, "e");
    EXPECT_EQ(load->answer, std::string(row.answer) + "\n");
  }
}

}  // namespace
}  // namespace ebb::wire
