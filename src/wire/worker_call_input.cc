// Each kind of input has a pair of its own: what is written, and what is taken of it.
#include "wire/worker_call_input.h"

#include <algorithm>

#include "domain/limits.h"
#include "wire/worker.pb.h"
#include "wire/worker_fields.h"

namespace ebb::wire {

namespace {

void write_prompt(const domain::Prompt& prompt, pb::Execute& out) {
  if (const auto* text = std::get_if<std::string>(&prompt.text)) {
    out.set_prompt(*text);
  } else {
    for (const int32_t token : std::get<std::vector<int32_t>>(prompt.text))
      out.mutable_tokens()->add_token(token);
  }
}

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

void write_http(const domain::HttpRequest& request, pb::HttpRequest& out) {
  out.set_method(request.method);
  out.set_target(request.target);
  write_headers(request.headers, *out.mutable_headers());
  out.set_has_body(request.has_body);
}

Result<domain::HttpRequest> read_http(pb::HttpRequest& request) {
  const auto upper = [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; };
  const auto visible = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; };
  const bool sane = !request.method().empty() && request.method().size() <= 32 && std::ranges::all_of(request.method(), upper) &&
                    request.target().starts_with('/') && request.target().size() <= domain::kHttpHeaderBytesMax &&
                    std::ranges::all_of(request.target(), visible);
  if (!sane) return corrupt("an Execute body with a request that is none");
  Result<domain::HttpHeaders> headers = read_headers(*request.mutable_headers());
  if (!headers) return fail(headers.error());
  return domain::HttpRequest{.method = std::move(*request.mutable_method()),
                             .target = std::move(*request.mutable_target()),
                             .headers = std::move(*headers),
                             .has_body = request.has_body()};
}

}  // namespace

void write_input(const CallInput& input, pb::Execute& out) {
  struct Writer {
    void operator()(const domain::Chat& chat) const { write_chat(chat, *out.mutable_chat()); }
    void operator()(const domain::Prompt& prompt) const { write_prompt(prompt, out); }
    void operator()(const domain::Texts& texts) const { write_texts(texts, *out.mutable_texts()); }
    void operator()(const domain::Tensors& tensors) const { write_tensors(tensors, *out.mutable_tensors()); }
    void operator()(const domain::Samples& samples) const { write_samples(samples, *out.mutable_samples()); }
    void operator()(const domain::HttpRequest& request) const { write_http(request, *out.mutable_http()); }
    pb::Execute& out;
  };
  std::visit(Writer{out}, input);
}

Result<CallInput> read_input(pb::Execute& execute) {
  switch (execute.input_case()) {
    case pb::Execute::kChat: return read_chat(*execute.mutable_chat());
    case pb::Execute::kPrompt: return domain::Prompt{.text = std::move(*execute.mutable_prompt())};
    case pb::Execute::kTokens: return domain::Prompt{.text = std::vector<int32_t>(execute.tokens().token().begin(), execute.tokens().token().end())};
    case pb::Execute::kTexts: return read_texts(*execute.mutable_texts());
    case pb::Execute::kTensors: return read_tensors(*execute.mutable_tensors());
    case pb::Execute::kSamples: return read_samples(*execute.mutable_samples());
    case pb::Execute::kHttp: return read_http(*execute.mutable_http());
    case pb::Execute::INPUT_NOT_SET: break;
  }
  return corrupt("an Execute body without input");
}

}  // namespace ebb::wire
