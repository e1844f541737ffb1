// protobuf to domain values and back.
#include "worker/messages.h"

#include "base/check.h"
#include "domain/limits.h"
#include "wire/worker.pb.h"

namespace ebb::worker {

namespace {

using Kind = engine::StepEvent::Kind;
using wire::FrameType;

// Long text is cut into frames well below what the server takes in one.
constexpr size_t kTextBytesPerFrameMax = domain::kWorkerFrameBytesMax / 2;

template <class Message>
std::string frame(FrameType type, CallId call, const Message& body) {
  return wire::encode_frame(type, call.value, body.SerializeAsString());
}

std::string encode_text(const engine::StepEvent& event) {
  std::string frames;
  std::string_view rest = event.text;
  int64_t tokens = event.tokens;
  do {
    wire::pb::Text text;
    text.set_text(std::string(rest.substr(0, kTextBytesPerFrameMax)));
    text.set_tokens(std::exchange(tokens, 0));
    rest.remove_prefix(std::min(rest.size(), kTextBytesPerFrameMax));
    frames += frame(FrameType::kText, event.call, text);
  } while (!rest.empty());
  return frames;
}

std::string encode_finished(const engine::StepEvent& event) {
  wire::pb::Finished finished;
  finished.set_reason(event.kind == Kind::kCancelled                  ? wire::pb::Finished::CANCELLED
                      : event.reason == domain::FinishReason::kLength ? wire::pb::Finished::LENGTH
                                                                      : wire::pb::Finished::STOP);
  finished.set_prompt_tokens(event.prompt_tokens);
  finished.set_completion_tokens(event.completion_tokens);
  return frame(FrameType::kFinished, event.call, finished);
}

}  // namespace

Result<domain::Call> read_execute(std::string_view body) {
  wire::pb::Execute execute;
  if (!execute.ParseFromArray(body.data(), static_cast<int>(body.size()))) return fail(ErrorKind::kCorrupt, "an Execute body that does not parse");
  const bool sane = static_cast<size_t>(execute.messages_size()) <= domain::kMessagesMax &&
                    static_cast<size_t>(execute.stop_size()) <= domain::kStopStringsMax && execute.max_tokens() >= 0 && execute.temperature() >= 0 &&
                    execute.temperature() <= 100 && execute.top_p() >= 0 && execute.top_p() <= 1;
  if (!sane) return fail(ErrorKind::kCorrupt, "an Execute body with numbers out of bounds");
  domain::Call call;
  for (wire::pb::ChatMessage& message : *execute.mutable_messages())
    call.messages.push_back({.role = std::move(*message.mutable_role()), .content = std::move(*message.mutable_content())});
  for (std::string& stop : *execute.mutable_stop()) {
    if (stop.size() > domain::kStopStringBytesMax) return fail(ErrorKind::kCorrupt, "an Execute body with too long a stop string");
    call.sampling.stop.push_back(std::move(stop));
  }
  if (execute.max_tokens() > 0) call.sampling.max_tokens = execute.max_tokens();
  call.sampling.temperature = execute.temperature();
  call.sampling.top_p = execute.top_p();
  if (execute.has_seed()) call.sampling.seed = execute.seed();
  return call;
}

std::string encode_refused(CallId call, const Error& error) {
  wire::pb::Refused refused;
  refused.set_kind(std::string(to_string(error.kind)));
  refused.set_message(error.message);
  refused.set_param(error.param);
  refused.set_code(error.code);
  return frame(FrameType::kRefused, call, refused);
}

std::string encode_event(const engine::StepEvent& event) {
  switch (event.kind) {
    case Kind::kStarted: {
      wire::pb::Started started;
      started.set_prompt_tokens(event.prompt_tokens);
      started.set_cached_tokens(event.cached_tokens);
      return frame(FrameType::kStarted, event.call, started);
    }
    case Kind::kProgress: {
      wire::pb::Progress progress;
      progress.set_done(event.tokens);
      progress.set_total(event.prompt_tokens);
      return frame(FrameType::kProgress, event.call, progress);
    }
    case Kind::kText: return encode_text(event);
    case Kind::kFinished:
    case Kind::kCancelled: return encode_finished(event);
    case Kind::kFailed: return encode_refused(event.call, event.error);
  }
  EBB_CHECK(false);
}

}  // namespace ebb::worker
