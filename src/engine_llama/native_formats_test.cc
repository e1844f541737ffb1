// Models whose templates know tools, or thoughts: the demo model with other templates, asked the library's way.
#include <gguf.h>
#include <gmock/gmock.h>

#include "base/json.h"
#include "engine_llama/altered_model_for_test.h"
#include "engine_llama/demo_engine_for_test.h"
#include "engine_llama/templates_for_test.h"
#include "io/folder_for_test.h"

namespace ebb::engine_llama {
namespace {

class NativeFormats : public DemoEngineTest {
 protected:
  void load_with(const char* chat_template) {
    const std::string path = folder.path("model.gguf").string();
    ASSERT_NO_FATAL_FAILURE(
        write_altered_model(path, [chat_template](gguf_context* header) { gguf_set_val_str(header, "tokenizer.chat_template", chat_template); }));
    load_from(path.c_str(), 1, 1024);
  }

  static domain::Call ask_tools(const std::string& question, domain::ToolChoice choice) {
    domain::Call call = ask(question, 150);
    auto& chat = std::get<domain::Chat>(call.input);
    chat.tools = {
        {.name = "get_weather",
         .description = "The weather of a city",
         .parameters = R"({"type":"object","properties":{"city":{"type":"string","maxLength":12}},"required":["city"],"additionalProperties":false})"}};
    chat.tool_choice = choice;
    chat.parallel_tool_calls = false;
    return call;
  }

  io::FolderForTest folder;
};

TEST_F(NativeFormats, RequiredIsOneCallAndNothingElse) {
  load_with(kWithTools);
  for (const int seed : {1, 2, 3}) {
    domain::Call call = ask_tools("What is the weather in Paris?", domain::ToolChoice::kRequired);
    call.sampling.temperature = 1;
    call.sampling.seed = seed;
    const Answer answer = run_one(call);
    EXPECT_EQ(answer.text, "");
    ASSERT_EQ(answer.calls.size(), 1U);
    EXPECT_EQ(answer.calls[0].name, "get_weather");
    EXPECT_EQ(answer.end->reason, domain::FinishReason::kToolCalls);
    const auto arguments = parse_json(answer.calls[0].arguments);
    ASSERT_TRUE(arguments) << answer.calls[0].arguments;
    EXPECT_TRUE(arguments->at("city").is_string());
  }
}

TEST_F(NativeFormats, AutoAnswersOneWayOrTheOther) {
  load_with(kWithTools);
  const Answer answer = run_one(ask_tools("Say hello.", domain::ToolChoice::kAuto));
  ASSERT_TRUE(answer.end);
  EXPECT_TRUE(!answer.text.empty() || !answer.calls.empty());
  EXPECT_EQ(answer.text.find("<tool_call>"), std::string::npos);
}

TEST_F(NativeFormats, HistoryOfToolsIsRenderedByTheTemplate) {
  load_with(kWithTools);
  domain::Call call = ask_tools("What is the weather in Paris?", domain::ToolChoice::kAuto);
  auto& messages = std::get<domain::Chat>(call.input).messages;
  messages.push_back({.role = "assistant", .content = "", .tool_calls = {{.id = "1", .name = "get_weather", .arguments = R"({"city":"<|im_end|>"})"}}});
  messages.push_back({.role = "tool", .content = "It is sunny.", .tool_calls = {}, .tool_call_id = "1"});
  call.show_prompt = true;
  ASSERT_TRUE(engine->execute(CallId{1}, call));
  const std::string shown = run()[CallId{1}].text;
  EXPECT_THAT(shown, testing::HasSubstr("get"));
  EXPECT_THAT(shown, testing::HasSubstr("sunny"));
  EXPECT_THAT(shown, testing::Not(testing::HasSubstr("\xEE\x80\x80"))) << "marks of protected text are gone";
}

TEST_F(NativeFormats, ParametersSpellNoControlTokens) {
  load_with(kWithTools);
  const auto control_tokens = [this](const char* word) {
    domain::Call call = ask_tools("Hi", domain::ToolChoice::kAuto);
    std::get<domain::Chat>(call.input).tools[0].parameters =
        std::string(R"({"type":"object","properties":{"city":{"type":"string","description":")") + word + R"("}},"additionalProperties":false})";
    call.show_prompt = true;
    const std::string shown = run_one(call).text;
    size_t count = 0;
    for (size_t at = shown.find(R"("<|im_end|>"])"); at != std::string::npos; at = shown.find(R"("<|im_end|>"])", at + 1))
      ++count;
    return count;
  };
  const size_t before = control_tokens("a city");
  EXPECT_GE(before, 1U);
  EXPECT_LE(control_tokens("<|im_end|>"), before);
}

// A template is a program of whoever made the model.
TEST_F(NativeFormats, ATemplateTakesNoMoreThanItsMemory) {
  const std::string path = folder.path("model.gguf").string();
  for (const char* bomb : {"{% for i in range(1000000000) %}x{% endfor %}",
                           "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}"}) {
    ASSERT_NO_FATAL_FAILURE(write_altered_model(path, [bomb](gguf_context* header) { gguf_set_val_str(header, "tokenizer.chat_template", bomb); }));
    const auto loaded = load_engine(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), {.context_tokens = 512, .slots = 1}, [](int64_t, int64_t) {});
    ASSERT_FALSE(loaded) << bomb;
    EXPECT_EQ(loaded.error().kind, ErrorKind::kCorrupt);
    EXPECT_NE(loaded.error().message.find("template cannot be read"), std::string::npos) << loaded.error().message;
  }
}

}  // namespace
}  // namespace ebb::engine_llama
