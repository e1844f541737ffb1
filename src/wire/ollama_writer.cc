// One object a line; calls of tools come whole, with arguments as objects.
#include "wire/ollama_writer.h"

#include <fmt/format.h>

#include "wire/ollama.h"
#include "wire/one_line.h"
#include "wire/time_text.h"
#include "wire/vector_text.h"

namespace ebb::wire {

namespace {

std::string line_of(const json::object& object) {
  std::string out;
  append_one_line(out, json::serialize(object));
  out += '\n';
  return out;
}

class OllamaWriter final : public AnswerWriter {
 public:
  explicit OllamaWriter(OllamaForm form) : form_(form) {}

  std::string whole(const Answered& answered) override {
    const AnswerChoice& choice = answered.choices[0];
    json::object out = last(answered);
    if (form_ == OllamaForm::kGenerate) {
      out["response"] = choice.content;
      if (!choice.reasoning.empty()) out["thinking"] = choice.reasoning;
    } else {
      json::object message = message_with(choice.content, choice.reasoning);
      if (!choice.tool_calls.empty()) message["tool_calls"] = calls_from(choice, 0);
      out["message"] = std::move(message);
    }
    return line_of(out);
  }

  std::string_view stream_content_type() const override { return "application/x-ndjson"; }
  std::string open(const Answered& /*answered*/) override { return {}; }

  std::string piece(const Answered& answered, size_t /*choice*/, const domain::Text& text) override {
    if (text.part == domain::Part::kToolCall) {
      // The next has begun: those before it are whole.
      return std::cmp_less(told_, text.tool_index) ? told_calls(answered, static_cast<size_t>(text.tool_index)) : std::string();
    }
    if (text.text.empty()) return {};
    const bool thinks = text.part == domain::Part::kReasoning;
    json::object out = line(answered, false);
    if (form_ == OllamaForm::kChat) {
      out["message"] = thinks ? message_with("", text.text) : message_with(text.text, "");
    } else {
      out["response"] = thinks ? "" : text.text;
      if (thinks) out["thinking"] = text.text;
    }
    return line_of(out);
  }

  std::string choice_ended(const Answered& answered, size_t /*choice*/) override {
    return told_ < answered.choices[0].tool_calls.size() ? told_calls(answered, answered.choices[0].tool_calls.size()) : std::string();
  }

  std::string ended(const Answered& answered) override {
    json::object out = last(answered);
    if (form_ == OllamaForm::kChat) {
      out["message"] = message_with("", "");
    } else {
      out["response"] = "";
    }
    return line_of(out);
  }

  std::string failed(const Answered& /*answered*/, const Error& error, std::string_view /*request_id*/) override { return line_of({{"error", error.message}}); }

 private:
  static json::object line(const Answered& answered, bool done) {
    return {{"model", answered.head.model}, {"created_at", format_time(WallTime(seconds(answered.head.created)))}, {"done", done}};
  }

  static json::object message_with(std::string_view content, std::string_view thinking) {
    json::object out{{"role", "assistant"}, {"content", content}};
    if (!thinking.empty()) out["thinking"] = thinking;
    return out;
  }

  static json::array calls_from(const AnswerChoice& choice, size_t first, size_t end = SIZE_MAX) {
    json::array out;
    for (size_t i = first; i < std::min(end, choice.tool_calls.size()); ++i) {
      const domain::ToolCall& call = choice.tool_calls[i];
      // Cut off by the length limit, they are text.
      const Result<json::value> arguments = parse_json(call.arguments);
      out.push_back({{"id", call.id}, {"function", {{"index", i}, {"name", call.name}, {"arguments", arguments ? *arguments : json::value(call.arguments)}}}});
    }
    return out;
  }

  std::string told_calls(const Answered& answered, size_t end) {
    json::object out = line(answered, false);
    json::object message = message_with("", "");
    message["tool_calls"] = calls_from(answered.choices[0], told_, end);
    out["message"] = std::move(message);
    told_ = end;
    return line_of(out);
  }

  static json::object last(const Answered& answered) {
    const AnswerUsage& usage = answered.usage;
    json::object out = line(answered, true);
    out["done_reason"] = answered.choices[0].reason == domain::FinishReason::kLength ? "length" : "stop";
    out["total_duration"] = usage.total.count();
    out["load_duration"] = usage.to_start.count();
    out["prompt_eval_count"] = usage.prompt_tokens;
    out["prompt_eval_duration"] = std::max(nanoseconds(0), usage.to_first - usage.to_start).count();
    out["eval_count"] = usage.completion_tokens;
    out["eval_duration"] = (usage.total - usage.to_first).count();
    return out;
  }

  OllamaForm form_;
  size_t told_ = 0;  // calls of tools
};

class OllamaVectorWriter final : public WholeWriter {
 public:
  explicit OllamaVectorWriter(OllamaVectors form) : form_(form) {}

  void add_vector(const domain::Vector& vector) override {
    if (!vectors_.empty()) vectors_ += ',';
    append_array(vectors_, vector.values);
  }

  std::string whole(const Answered& answered) override {
    if (form_ == OllamaVectors::kOne) return fmt::format(R"({{"embedding":{}}})", vectors_) + "\n";
    return fmt::format(R"({{"model":{},"embeddings":[{}],"total_duration":{},"load_duration":{},"prompt_eval_count":{}}})",
                       json::serialize(json::value(answered.head.model)), vectors_, answered.usage.total.count(), answered.usage.to_start.count(),
                       answered.usage.prompt_tokens) +
           "\n";
  }

 private:
  OllamaVectors form_;
  std::string vectors_;  // arrays, so far
};

}  // namespace

std::unique_ptr<AnswerWriter> ollama_vector_writer(OllamaVectors form) { return std::make_unique<OllamaVectorWriter>(form); }

std::unique_ptr<AnswerWriter> ollama_writer(OllamaForm form) { return std::make_unique<OllamaWriter>(form); }

std::string ollama_error(const Error& error) { return json::serialize(json::object{{"error", error.message}}); }

json::object ollama_details(const domain::ModelFacts& facts) {
  const double millions = static_cast<double>(facts.parameters) / 1e6;
  return {{"parent_model", ""},
          {"format", "gguf"},
          {"family", facts.architecture},
          {"families", json::array{json::value(facts.architecture)}},
          {"parameter_size", millions >= 1000 ? fmt::format("{:.1f}B", millions / 1000) : fmt::format("{:.2f}M", millions)},
          {"quantization_level", facts.quantization}};
}

}  // namespace ebb::wire
