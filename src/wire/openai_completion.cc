// POST /v1/completions: prompts to be continued as they stand, and their answers.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/utf8.h"
#include "domain/limits.h"
#include "wire/openai.h"
#include "wire/openai_fields.h"
#include "wire/openai_parts.h"
#include "wire/openai_read.h"
#include "wire/openai_sse_writer.h"

namespace ebb::wire {

namespace {

// What the API gives where nothing is said.
constexpr int64_t kTokensByDefault = 16;
constexpr int64_t kLogprobsMax = 5;

void read_logprobs_count(ObjectReader& reader, domain::Sampling& sampling) {
  // Some clients send the chat's false.
  const json::value* logprobs = reader.find("logprobs");
  if (logprobs == nullptr || (logprobs->is_bool() && !logprobs->get_bool())) return;
  if (const auto count = reader.integer("logprobs", 0, kLogprobsMax)) sampling.top_logprobs = static_cast<int>(*count);
}

void check_together(ObjectReader& reader, const CompletionRequest& request, const domain::Sampling& sampling) {
  if (request.best_of < request.choices) reader.add_error("best_of", "'best_of' must not be less than 'n'");
  if (request.best_of > request.choices && request.stream)
    reader.add_error("best_of", "'best_of' above 'n' cannot be streamed: which are best is known at the end");
  if (request.echo && sampling.top_logprobs) reader.add_error("echo", "'echo' with 'logprobs' is not supported: log probabilities of the prompt are not kept");
  const bool tokens = std::ranges::any_of(
      request.prompts, [](const domain::Call& call) { return !std::holds_alternative<std::string>(std::get<domain::Prompt>(call.input).text); });
  if (request.echo && tokens) reader.add_error("echo", "'echo' needs the prompt as text");
  const auto calls = static_cast<int64_t>(request.prompts.size()) * request.best_of;
  if (calls > domain::kChoicesMax) reader.add_error("n", fmt::format("prompts times choices are {}, at most {} are allowed", calls, domain::kChoicesMax));
}

double mean_logprob(const AnswerChoice& choice) {
  const double sum = std::accumulate(choice.logprobs.begin(), choice.logprobs.end(), 0.0,
                                     [](double total, const domain::TokenLogprob& one) { return total + one.chosen.logprob; });
  return choice.logprobs.empty() ? 0 : sum / static_cast<double>(choice.logprobs.size());
}

class CompletionWriter final : public OpenAiSseWriter {
 public:
  explicit CompletionWriter(const CompletionRequest& request)
      : OpenAiSseWriter(request.include_usage),
        choices_(static_cast<size_t>(request.choices)),
        best_of_(static_cast<size_t>(request.best_of)),
        logprobs_(request.logprobs) {
    if (!request.echo) return;
    for (const domain::Call& call : request.prompts)
      echo_.push_back(std::get<std::string>(std::get<domain::Prompt>(call.input).text));
  }

  // best_of needs log probabilities even if the caller did not ask for them.
  static constexpr int kRankOnly = 0;

  std::string whole(const Answered& answered) override {
    json::array list;
    for (size_t prompt = 0; prompt * best_of_ < answered.choices.size(); ++prompt) {
      for (const size_t index : best(answered, prompt)) {
        const AnswerChoice& choice = answered.choices[index];
        size_t offset = 0;
        list.push_back({{"text", echo(prompt) + choice.content},
                        {"index", list.size()},
                        {"logprobs", logprobs_ ? logprobs_of(choice.logprobs, offset) : json::value(nullptr)},
                        {"finish_reason", finish_word(choice.reason)}});
      }
    }
    return json::serialize(object(answered, std::move(list), usage_object(answered.usage))) + "\n";
  }

  std::string open(const Answered& answered) override {
    offsets_.resize(answered.choices.size());
    std::string out;
    for (size_t i = 0; i < answered.choices.size() && !echo_.empty(); ++i)
      append_sse(out, chunk(answered, i, echo(i / best_of_), nullptr, nullptr));
    return out;
  }

  std::string piece(const Answered& answered, size_t choice, const domain::Text& text) override {
    if (text.text.empty() && text.logprobs.empty()) return {};
    std::string out;
    json::value logprobs = logprobs_ ? logprobs_of(text.logprobs, offsets_[choice]) : json::value(nullptr);
    append_sse(out, chunk(answered, choice, text.text, std::move(logprobs), nullptr));
    return out;
  }

  std::string choice_ended(const Answered& answered, size_t choice) override {
    std::string out;
    append_sse(out, chunk(answered, choice, "", nullptr, json::value(finish_word(answered.choices[choice].reason))));
    return out;
  }

 private:
  std::string usage_chunk(const Answered& answered) const override { return json::serialize(object(answered, {}, usage_object(answered.usage))); }

  std::string echo(size_t prompt) const { return echo_.empty() ? std::string() : echo_[prompt]; }

  // The likeliest of a prompt's answers, in the order in which they were asked for.
  std::vector<size_t> best(const Answered& answered, size_t prompt) const {
    std::vector<std::pair<double, size_t>> order;
    for (size_t index = prompt * best_of_; index < (prompt + 1) * best_of_; ++index)
      order.emplace_back(-mean_logprob(answered.choices[index]), index);
    std::ranges::sort(order);
    order.resize(choices_);
    std::vector<size_t> out;
    std::ranges::transform(order, std::back_inserter(out), [](const auto& entry) { return entry.second; });
    std::ranges::sort(out);
    return out;
  }

  // The older form: lists side by side. `offset`: of the first token in the text, moved on.
  static json::value logprobs_of(const std::vector<domain::TokenLogprob>& logprobs, size_t& offset) {
    json::array tokens, values, tops, offsets;
    for (const domain::TokenLogprob& one : logprobs) {
      tokens.emplace_back(replace_invalid_utf8(one.chosen.bytes));
      values.emplace_back(one.chosen.logprob);
      json::object top;
      for (const domain::TokenLogprob::Candidate& candidate : one.top)
        top[replace_invalid_utf8(candidate.bytes)] = candidate.logprob;
      tops.emplace_back(std::move(top));
      offsets.emplace_back(offset);
      offset += one.chosen.bytes.size();
    }
    return {{"tokens", std::move(tokens)}, {"token_logprobs", std::move(values)}, {"top_logprobs", std::move(tops)}, {"text_offset", std::move(offsets)}};
  }

  json::object object(const Answered& answered, json::array choices, json::value usage) const {
    return {{"id", "cmpl-" + answered.head.id}, {"object", "text_completion"},   {"created", answered.head.created},
            {"model", answered.head.model},     {"choices", std::move(choices)}, {"usage", std::move(usage)}};
  }

  std::string chunk(const Answered& answered, size_t index, std::string_view text, json::value logprobs, json::value reason) const {
    json::object out =
        object(answered, {json::object{{"text", text}, {"index", index}, {"logprobs", std::move(logprobs)}, {"finish_reason", std::move(reason)}}}, nullptr);
    if (!includes_usage()) out.erase("usage");
    return json::serialize(out);
  }

  size_t choices_;
  size_t best_of_;
  bool logprobs_;
  std::vector<std::string> echo_;  // of each prompt; empty: none
  std::vector<size_t> offsets_;    // of each choice, in its text
};

}  // namespace

Result<CompletionRequest> parse_completion(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (!reader.ok()) return fail(reader.error());
  CompletionRequest request;
  domain::Call call;
  call.endpoint = read_model(reader);
  call.sampling.max_tokens = reader.integer("max_tokens", 1, domain::kContextTokensMax).value_or(kTokensByDefault);
  read_sampling(reader, call.sampling);
  read_logprobs_count(reader, call.sampling);
  for (domain::Prompt& prompt : read_prompts(reader, "prompt", static_cast<size_t>(domain::kChoicesMax))) {
    call.input = std::move(prompt);
    request.prompts.push_back(call);
  }
  request.choices = read_choices(reader, "n", body.size());
  request.best_of = reader.has("best_of") ? read_choices(reader, "best_of", body.size()) : request.choices;
  request.logprobs = call.sampling.top_logprobs.has_value();
  request.echo = reader.boolean("echo").value_or(false);
  read_streaming(reader, request.stream, request.include_usage);
  if (reader.ok()) check_together(reader, request, call.sampling);
  check_fields(reader, value->get_object(), completion_fields(), request.ignored);
  if (!reader.ok()) return fail(reader.error());
  return request;
}

Result<Asked> ask_completion(std::string_view body) {
  Result<CompletionRequest> request = parse_completion(body);
  if (!request) return fail(request.error());
  if (request->best_of > request->choices) {
    for (domain::Call& call : request->prompts) {
      if (!call.sampling.top_logprobs) call.sampling.top_logprobs = CompletionWriter::kRankOnly;
    }
  }
  Asked asked{.calls = {},
              .choices_per_prompt = static_cast<size_t>(request->best_of),
              .stream = request->stream,
              .ignored = std::move(request->ignored),
              .writer = std::make_unique<CompletionWriter>(*request)};
  for (const domain::Call& call : request->prompts) {
    for (domain::Call& each : choices_of(call, request->best_of))
      asked.calls.push_back(std::move(each));
  }
  return asked;
}

}  // namespace ebb::wire
