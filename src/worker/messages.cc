// protobuf to domain values and back.
#include "worker/messages.h"

#include "base/check.h"
#include "base/utf8.h"
#include "domain/limits.h"
#include "wire/worker.pb.h"
#include "wire/worker_answer.h"

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
  domain::Text piece = event.text;
  std::string rest = std::move(piece.text);
  do {
    size_t bytes = std::min(rest.size(), kTextBytesPerFrameMax);
    bytes -= unfinished_utf8(std::string_view(rest).substr(0, bytes));
    piece.text = rest.substr(0, bytes);
    rest.erase(0, bytes);
    frames += wire::encode_frame(FrameType::kText, event.call.value, wire::encode_text(piece));
    piece.tokens = 0;
    piece.tool_name.clear();
    piece.logprobs.clear();
  } while (!rest.empty());
  return frames;
}

std::string encode_tensor(CallId call, const domain::Tensor& tensor) {
  std::string frames = wire::encode_frame(FrameType::kTensorStart, call.value, wire::encode_tensor_start({.head = tensor.head, .bytes = tensor.data.size()}));
  std::string_view rest = tensor.data;
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, domain::kBodyPieceBytesMax);
    frames += wire::encode_frame(FrameType::kBytes, call.value, wire::encode_bytes(piece));
    rest.remove_prefix(piece.size());
  }
  return frames;
}

wire::pb::Finished::Reason reason_of(const engine::StepEvent& event) {
  if (event.kind == Kind::kCancelled) return wire::pb::Finished::CANCELLED;
  switch (event.reason) {
    case domain::FinishReason::kLength: return wire::pb::Finished::LENGTH;
    case domain::FinishReason::kToolCalls: return wire::pb::Finished::TOOL_CALLS;
    case domain::FinishReason::kStop: return wire::pb::Finished::STOP;
  }
  EBB_CHECK(false);
}

std::string encode_finished(const engine::StepEvent& event, MonoTime now) {
  wire::pb::Finished finished;
  finished.set_reason(reason_of(event));
  finished.set_prompt_tokens(event.prompt_tokens);
  finished.set_completion_tokens(event.completion_tokens);
  finished.set_ended_ns(now.time_since_epoch().count());
  return frame(FrameType::kFinished, event.call, finished);
}

}  // namespace

std::string encode_refused(CallId call, const Error& error, MonoTime now) {
  wire::pb::Refused refused;
  refused.set_kind(std::string(to_string(error.kind)));
  refused.set_message(error.message);
  refused.set_param(error.param);
  refused.set_code(error.code);
  refused.set_ended_ns(now.time_since_epoch().count());
  return frame(FrameType::kRefused, call, refused);
}

std::string encode_event(const engine::StepEvent& event, MonoTime now) {
  switch (event.kind) {
    case Kind::kStarted: {
      wire::pb::Started started;
      started.set_prompt_tokens(event.prompt_tokens);
      started.set_cached_tokens(event.cached_tokens);
      started.set_restore_us(event.restore.count());
      return frame(FrameType::kStarted, event.call, started);
    }
    case Kind::kProgress: {
      wire::pb::Progress progress;
      progress.set_done(event.prompt_done);
      progress.set_total(event.prompt_tokens);
      return frame(FrameType::kProgress, event.call, progress);
    }
    case Kind::kText: return encode_text(event);
    case Kind::kVector: return wire::encode_frame(FrameType::kVector, event.call.value, wire::encode_vector(event.values));
    case Kind::kTensor: return encode_tensor(event.call, event.tensor);
    case Kind::kLabels: return wire::encode_frame(FrameType::kLabels, event.call.value, wire::encode_labels(event.labels));
    case Kind::kFinished:
    case Kind::kCancelled: return encode_finished(event, now);
    case Kind::kFailed: return encode_refused(event.call, event.error, now);
  }
  EBB_CHECK(false);
}

}  // namespace ebb::worker
