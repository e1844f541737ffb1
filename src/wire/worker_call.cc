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
    pb::TextOrTokens* to = out.add_inputs();
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
  for (pb::TextOrTokens& input : *texts.mutable_inputs()) {
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

void write_head(const domain::TensorHead& head, pb::TensorHead& out) {
  out.set_name(head.name);
  out.set_type(static_cast<int>(head.type));
  out.mutable_shape()->Add(head.shape.begin(), head.shape.end());
}

Result<domain::TensorHead> read_head(pb::TensorHead& head) {
  if (head.type() < 0 || head.type() >= domain::kDataTypes) return corrupt("a tensor of an unknown type");
  if (head.name().size() > domain::kTensorNameBytesMax || !is_utf8(head.name())) return corrupt("a tensor's name that is none");
  domain::TensorHead out{
      .name = std::move(*head.mutable_name()), .type = static_cast<domain::DataType>(head.type()), .shape = {head.shape().begin(), head.shape().end()}};
  if (!domain::element_count(out.shape)) return corrupt("a tensor of an impossible shape");
  return out;
}

void write_tensors(const domain::Tensors& tensors, pb::Tensors& out) {
  for (const domain::Tensor& tensor : tensors.inputs) {
    pb::Tensor* to = out.add_inputs();
    write_head(tensor.head, *to->mutable_head());
    to->set_data(tensor.data);
  }
  for (const std::string& name : tensors.outputs)
    out.add_outputs(name);
}

Result<domain::Tensors> read_tensors(pb::Tensors& tensors) {
  if (static_cast<size_t>(tensors.inputs_size()) > domain::kTensorsMax || static_cast<size_t>(tensors.outputs_size()) > domain::kTensorsMax)
    return corrupt("an Execute body with too many tensors");
  domain::Tensors out;
  for (pb::Tensor& tensor : *tensors.mutable_inputs()) {
    Result<domain::TensorHead> head = read_head(*tensor.mutable_head());
    if (!head) return fail(head.error());
    out.inputs.push_back({.head = std::move(*head), .data = std::move(*tensor.mutable_data())});
    if (!domain::check_tensor(out.inputs.back())) return corrupt("a tensor whose data has not its size");
  }
  for (std::string& name : *tensors.mutable_outputs()) {
    if (name.size() > domain::kTensorNameBytesMax) return corrupt("a tensor's name that is too long");
    out.outputs.push_back(std::move(name));
  }
  return out;
}

void write_samples(const domain::Samples& samples, pb::Samples& out) {
  out.set_kind(static_cast<int>(samples.kind));
  for (const std::string& item : samples.items)
    out.add_items(item);
  out.set_top(samples.top);
}

Result<domain::Samples> read_samples(pb::Samples& samples) {
  const bool sane = samples.kind() >= 0 && samples.kind() <= static_cast<int>(domain::Samples::Kind::kImage) && samples.items_size() > 0 &&
                    static_cast<size_t>(samples.items_size()) <= domain::kInputsMax && samples.top() >= 1 && samples.top() <= domain::kLabelsMax;
  if (!sane) return corrupt("an Execute body with samples out of bounds");
  domain::Samples out{.kind = static_cast<domain::Samples::Kind>(samples.kind()), .items = {}, .top = samples.top()};
  for (std::string& item : *samples.mutable_items())
    out.items.push_back(std::move(item));
  return out;
}

template <class Message>
void write_headers(const domain::HttpHeaders& headers, Message& out) {
  for (const auto& [name, value] : headers) {
    pb::Header* to = out.add_headers();
    to->set_name(name);
    to->set_value(value);
  }
}

// A name is a token, a value has no control characters: what would end a line of a head never comes from here.
bool is_header(const pb::Header& header) {
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  const auto token = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kTokenMarks.find(c) != std::string_view::npos;
  };
  const auto printable = [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); };
  return !header.name().empty() && std::ranges::all_of(header.name(), token) && std::ranges::all_of(header.value(), printable);
}

template <class Message>
Result<domain::HttpHeaders> read_headers(Message& message) {
  if (static_cast<size_t>(message.headers_size()) > domain::kHttpHeadersMax) return corrupt("more headers than are taken");
  domain::HttpHeaders headers;
  size_t bytes = 0;
  for (pb::Header& header : *message.mutable_headers()) {
    bytes += header.name().size() + header.value().size();
    if (!is_header(header) || bytes > domain::kHttpHeaderBytesMax) return corrupt("a header that is none, or more of them than are taken");
    headers.emplace_back(std::move(*header.mutable_name()), std::move(*header.mutable_value()));
  }
  return headers;
}

void write_http(const domain::HttpRequest& request, pb::HttpRequest& out) {
  out.set_method(request.method);
  out.set_target(request.target);
  write_headers(request.headers, out);
  out.set_has_body(request.has_body);
}

Result<domain::HttpRequest> read_http(pb::HttpRequest& request) {
  const auto upper = [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; };
  const auto visible = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; };
  const bool sane = !request.method().empty() && request.method().size() <= 32 && std::ranges::all_of(request.method(), upper) &&
                    request.target().starts_with('/') && request.target().size() <= domain::kHttpHeaderBytesMax &&
                    std::ranges::all_of(request.target(), visible);
  if (!sane) return corrupt("an Execute body with a request that is none");
  Result<domain::HttpHeaders> headers = read_headers(request);
  if (!headers) return fail(headers.error());
  return domain::HttpRequest{.method = std::move(*request.mutable_method()),
                             .target = std::move(*request.mutable_target()),
                             .headers = std::move(*headers),
                             .has_body = request.has_body()};
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
  } else if (const auto* tensors = std::get_if<domain::Tensors>(&call.input)) {
    write_tensors(*tensors, *execute.mutable_tensors());
  } else if (const auto* samples = std::get_if<domain::Samples>(&call.input)) {
    write_samples(*samples, *execute.mutable_samples());
  } else if (const auto* request = std::get_if<domain::HttpRequest>(&call.input)) {
    write_http(*request, *execute.mutable_http());
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
    case pb::Execute::kTensors: {
      Result<domain::Tensors> tensors = read_tensors(*execute.mutable_tensors());
      if (!tensors) return fail(tensors.error());
      call.input = std::move(*tensors);
      break;
    }
    case pb::Execute::kSamples: {
      Result<domain::Samples> samples = read_samples(*execute.mutable_samples());
      if (!samples) return fail(samples.error());
      call.input = std::move(*samples);
      break;
    }
    case pb::Execute::kHttp: {
      Result<domain::HttpRequest> request = read_http(*execute.mutable_http());
      if (!request) return fail(request.error());
      call.input = std::move(*request);
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

std::string encode_tensor_start(const domain::TensorStart& start) {
  pb::TensorStart out;
  write_head(start.head, *out.mutable_head());
  out.set_bytes(start.bytes);
  return out.SerializeAsString();
}

Result<domain::TensorStart> decode_tensor_start(std::string_view body) {
  pb::TensorStart start;
  if (!start.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("a body that does not parse");
  Result<domain::TensorHead> head = read_head(*start.mutable_head());
  if (!head) return fail(head.error());
  const size_t each = domain::element_bytes(head->type);
  const size_t least = static_cast<size_t>(*domain::element_count(head->shape)) * (each == 0 ? sizeof(uint32_t) : each);
  const bool sane = start.bytes() <= domain::kTensorBytesMax && (each == 0 ? start.bytes() >= least : start.bytes() == least);
  if (!sane) return corrupt("a tensor whose bytes do not fit its shape");
  return domain::TensorStart{.head = std::move(*head), .bytes = start.bytes()};
}

std::string encode_bytes(std::string_view data) {
  pb::Bytes out;
  out.set_data(data.data(), data.size());
  return out.SerializeAsString();
}

Result<domain::Bytes> decode_bytes(std::string_view body) {
  pb::Bytes bytes;
  if (!bytes.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("a body that does not parse");
  if (bytes.data().empty() || bytes.data().size() > domain::kBodyPieceBytesMax) return corrupt("a piece of a body that is empty or too long");
  return domain::Bytes{.data = std::move(*bytes.mutable_data())};
}

std::string encode_labels(const domain::Labels& labels) {
  pb::Labels out;
  for (const domain::Labels::Label& label : labels.labels) {
    pb::Label* to = out.add_labels();
    to->set_label(label.label);
    to->set_score(label.score);
  }
  return out.SerializeAsString();
}

Result<domain::Labels> decode_labels(std::string_view body) {
  pb::Labels labels;
  if (!labels.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("a body that does not parse");
  if (labels.labels_size() > domain::kLabelsMax) return corrupt("more labels than are taken");
  domain::Labels out;
  for (pb::Label& label : *labels.mutable_labels()) {
    if (label.label().size() > domain::kLabelBytesMax || !is_utf8(label.label()) || !std::isfinite(label.score())) return corrupt("a label that is none");
    out.labels.push_back({.label = std::move(*label.mutable_label()), .score = label.score()});
  }
  return out;
}

std::string encode_http_head(const domain::HttpHead& head) {
  pb::HttpHead out;
  out.set_status(head.status);
  write_headers(head.headers, out);
  return out.SerializeAsString();
}

Result<domain::HttpHead> decode_http_head(std::string_view body) {
  pb::HttpHead head;
  if (!head.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("a body that does not parse");
  if (head.status() < 200 || head.status() > 599) return corrupt("a status out of range");
  Result<domain::HttpHeaders> headers = read_headers(head);
  if (!headers) return fail(headers.error());
  return domain::HttpHead{.status = head.status(), .headers = std::move(*headers)};
}

std::string encode_trailers(const domain::Trailers& trailers) {
  pb::Trailers out;
  write_headers(trailers.headers, out);
  return out.SerializeAsString();
}

Result<domain::Trailers> decode_trailers(std::string_view body) {
  pb::Trailers trailers;
  if (!trailers.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("a body that does not parse");
  Result<domain::HttpHeaders> headers = read_headers(trailers);
  if (!headers) return fail(headers.error());
  return domain::Trailers{.headers = std::move(*headers)};
}

std::string encode_input(std::string_view data, bool last) {
  pb::Input out;
  out.set_data(data.data(), data.size());
  out.set_last(last);
  return out.SerializeAsString();
}

Result<InputPiece> decode_input(std::string_view body) {
  pb::Input input;
  if (!input.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("a body that does not parse");
  if (input.data().size() > domain::kBodyPieceBytesMax) return corrupt("a piece of a body that is too long");
  return InputPiece{.data = std::move(*input.mutable_data()), .last = input.last()};
}

std::string encode_credit(uint64_t bytes) {
  pb::Credit out;
  out.set_bytes(bytes);
  return out.SerializeAsString();
}

Result<uint64_t> decode_credit(std::string_view body) {
  pb::Credit credit;
  if (!credit.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("a body that does not parse");
  if (credit.bytes() == 0 || credit.bytes() > domain::kBodyWindowBytes) return corrupt("a credit out of range");
  return credit.bytes();
}

}  // namespace ebb::wire
