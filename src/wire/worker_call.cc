// protobuf to domain values and back.
#include "wire/worker_call.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "domain/limits.h"
#include "wire/worker.pb.h"

namespace ebb::wire {

namespace {

std::unexpected<Error> corrupt(const char* what) { return fail(ErrorKind::kCorrupt, what); }

void write_chat(const domain::Chat& chat, pb::Chat& out) {
  for (const domain::ChatMessage& message : chat.messages) {
    pb::ChatMessage* to = out.add_messages();
    to->set_role(message.role);
    to->set_content(message.content);
    to->set_tool_call_id(message.tool_call_id);
    for (const domain::ToolCall& call : message.tool_calls) {
      pb::ToolCall* one = to->add_tool_calls();
      one->set_id(call.id);
      one->set_name(call.name);
      one->set_arguments(call.arguments);
    }
  }
  for (const domain::Tool& tool : chat.tools) {
    pb::Tool* to = out.add_tools();
    to->set_name(tool.name);
    to->set_description(tool.description);
    to->set_parameters(tool.parameters);
  }
  out.set_tool_choice(static_cast<pb::Chat::ToolChoice>(chat.tool_choice));
  out.set_parallel_tool_calls(chat.parallel_tool_calls);
  if (chat.json_schema) out.set_json_schema(*chat.json_schema);
}

Result<domain::Chat> read_chat(pb::Chat& chat) {
  if (static_cast<size_t>(chat.messages_size()) > domain::kMessagesMax || static_cast<size_t>(chat.tools_size()) > domain::kToolsMax)
    return corrupt("an Execute body with too many messages or tools");
  if (chat.tool_choice() < 0 || chat.tool_choice() > static_cast<int>(domain::ToolChoice::kRequired))
    return corrupt("an Execute body with an unknown choice of tools");
  domain::Chat out{.messages = {},
                   .tools = {},
                   .tool_choice = static_cast<domain::ToolChoice>(chat.tool_choice()),
                   .parallel_tool_calls = chat.parallel_tool_calls(),
                   .json_schema = std::nullopt};
  for (pb::ChatMessage& message : *chat.mutable_messages()) {
    domain::ChatMessage& to = out.messages.emplace_back();
    to.role = std::move(*message.mutable_role());
    to.content = std::move(*message.mutable_content());
    to.tool_call_id = std::move(*message.mutable_tool_call_id());
    for (pb::ToolCall& call : *message.mutable_tool_calls())
      to.tool_calls.push_back(
          {.id = std::move(*call.mutable_id()), .name = std::move(*call.mutable_name()), .arguments = std::move(*call.mutable_arguments())});
  }
  for (pb::Tool& tool : *chat.mutable_tools())
    out.tools.push_back(
        {.name = std::move(*tool.mutable_name()), .description = std::move(*tool.mutable_description()), .parameters = std::move(*tool.mutable_parameters())});
  if (chat.has_json_schema()) {
    if (chat.json_schema().size() > domain::kSchemaBytesMax) return corrupt("an Execute body with too long a schema");
    out.json_schema = std::move(*chat.mutable_json_schema());
  }
  return out;
}

void write_texts(const domain::Texts& texts, pb::Texts& out) {
  for (const domain::Prompt& input : texts.inputs) {
    pb::Input* to = out.add_inputs();
    if (const auto* text = std::get_if<std::string>(&input.text)) {
      to->set_text(*text);
    } else {
      const auto& tokens = std::get<std::vector<int32_t>>(input.text);
      to->mutable_tokens()->mutable_token()->Add(tokens.begin(), tokens.end());
    }
  }
  out.set_dimensions(texts.dimensions.value_or(0));
  out.set_cut_to_fit(texts.cut_to_fit);
}

Result<domain::Texts> read_texts(pb::Texts& texts) {
  const bool sane = texts.inputs_size() > 0 && static_cast<size_t>(texts.inputs_size()) <= domain::kInputsMax && texts.dimensions() >= 0 &&
                    texts.dimensions() <= static_cast<int64_t>(domain::kVectorValuesMax);
  if (!sane) return corrupt("an Execute body with texts out of bounds");
  domain::Texts out;
  for (pb::Input& input : *texts.mutable_inputs()) {
    if (input.has_tokens()) {
      out.inputs.push_back({.text = std::vector<int32_t>(input.tokens().token().begin(), input.tokens().token().end())});
    } else {
      out.inputs.push_back({.text = std::move(*input.mutable_text())});
    }
  }
  if (texts.dimensions() > 0) out.dimensions = texts.dimensions();
  out.cut_to_fit = texts.cut_to_fit();
  return out;
}

Result<domain::Sampling> read_sampling(pb::Execute& execute) {
  const auto within = [](double value, double min, double max) { return value >= min && value <= max; };
  const bool sane = static_cast<size_t>(execute.stop_size()) <= domain::kStopStringsMax && execute.max_tokens() >= 0 && within(execute.temperature(), 0, 100) &&
                    within(execute.top_p(), 0, 1) && execute.top_k() >= 0 && within(execute.min_p(), 0, 1) && within(execute.repeat_penalty(), 0.01, 10) &&
                    within(execute.presence_penalty(), -2, 2) && within(execute.frequency_penalty(), -2, 2) &&
                    static_cast<size_t>(execute.logit_bias_size()) <= domain::kLogitBiasMax && execute.top_logprobs() >= 0 &&
                    execute.top_logprobs() <= domain::kTopLogprobsMax;
  if (!sane) return corrupt("an Execute body with numbers out of bounds");
  domain::Sampling sampling;
  for (std::string& stop : *execute.mutable_stop()) {
    if (stop.size() > domain::kStopStringBytesMax) return corrupt("an Execute body with too long a stop string");
    sampling.stop.push_back(std::move(stop));
  }
  for (const pb::LogitBias& bias : execute.logit_bias()) {
    if (!within(bias.bias(), -100, 100)) return corrupt("an Execute body with a bias out of bounds");
    sampling.logit_bias[bias.token()] = bias.bias();
  }
  if (execute.max_tokens() > 0) sampling.max_tokens = execute.max_tokens();
  sampling.temperature = execute.temperature();
  sampling.top_p = execute.top_p();
  sampling.top_k = execute.top_k();
  sampling.min_p = execute.min_p();
  sampling.repeat_penalty = execute.repeat_penalty();
  sampling.presence_penalty = execute.presence_penalty();
  sampling.frequency_penalty = execute.frequency_penalty();
  if (execute.has_seed()) sampling.seed = execute.seed();
  if (execute.has_top_logprobs()) sampling.top_logprobs = execute.top_logprobs();
  return sampling;
}

void write_candidate(const domain::TokenLogprob::Candidate& candidate, pb::Candidate& out) {
  out.set_token(candidate.bytes);
  out.set_logprob(candidate.logprob);
}

Result<domain::TokenLogprob::Candidate> read_candidate(pb::Candidate& candidate) {
  if (!std::isfinite(candidate.logprob()) || candidate.logprob() > 0 || candidate.logprob() < domain::kLogprobMin)
    return corrupt("text with a log probability that is none");
  return domain::TokenLogprob::Candidate{.bytes = std::move(*candidate.mutable_token()), .logprob = candidate.logprob()};
}

}  // namespace

std::string encode_call(const domain::Call& call) {
  pb::Execute execute;
  if (const auto* chat = std::get_if<domain::Chat>(&call.input)) {
    write_chat(*chat, *execute.mutable_chat());
  } else if (const auto* texts = std::get_if<domain::Texts>(&call.input)) {
    write_texts(*texts, *execute.mutable_texts());
  } else {
    const auto& text = std::get<domain::Prompt>(call.input).text;
    if (const auto* prompt = std::get_if<std::string>(&text)) {
      execute.set_prompt(*prompt);
    } else {
      for (const int32_t token : std::get<std::vector<int32_t>>(text))
        execute.mutable_tokens()->add_token(token);
    }
  }
  execute.set_show_prompt(call.show_prompt);
  const domain::Sampling& sampling = call.sampling;
  execute.set_max_tokens(sampling.max_tokens.value_or(0));
  execute.set_temperature(sampling.temperature);
  execute.set_top_p(sampling.top_p);
  execute.set_top_k(sampling.top_k);
  execute.set_min_p(sampling.min_p);
  execute.set_repeat_penalty(sampling.repeat_penalty);
  execute.set_presence_penalty(sampling.presence_penalty);
  execute.set_frequency_penalty(sampling.frequency_penalty);
  for (const auto& [token, bias] : sampling.logit_bias) {
    pb::LogitBias* to = execute.add_logit_bias();
    to->set_token(token);
    to->set_bias(bias);
  }
  if (sampling.seed) execute.set_seed(*sampling.seed);
  for (const std::string& stop : sampling.stop)
    execute.add_stop(stop);
  if (sampling.top_logprobs) execute.set_top_logprobs(*sampling.top_logprobs);
  return execute.SerializeAsString();
}

Result<domain::Call> decode_call(std::string_view body) {
  pb::Execute execute;
  if (!execute.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("an Execute body that does not parse");
  domain::Call call;
  switch (execute.input_case()) {
    case pb::Execute::kChat: {
      Result<domain::Chat> chat = read_chat(*execute.mutable_chat());
      if (!chat) return fail(chat.error());
      call.input = std::move(*chat);
      break;
    }
    case pb::Execute::kPrompt: call.input = domain::Prompt{.text = std::move(*execute.mutable_prompt())}; break;
    case pb::Execute::kTokens:
      call.input = domain::Prompt{.text = std::vector<int32_t>(execute.tokens().token().begin(), execute.tokens().token().end())};
      break;
    case pb::Execute::kTexts: {
      Result<domain::Texts> texts = read_texts(*execute.mutable_texts());
      if (!texts) return fail(texts.error());
      call.input = std::move(*texts);
      break;
    }
    case pb::Execute::INPUT_NOT_SET: return corrupt("an Execute body without input");
  }
  Result<domain::Sampling> sampling = read_sampling(execute);
  if (!sampling) return fail(sampling.error());
  call.sampling = std::move(*sampling);
  call.show_prompt = execute.show_prompt();
  return call;
}

std::string encode_text(const domain::Text& text) {
  pb::Text out;
  out.set_text(text.text);
  out.set_tokens(text.tokens);
  out.set_part(static_cast<pb::Text::Part>(text.part));
  out.set_tool_index(text.tool_index);
  out.set_tool_name(text.tool_name);
  for (const domain::TokenLogprob& logprob : text.logprobs) {
    pb::TokenLogprob* to = out.add_logprobs();
    write_candidate(logprob.chosen, *to->mutable_chosen());
    for (const domain::TokenLogprob::Candidate& candidate : logprob.top)
      write_candidate(candidate, *to->add_top());
  }
  return out.SerializeAsString();
}

Result<domain::Text> decode_text(std::string_view body) {
  pb::Text text;
  if (!text.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("a body that does not parse");
  if (text.tokens() < 0 || text.tokens() > domain::kContextTokensMax) return corrupt("tokens out of range");
  if (text.part() < 0 || text.part() > static_cast<int>(domain::Part::kToolCall) || text.tool_index() < 0 || text.tool_index() >= domain::kToolCallsMax ||
      text.tool_name().size() > domain::kToolNameBytesMax)
    return corrupt("text that belongs to nothing");
  if (!is_utf8(text.text()) || !is_utf8(text.tool_name())) return corrupt("text that is no UTF-8");
  domain::Text out{.text = std::move(*text.mutable_text()),
                   .tokens = text.tokens(),
                   .part = static_cast<domain::Part>(text.part()),
                   .tool_index = text.tool_index(),
                   .tool_name = std::move(*text.mutable_tool_name()),
                   .logprobs = {}};
  for (pb::TokenLogprob& logprob : *text.mutable_logprobs()) {
    if (logprob.top_size() > domain::kTopLogprobsMax) return corrupt("text with too many alternatives");
    Result<domain::TokenLogprob::Candidate> chosen = read_candidate(*logprob.mutable_chosen());
    if (!chosen) return fail(chosen.error());
    domain::TokenLogprob& to = out.logprobs.emplace_back(domain::TokenLogprob{.chosen = std::move(*chosen), .top = {}});
    for (pb::Candidate& candidate : *logprob.mutable_top()) {
      Result<domain::TokenLogprob::Candidate> one = read_candidate(candidate);
      if (!one) return fail(one.error());
      to.top.push_back(std::move(*one));
    }
  }
  return out;
}

std::string encode_vector(std::span<const float> values) {
  pb::Vector out;
  out.mutable_values()->Add(values.begin(), values.end());
  return out.SerializeAsString();
}

Result<domain::Vector> decode_vector(std::string_view body) {
  pb::Vector vector;
  if (!vector.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("a body that does not parse");
  if (vector.values().empty() || static_cast<size_t>(vector.values_size()) > domain::kVectorValuesMax)
    return corrupt("a vector without values, or with too many");
  if (!std::ranges::all_of(vector.values(), [](float value) { return std::isfinite(value); })) return corrupt("a vector with a value that is no number");
  return domain::Vector{.values = {vector.values().begin(), vector.values().end()}};
}

}  // namespace ebb::wire
