// The strict reading of a worker's frames.
#include "instance/worker_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "domain/limits.h"
#include "wire/worker.pb.h"
#include "wire/worker_call.h"

namespace ebb::instance {

namespace {

using wire::FrameType;
using Reading = Result<std::optional<Report>>;

std::unexpected<Error> corrupt(std::string_view what) { return fail(ErrorKind::kCorrupt, fmt::format("bad frame: {}", what)); }

// Text for people, cut and made valid.
std::string said(std::string_view text, size_t bytes_max) { return replace_invalid_utf8(text.substr(0, bytes_max)); }

template <class Message>
Result<Message> parse(const wire::Frame& frame) {
  Message message;
  if (!message.ParseFromString(frame.body)) return corrupt("a body that does not parse");
  return message;
}

Reading read_ready(WorkerLink& link, const wire::Frame& frame) {
  const auto ready = parse<wire::pb::Ready>(frame);
  if (!ready) return fail(ready.error());
  if (ready->slots() < 0 || ready->slots() > domain::kSlotsPerWorkerMax) return corrupt("a number of slots out of range");
  return SlotsReady{.worker = link.worker, .slots = ready->slots()};
}

Reading read_load_failed(WorkerLink& link, const wire::Frame& frame) {
  const auto failed = parse<wire::pb::LoadFailed>(frame);
  if (!failed) return fail(failed.error());
  link.own_error = Error{.kind = ErrorKind::kCorrupt, .message = said(failed->message(), 1000)};
  return std::nullopt;
}

Reading read_started(WorkerLink& link, WorkerLink::Running& call, const wire::Frame& frame) {
  const auto started = parse<wire::pb::Started>(frame);
  if (!started) return fail(started.error());
  const auto texts = static_cast<int64_t>(std::max<size_t>(1, call.vectors_wanted));
  const int64_t prompt_max = texts * domain::kContextTokensMax;
  if (call.started || started->prompt_tokens() < 0 || started->prompt_tokens() > prompt_max || started->cached_tokens() < 0 ||
      started->cached_tokens() > started->prompt_tokens() || started->restore_us() < 0 || microseconds(started->restore_us()) > domain::kCallTimeMax)
    return corrupt("a second start, or prompt tokens or times out of range");
  call.started = true;
  call.prompt_tokens = started->prompt_tokens();
  return CallStarted{
      .worker = link.worker,
      .call = CallId{frame.stream},
      .started = {.prompt_tokens = started->prompt_tokens(), .cached_tokens = started->cached_tokens(), .restore = microseconds(started->restore_us())}};
}

Reading read_text(WorkerLink& link, WorkerLink::Running& call, const wire::Frame& frame) {
  Result<domain::Text> text = wire::decode_text(frame.body);
  if (!text) return corrupt(text.error().message);
  if (!call.started || text->tokens > call.tokens_max - call.tokens) return corrupt("text before a start, or tokens out of range");
  if (text->part == domain::Part::kToolCall) {
    // A name begins the next call of a tool; arguments continue the last.
    if (!text->tool_name.empty()) ++call.tool_calls;
    if (text->tool_index != call.tool_calls - 1) return corrupt("a piece of a tool's call out of order");
  }
  call.tokens += text->tokens;
  call.bytes += frame.body.size();
  if (call.bytes > domain::kAnswerBytesFree + call.bytes_max_per_token * static_cast<size_t>(call.tokens))
    return corrupt("more text than its tokens can stand for");
  return CallText{.worker = link.worker, .call = CallId{frame.stream}, .text = std::move(*text)};
}

Reading read_vector(WorkerLink& link, WorkerLink::Running& call, const wire::Frame& frame) {
  Result<domain::Vector> vector = wire::decode_vector(frame.body);
  if (!vector) return corrupt(vector.error().message);
  if (!call.started || call.vectors == call.vectors_wanted) return corrupt("a vector that nobody waits for");
  if (call.vectors == 0) call.vector_values = vector->values.size();
  if (vector->values.size() != call.vector_values) return corrupt("vectors of different sizes");
  ++call.vectors;
  if (call.vectors * call.vector_values * sizeof(float) > domain::kVectorBytesMax) return corrupt("more vectors than fit into an answer");
  return CallVector{.worker = link.worker, .call = CallId{frame.stream}, .vector = std::move(*vector)};
}

template <class T>
Reading piece_of(const WorkerLink& link, const wire::Frame& frame, T piece) {
  return CallPiece{.worker = link.worker, .call = CallId{frame.stream}, .piece = std::move(piece)};
}

Reading read_tensor_start(WorkerLink& link, WorkerLink::Running& call, const wire::Frame& frame) {
  Result<domain::TensorStart> start = wire::decode_tensor_start(frame.body);
  if (!start) return corrupt(start.error().message);
  if (!call.started || !call.tensors_wanted || call.tensor_bytes_left > 0) return corrupt("a tensor that nobody waits for");
  call.tensor_bytes += start->bytes;
  if (++call.tensors > domain::kTensorsMax || call.tensor_bytes > domain::kTensorBytesMax) return corrupt("more tensors than fit into an answer");
  call.tensor_bytes_left = start->bytes;
  return piece_of(link, frame, std::move(*start));
}

Reading read_bytes(WorkerLink& link, WorkerLink::Running& call, const wire::Frame& frame) {
  Result<domain::Bytes> bytes = wire::decode_bytes(frame.body);
  if (!bytes) return corrupt(bytes.error().message);
  size_t& room = call.http ? call.window : call.tensor_bytes_left;
  if ((call.http && (!call.head || call.trailers)) || bytes->data.size() > room) return corrupt("bytes that nobody waits for");
  room -= bytes->data.size();
  return piece_of(link, frame, std::move(*bytes));
}

Reading read_labels(WorkerLink& link, WorkerLink::Running& call, const wire::Frame& frame) {
  Result<domain::Labels> labels = wire::decode_labels(frame.body);
  if (!labels) return corrupt(labels.error().message);
  if (!call.started || call.labels == call.labels_wanted) return corrupt("labels that nobody waits for");
  ++call.labels;
  return piece_of(link, frame, std::move(*labels));
}

Reading read_http_head(WorkerLink& link, WorkerLink::Running& call, const wire::Frame& frame) {
  Result<domain::HttpHead> head = wire::decode_http_head(frame.body);
  if (!head) return corrupt(head.error().message);
  if (!call.started || !call.http || std::exchange(call.head, true)) return corrupt("the head of an answer that nobody waits for");
  return piece_of(link, frame, std::move(*head));
}

Reading read_trailers(WorkerLink& link, WorkerLink::Running& call, const wire::Frame& frame) {
  Result<domain::Trailers> trailers = wire::decode_trailers(frame.body);
  if (!trailers) return corrupt(trailers.error().message);
  if (!call.head || std::exchange(call.trailers, true)) return corrupt("trailers without a head, or twice");
  return piece_of(link, frame, std::move(*trailers));
}

Reading read_taken(WorkerLink& link, WorkerLink::Running& call, const wire::Frame& frame) {
  const Result<uint64_t> bytes = wire::decode_credit(frame.body);
  if (!bytes) return corrupt(bytes.error().message);
  if (!call.started || *bytes > call.body_sent) return corrupt("it took more of a body than it was sent");
  call.body_sent -= *bytes;
  return CallTaken{.worker = link.worker, .call = CallId{frame.stream}, .bytes = *bytes};
}

// What it owes a call that it says it finished.
std::optional<std::string> owed(const WorkerLink::Running& call) {
  if (call.vectors != call.vectors_wanted) return fmt::format("it ends after {} of {} vectors", call.vectors, call.vectors_wanted);
  if (call.labels != call.labels_wanted) return fmt::format("it ends after the labels of {} of {} items", call.labels, call.labels_wanted);
  if (call.tensor_bytes_left > 0) return "it ends in the middle of a tensor";
  if (call.http && !call.head) return "it ends without the head of an answer";
  return std::nullopt;
}

domain::FinishReason finish_reason(wire::pb::Finished::Reason reason) {
  switch (reason) {
    case wire::pb::Finished::LENGTH: return domain::FinishReason::kLength;
    case wire::pb::Finished::TOOL_CALLS: return domain::FinishReason::kToolCalls;
    default: return domain::FinishReason::kStop;
  }
}

Reading read_finished(WorkerLink& link, const WorkerLink::Running& call, const wire::Frame& frame) {
  const auto finished = parse<wire::pb::Finished>(frame);
  if (!finished) return fail(finished.error());
  const bool cancelled = finished->reason() == wire::pb::Finished::CANCELLED;
  // Tokens are counted where they pass. A worker that says otherwise is broken, and its numbers must reach no bill.
  if (finished->completion_tokens() != call.tokens || (call.started && finished->prompt_tokens() != call.prompt_tokens && !cancelled))
    return corrupt(fmt::format("it counts {} tokens where {} passed", finished->completion_tokens(), call.tokens));
  if (const std::optional<std::string> missing = owed(call); missing && !cancelled) return corrupt(*missing);
  const domain::Finished what{.reason = finish_reason(finished->reason()), .prompt_tokens = call.prompt_tokens, .completion_tokens = call.tokens};
  const CallId id{frame.stream};
  link.running.erase(id);
  return CallFinished{.worker = link.worker, .call = id, .cancelled = cancelled, .finished = what, .ended = MonoTime(nanoseconds(finished->ended_ns()))};
}

ErrorKind refusal_kind(std::string_view word) {
  for (const ErrorKind kind : {ErrorKind::kInvalid, ErrorKind::kNotFound, ErrorKind::kTooLarge, ErrorKind::kExhausted, ErrorKind::kOverloaded,
                               ErrorKind::kFunction, ErrorKind::kTimeout}) {
    if (to_string(kind) == word) return kind;
  }
  return ErrorKind::kInternal;
}

// Of what a worker says that a call ended before the server knew.
constexpr milliseconds kBelievedMax{10};

Reading read_refused(WorkerLink& link, const wire::Frame& frame) {
  const auto refused = parse<wire::pb::Refused>(frame);
  if (!refused) return fail(refused.error());
  const CallId id{frame.stream};
  link.running.erase(id);
  return CallRefused{.worker = link.worker,
                     .call = id,
                     .error = {.kind = refusal_kind(refused->kind()),
                               .message = said(refused->message(), 1000),
                               .param = said(refused->param(), 100),
                               .code = said(refused->code(), 100)},
                     .ended = MonoTime(nanoseconds(refused->ended_ns()))};
}

Reading read_call_frame(WorkerLink& link, const wire::Frame& frame) {
  const auto call = link.running.find(CallId{frame.stream});
  if (call == link.running.end()) return corrupt("it speaks of a call that does not run in it");
  switch (frame.type) {
    case FrameType::kProgress: return WorkProgress{link.worker};
    case FrameType::kStarted: return read_started(link, call->second, frame);
    case FrameType::kText: return read_text(link, call->second, frame);
    case FrameType::kVector: return read_vector(link, call->second, frame);
    case FrameType::kTensorStart: return read_tensor_start(link, call->second, frame);
    case FrameType::kBytes: return read_bytes(link, call->second, frame);
    case FrameType::kLabels: return read_labels(link, call->second, frame);
    case FrameType::kHttpHead: return read_http_head(link, call->second, frame);
    case FrameType::kTrailers: return read_trailers(link, call->second, frame);
    case FrameType::kTaken: return read_taken(link, call->second, frame);
    case FrameType::kFinished: return read_finished(link, call->second, frame);
    case FrameType::kRefused: return read_refused(link, frame);
    default: return corrupt(fmt::format("type {} does not belong to a call", static_cast<int>(frame.type)));
  }
}

}  // namespace

WorkerLink::Running WorkerLink::running_for(const domain::Call& call) {
  const auto* texts = std::get_if<domain::Texts>(&call.input);
  const auto* samples = std::get_if<domain::Samples>(&call.input);
  const bool text = std::holds_alternative<domain::Chat>(call.input) || std::holds_alternative<domain::Prompt>(call.input) || call.show_prompt;
  return {.tokens_max = text ? call.sampling.max_tokens.value_or(domain::kContextTokensMax) : 0,
          .bytes_max_per_token = call.sampling.top_logprobs ? domain::kLogprobBytesPerToken : domain::kTextBytesPerToken,
          .vectors_wanted = text || texts == nullptr ? 0 : texts->inputs.size(),
          .labels_wanted = text || samples == nullptr ? 0 : samples->items.size(),
          .tensors_wanted = std::holds_alternative<domain::Tensors>(call.input),
          .http = std::holds_alternative<domain::HttpRequest>(call.input),
          .window = domain::kBodyWindowBytes};
}

Result<std::optional<Report>> read_frame(WorkerLink& link, const wire::Frame& frame) {
  if (frame.stream != 0) return read_call_frame(link, frame);
  switch (frame.type) {
    case FrameType::kBlank: return std::nullopt;
    case FrameType::kProgress: return WorkProgress{link.worker};
    case FrameType::kReady: return read_ready(link, frame);
    case FrameType::kParked: return WorkerParked{link.worker};
    case FrameType::kLoadFailed: return read_load_failed(link, frame);
    case FrameType::kLog: {
      const auto log = parse<wire::pb::Log>(frame);
      if (!log) return fail(log.error());
      return WorkerLog{.worker = link.worker, .line = said(log->line(), 2000)};
    }
    default: return corrupt(fmt::format("type {} is not for the server", static_cast<int>(frame.type)));
  }
}

MonoTime believed_end(MonoTime said, MonoTime now) {
  if (said == MonoTime()) return now;  // it says nothing
  return std::clamp(said, now - kBelievedMax, now);
}

}  // namespace ebb::instance
