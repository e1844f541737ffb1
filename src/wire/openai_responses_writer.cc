// Responses: an object with a list of items, or the events by which it grows.
#include <fmt/format.h>

#include "wire/openai.h"
#include "wire/openai_parts.h"
#include "wire/sse.h"

namespace ebb::wire {

namespace {

using domain::Part;

class ResponsesWriter final : public AnswerWriter {
 public:
  explicit ResponsesWriter(json::object echoed) : echoed_(std::move(echoed)) {}

  std::string whole(const Answered& answered) override {
    json::array output;
    const AnswerChoice& choice = answered.choices[0];
    const bool cut = choice.reason == domain::FinishReason::kLength;
    // In the order in which models give them.
    if (!choice.reasoning.empty()) output.push_back(item(answered, {.part = Part::kReasoning}, !cut));
    if (!choice.content.empty() || choice.tool_calls.empty()) output.push_back(item(answered, {.part = Part::kContent}, !cut));
    for (size_t i = 0; i < choice.tool_calls.size(); ++i)
      output.push_back(item(answered, {.part = Part::kToolCall, .tool = i}, !cut));
    return json::serialize(response(answered, status_of(answered), std::move(output))) + "\n";
  }

  std::string_view stream_content_type() const override { return kSseContentType; }
  std::string keep_alive() const override { return std::string(kSseComment); }

  std::string open(const Answered& answered) override {
    std::string out;
    event(out, "response.created", {{"response", response(answered, "in_progress", {})}});
    event(out, "response.in_progress", {{"response", response(answered, "in_progress", {})}});
    return out;
  }

  std::string piece(const Answered& answered, size_t /*choice*/, const domain::Text& text) override {
    std::string out;
    // What says nothing opens nothing: log probabilities of a token whose text is held back belong to no item.
    if (text.text.empty() && text.tool_name.empty()) return out;
    const size_t tool = text.part == Part::kToolCall ? static_cast<size_t>(text.tool_index) : 0;
    if (!open_ || open_->part != text.part || open_->tool != tool) {
      close(out, answered);
      begin(out, answered, next_place(answered.choices[0], text, tool));
    }
    const Place place = *open_;
    json::object delta = at_item(answered, place);
    delta["delta"] = text.text;
    if (place.part == Part::kToolCall) {
      if (!text.text.empty()) event(out, "response.function_call_arguments.delta", std::move(delta));
    } else {
      delta["content_index"] = 0;
      if (place.part == Part::kContent) delta["logprobs"] = logprobs_of(text.logprobs);
      event(out, place.part == Part::kContent ? "response.output_text.delta" : "response.reasoning_text.delta", std::move(delta));
    }
    return out;
  }

  std::string choice_ended(const Answered& answered, size_t /*choice*/) override {
    std::string out;
    // An answer without a word is still a message.
    if (!open_ && done_.empty()) begin(out, answered, {.part = Part::kContent});
    close(out, answered);
    return out;
  }

  std::string ended(const Answered& answered) override {
    std::string out;
    const std::string status(status_of(answered));
    event(out, "response." + status, {{"response", response(answered, status, done_)}});
    return out;
  }

  std::string failed(const Answered& /*answered*/, const Error& error, std::string_view /*request_id*/) override {
    const json::object inner = openai_error_object(error);
    std::string out;
    event(out, "error", {{"code", inner.at("code")}, {"message", inner.at("message")}, {"param", inner.at("param")}});
    return out;
  }

 private:
  // An item of the output: the message, the thoughts, or one call.
  struct Place {
    Part part = Part::kContent;
    size_t tool = 0;
    // Of text that goes on after a call: which item of its kind it is, and where it begins in all of the text.
    size_t number = 0;
    size_t begin = 0;
    size_t first_logprob = 0;
  };

  static std::string_view status_of(const Answered& answered) {
    return answered.choices[0].reason == domain::FinishReason::kLength ? "incomplete" : "completed";
  }

  static std::string id_of(const Answered& answered, const Place& place) {
    const std::string number = place.number == 0 ? "" : fmt::format("_{}", place.number);
    switch (place.part) {
      case Part::kContent: return "msg_" + answered.head.id + number;
      case Part::kReasoning: return "rs_" + answered.head.id + number;
      case Part::kToolCall: return fmt::format("fc_{}_{}", answered.head.id, place.tool);
    }
    return {};
  }

  static json::value logprobs_of(const std::vector<domain::TokenLogprob>& logprobs) { return logprobs_object(logprobs).at("content"); }

  static std::string_view text_of(const AnswerChoice& choice, const Place& place) {
    return std::string_view(place.part == Part::kReasoning ? choice.reasoning : choice.content).substr(place.begin);
  }
  static json::value logprobs_of(const AnswerChoice& choice, const Place& place) {
    return logprobs_of({choice.logprobs.begin() + static_cast<ptrdiff_t>(place.first_logprob), choice.logprobs.end()});
  }
  static json::object text_part(const AnswerChoice& choice, const Place& place) {
    return {{"type", "output_text"}, {"text", text_of(choice, place)}, {"annotations", json::array{}}, {"logprobs", logprobs_of(choice, place)}};
  }

  static json::object item(const Answered& answered, const Place& place, bool complete) {
    const AnswerChoice& choice = answered.choices[0];
    json::object out{{"id", id_of(answered, place)}};
    if (place.part == Part::kReasoning) {
      out["type"] = "reasoning";
      out["summary"] = json::array{};
      out["content"] = json::array{json::object{{"type", "reasoning_text"}, {"text", text_of(choice, place)}}};
      return out;
    }
    out["status"] = complete ? "completed" : "incomplete";
    if (place.part == Part::kContent) {
      out["type"] = "message";
      out["role"] = "assistant";
      out["content"] = json::array{text_part(choice, place)};
      return out;
    }
    const domain::ToolCall& call = choice.tool_calls[place.tool];
    out["type"] = "function_call";
    out["call_id"] = call.id;
    out["name"] = call.name;
    out["arguments"] = call.arguments;
    return out;
  }

  json::object response(const Answered& answered, std::string_view status, json::array output) const {
    json::object out{
        {"id", "resp_" + answered.head.id}, {"object", "response"},        {"created_at", answered.head.created}, {"status", status}, {"error", nullptr},
        {"incomplete_details", nullptr},    {"model", answered.head.model}};
    if (status == "incomplete") out["incomplete_details"] = {{"reason", "max_output_tokens"}};
    out["output"] = std::move(output);
    for (const auto& member : echoed_)
      out[member.key()] = member.value();
    const AnswerUsage& usage = answered.usage;
    if (status == "in_progress") {
      out["usage"] = nullptr;
      return out;
    }
    out["usage"] = {{"input_tokens", usage.prompt_tokens},
                    {"input_tokens_details", {{"cached_tokens", usage.cached_tokens}, {"cache_write_tokens", 0}}},
                    {"output_tokens", usage.completion_tokens},
                    {"output_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}},
                    {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
    if (usage.cost) out["ebb"] = {{"cost", usage.cost->cost}, {"billed_ms", usage.cost->billed_ms}, {"tier", domain::to_string(usage.cost->tier)}};
    return out;
  }

  json::object at_item(const Answered& answered, const Place& place) const { return {{"item_id", id_of(answered, place)}, {"output_index", done_.size()}}; }

  // `text` is the first of it.
  Place next_place(const AnswerChoice& choice, const domain::Text& text, size_t tool) {
    if (text.part == Part::kToolCall) return {.part = text.part, .tool = tool};
    const bool thinks = text.part == Part::kReasoning;
    const size_t all = thinks ? choice.reasoning.size() : choice.content.size();
    return {.part = text.part,
            .number = (thinks ? thoughts_ : messages_)++,
            .begin = all - text.text.size(),
            .first_logprob = messages_ == 1 ? 0 : choice.logprobs.size() - text.logprobs.size()};
  }

  void begin(std::string& out, const Answered& answered, const Place& place) {
    open_ = place;
    json::object begun = item(answered, place, false);
    if (begun.contains("status")) begun["status"] = "in_progress";
    if (begun.contains("content")) begun["content"] = json::array{};
    if (begun.contains("arguments")) begun["arguments"] = "";
    event(out, "response.output_item.added", {{"output_index", done_.size()}, {"item", std::move(begun)}});
    if (place.part != Part::kContent) return;
    json::object added = at_item(answered, place);
    added["content_index"] = 0;
    added["part"] = {{"type", "output_text"}, {"text", ""}, {"annotations", json::array{}}, {"logprobs", json::array{}}};
    event(out, "response.content_part.added", std::move(added));
  }

  void close(std::string& out, const Answered& answered) {
    if (!open_) return;
    const Place place = *open_;
    const AnswerChoice& choice = answered.choices[0];
    json::object done = at_item(answered, place);
    if (place.part == Part::kToolCall) {
      done["name"] = choice.tool_calls[place.tool].name;
      done["arguments"] = choice.tool_calls[place.tool].arguments;
      event(out, "response.function_call_arguments.done", std::move(done));
    } else {
      done["content_index"] = 0;
      json::object part = done;
      done["text"] = text_of(choice, place);
      if (place.part == Part::kContent) done["logprobs"] = logprobs_of(choice, place);
      event(out, place.part == Part::kContent ? "response.output_text.done" : "response.reasoning_text.done", std::move(done));
      if (place.part == Part::kContent) {
        part["part"] = text_part(choice, place);
        event(out, "response.content_part.done", std::move(part));
      }
    }
    const bool complete = choice.reason != domain::FinishReason::kLength;
    json::object whole_item = item(answered, place, complete);
    event(out, "response.output_item.done", {{"output_index", done_.size()}, {"item", whole_item}});
    done_.push_back(std::move(whole_item));
    open_.reset();
  }

  void event(std::string& out, std::string_view type, json::object body) {
    json::object whole{{"type", type}, {"sequence_number", sequence_++}};
    for (auto& member : body)
      whole[member.key()] = std::move(member.value());
    append_named_sse(out, type, json::serialize(whole));
  }

  json::object echoed_;
  std::optional<Place> open_;
  json::array done_;  // items that are over
  size_t messages_ = 0;
  size_t thoughts_ = 0;
  int64_t sequence_ = 0;
};

}  // namespace

Result<Asked> ask_response(std::string_view body) {
  Result<ResponseRequest> request = parse_response(body);
  if (!request) return fail(request.error());
  Asked asked{.calls = {},
              .choices_per_prompt = 1,
              .stream = request->stream,
              .ignored = std::move(request->ignored),
              .writer = std::make_unique<ResponsesWriter>(std::move(request->echoed))};
  asked.calls.push_back(std::move(request->call));
  return asked;
}

}  // namespace ebb::wire
