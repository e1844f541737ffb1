// Answers of chats: one object, or chunks.
#include "wire/openai.h"
#include "wire/openai_parts.h"
#include "wire/openai_read.h"
#include "wire/openai_sse_writer.h"

namespace ebb::wire {

namespace {

// The id, the type and the name stand in the first piece only: clients put repeated strings together.
json::object tool_delta(const domain::Text& text, std::string_view id) {
  json::object call{{"index", text.tool_index}};
  json::object function;
  if (!text.tool_name.empty()) {
    call["id"] = id;
    call["type"] = "function";
    function["name"] = text.tool_name;
  }
  function["arguments"] = text.text;
  call["function"] = std::move(function);
  return {{"tool_calls", json::array{std::move(call)}}};
}

class ChatWriter final : public OpenAiSseWriter {
 public:
  explicit ChatWriter(const ChatRequest& request)
      : OpenAiSseWriter(request.include_usage), names_a_tool_(request.names_a_tool), logprobs_(request.call.sampling.top_logprobs.has_value()) {}

  std::string whole(const Answered& answered) override {
    json::array list;
    for (const AnswerChoice& choice : answered.choices) {
      json::object message{{"role", "assistant"}, {"content", choice.content}, {"refusal", nullptr}};
      if (choice.content.empty() && !choice.tool_calls.empty()) message["content"] = nullptr;
      if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
      if (!choice.tool_calls.empty()) message["tool_calls"] = tool_calls_array(choice.tool_calls);
      list.push_back({{"index", list.size()},
                      {"message", std::move(message)},
                      {"logprobs", logprobs_ ? logprobs_object(choice.logprobs) : json::value(nullptr)},
                      {"finish_reason", word(choice.reason)}});
    }
    const AnswerHead& head = answered.head;
    return json::serialize(json::object{{"id", "chatcmpl-" + head.id},
                                        {"object", "chat.completion"},
                                        {"created", head.created},
                                        {"model", head.model},
                                        {"choices", std::move(list)},
                                        {"usage", usage_object(answered.usage)}}) +
           "\n";
  }

  // All choices begin at once, in order: a client makes room for each as it comes.
  std::string open(const Answered& answered) override {
    std::string out;
    for (size_t i = 0; i < answered.choices.size(); ++i)
      append_sse(out, chunk(answered, one_choice(i, {{"role", "assistant"}, {"content", ""}}, nullptr)));
    return out;
  }

  std::string piece(const Answered& answered, size_t choice, const domain::Text& text) override {
    json::object delta;
    if (text.part == domain::Part::kToolCall && !(text.text.empty() && text.tool_name.empty()))
      delta = tool_delta(text, answered.choices[choice].tool_calls.back().id);
    if (text.part == domain::Part::kContent && !text.text.empty()) delta["content"] = text.text;
    if (text.part == domain::Part::kReasoning && !text.text.empty()) delta["reasoning_content"] = text.text;
    if (delta.empty() && text.logprobs.empty()) return {};
    json::value logprobs = text.logprobs.empty() ? json::value(nullptr) : logprobs_object(text.logprobs);
    std::string out;
    append_sse(out, chunk(answered, one_choice(choice, std::move(delta), nullptr, std::move(logprobs))));
    return out;
  }

  std::string choice_ended(const Answered& answered, size_t choice) override {
    std::string out;
    append_sse(out, chunk(answered, one_choice(choice, {}, json::value(word(answered.choices[choice].reason)))));
    return out;
  }

 private:
  std::string usage_chunk(const Answered& answered) const override { return chunk(answered, {}, usage_object(answered.usage)); }

  std::string_view word(domain::FinishReason reason) const {
    return finish_word(names_a_tool_ && reason == domain::FinishReason::kToolCalls ? domain::FinishReason::kStop : reason);
  }

  std::string chunk(const Answered& answered, json::array choices, json::value usage = nullptr) const {
    json::object out{{"id", "chatcmpl-" + answered.head.id},
                     {"object", "chat.completion.chunk"},
                     {"created", answered.head.created},
                     {"model", answered.head.model},
                     {"choices", std::move(choices)}};
    if (includes_usage()) out["usage"] = std::move(usage);
    return json::serialize(out);
  }

  static json::array one_choice(size_t index, json::object delta, json::value finish_reason, json::value logprobs = nullptr) {
    return json::array{
        json::object{{"index", index}, {"delta", std::move(delta)}, {"logprobs", std::move(logprobs)}, {"finish_reason", std::move(finish_reason)}}};
  }

  bool names_a_tool_;
  bool logprobs_;
};

}  // namespace

Result<Asked> ask_chat(std::string_view body) {
  Result<ChatRequest> request = parse_chat(body);
  if (!request) return fail(request.error());
  Asked asked{.calls = {},
              .choices_per_prompt = static_cast<size_t>(request->choices),
              .stream = request->stream,
              .ignored = std::move(request->ignored),
              .writer = std::make_unique<ChatWriter>(*request)};
  asked.calls = choices_of(request->call, request->choices);
  return asked;
}

}  // namespace ebb::wire
