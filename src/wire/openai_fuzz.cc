// Any bytes as a chat request: they become a call within its bounds, or an error with a sentence; and the answer's encoders take whatever
// text a request had.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "domain/limits.h"
#include "wire/openai.h"
#include "wire/sse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ebb;
  const auto request = wire::parse_chat({reinterpret_cast<const char*>(data), size});
  if (!request) {
    EBB_CHECK(request.error().kind == ErrorKind::kInvalid && !request.error().message.empty());
    EBB_CHECK(parse_json(wire::openai_error(request.error())).has_value());
    return 0;
  }
  const domain::Sampling& sampling = request->call.sampling;
  const auto& chat = std::get<domain::Chat>(request->call.input);
  EBB_CHECK(!request->call.endpoint.empty() && !chat.messages.empty() && chat.messages.size() <= domain::kMessagesMax);
  EBB_CHECK(chat.tools.size() <= domain::kToolsMax && request->choices >= 1 && request->choices <= domain::kChoicesMax);
  EBB_CHECK(sampling.logit_bias.size() <= domain::kLogitBiasMax && sampling.top_logprobs.value_or(0) <= domain::kTopLogprobsMax);
  EBB_CHECK(!sampling.max_tokens || (*sampling.max_tokens >= 1 && *sampling.max_tokens <= domain::kContextTokensMax));
  EBB_CHECK(sampling.temperature >= 0 && sampling.temperature <= 2 && sampling.top_p >= 0 && sampling.top_p <= 1);
  EBB_CHECK(sampling.stop.size() <= domain::kStopStringsMax && request->ignored.size() <= wire::kIgnoredMax);
  const auto asked = wire::ask_chat({reinterpret_cast<const char*>(data), size});
  EBB_CHECK(asked.has_value() && asked->calls.size() == static_cast<size_t>(request->choices));
  wire::Answered answered{.head = {.id = "1", .created = 1, .model = request->call.endpoint}, .choices = std::vector<wire::AnswerChoice>(1), .usage = {}};
  for (const domain::ChatMessage& message : chat.messages) {
    answered.choices[0].content += message.content;
    const std::string out = asked->writer->piece(answered, 0, {.text = message.content, .tokens = 1});
    EBB_CHECK(message.content.empty() || parse_json(std::string_view(out).substr(6)).has_value());
  }
  EBB_CHECK(parse_json(asked->writer->whole(answered)).has_value());
  return 0;
}
