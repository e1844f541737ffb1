// POST /v1/chat/completions: the events of one call for each choice, as one answer or as a stream.
//
// A streamed answer's head goes out with the first text (or the end), so that everything that fails before it is an ordinary error
// with its status. What fails later is an error event, and the connection ends.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "invoke/call_streams.h"
#include "wire/openai.h"
#include "wire/sse.h"

namespace ebb::gateway {

namespace {

// One answer under way, as its front door sees it. Its end, however it comes, leaves the calls and is counted.
struct Answer {
  Services& services;
  Exchange& exchange;
  std::shared_ptr<invoke::CallStreams> calls;  // one for each choice; shared with what happens when the client leaves
  wire::AnswerHead head;
  bool include_usage = false;
  bool names_a_tool = false;
  bool logprobs = false;
  std::vector<std::string> ignored;
  std::vector<wire::AnswerChoice> choices = {};
  wire::AnswerUsage usage = {};
  size_t finished = 0;  // of the choices
  CallSeen seen = {};

  ~Answer() {
    calls->leave();  // does nothing after their end
    if (seen.status == 200) seen.error.clear();
    seen.total = services.clock.mono() - exchange.request().arrived;
    seen.dispatched = (*calls)[0].dispatched();
    services.metrics.call_ended(seen);
  }
};

nanoseconds since_arrival(const Answer& answer) { return answer.services.clock.mono() - answer.exchange.request().arrived; }

// Our endpoints are OpenAI's models.
Error in_dialect(Error error) {
  if (error.kind == ErrorKind::kNotFound || error.param == "endpoint") error.param = "model";
  return error;
}

// Internal ids are ours: a model that makes one up would only collide.
std::string tool_call_id(const Answer& answer, size_t choice, int index) {
  return fmt::format("call_{}_{}", to_hex((*answer.calls)[choice].call().value), index);
}

void saw_text(Answer& answer, const domain::Text& text) {
  answer.seen.completion_tokens += text.tokens;
  if (text.part == domain::Part::kReasoning) answer.usage.reasoning_tokens += text.tokens;
  if (text.text.empty() && text.tool_name.empty()) return;
  answer.seen.last_text = since_arrival(answer);
  if (!answer.seen.first_text) answer.seen.first_text = answer.seen.last_text;
}

// The prompt counts once, however many answers it got.
void saw_start(Answer& answer, const domain::Started& started) {
  answer.seen.prompt_tokens = started.prompt_tokens;
  answer.usage.prompt_tokens = started.prompt_tokens;
  answer.usage.cached_tokens = std::max(answer.usage.cached_tokens, started.cached_tokens);
}

void saw_end(Answer& answer, size_t choice, const domain::Finished& finished) {
  const bool as_original = answer.names_a_tool && finished.reason == domain::FinishReason::kToolCalls;
  answer.choices[choice].reason = as_original ? domain::FinishReason::kStop : finished.reason;
  answer.usage.completion_tokens += finished.completion_tokens;
  ++answer.finished;
}

void saw_failure(Answer& answer, const domain::Failed& failed) {
  answer.seen.status = status_of(failed.error.kind);
  answer.seen.error = std::string(to_string(failed.error.kind));
}

// All choices have ended.
void settle(Answer& answer) {
  answer.seen.status = 200;
  answer.seen.completion_tokens = answer.usage.completion_tokens;
  domain::Pico cost = 0;
  int64_t billed_ms = 0;
  for (size_t i = 0; i < answer.calls->size(); ++i) {
    const auto& record = (*answer.calls)[i].usage();
    if (!record) return;  // not known: better none than a part
    cost += record->cost;
    billed_ms += record->billed_ms;
  }
  answer.usage.cost = wire::AnswerUsage::Cost{.cost = domain::format_money(cost), .billed_ms = billed_ms, .tier = (*answer.calls)[0].usage()->tier};
}

// queue, start, prompt and generation, as far as they are known: the head of a stream goes out before the last is.
std::string server_timing(const Answer& answer, bool ended) {
  const auto& dispatched = (*answer.calls)[0].dispatched();
  if (!dispatched) return {};
  const auto ms = [](nanoseconds time) { return std::max(0.0, std::chrono::duration<double, std::milli>(time).count()); };
  const nanoseconds now = since_arrival(answer);
  const nanoseconds first = answer.seen.first_text.value_or(now);
  std::string out = fmt::format("queue;dur={:.2f}, start;desc=\"{}\";dur={:.2f}, prompt;dur={:.2f}", ms(dispatched->queued - dispatched->start),
                                domain::to_string(dispatched->tier), ms(dispatched->start), ms(first - dispatched->queued));
  if (ended) out += fmt::format(", generate;dur={:.2f}", ms(now - first));
  return out;
}

Response head_of(const Answer& answer, bool ended) {
  Response response;
  if (const std::string timing = server_timing(answer, ended); !timing.empty()) response.headers.emplace_back("Server-Timing", timing);
  if (!answer.ignored.empty()) response.headers.emplace_back("Ebb-Ignored", fmt::format("{}", fmt::join(answer.ignored, ",")));
  return response;
}

void collect(Answer& answer, size_t choice, domain::Text text) {
  saw_text(answer, text);
  wire::AnswerChoice& to = answer.choices[choice];
  if (answer.logprobs) std::ranges::move(text.logprobs, std::back_inserter(*to.logprobs));
  switch (text.part) {
    case domain::Part::kContent: to.content += text.text; break;
    case domain::Part::kReasoning: to.reasoning += text.text; break;
    case domain::Part::kToolCall:
      if (!text.tool_name.empty()) to.tool_calls.push_back({.id = tool_call_id(answer, choice, text.tool_index), .name = text.tool_name, .arguments = {}});
      if (!to.tool_calls.empty()) to.tool_calls.back().arguments += text.text;
  }
}

io::Task<void> answer_whole(Answer& answer) {
  for (;;) {
    std::optional<invoke::CallStreams::Event> next = co_await answer.calls->next();
    if (!next) co_return;
    if (const auto* started = std::get_if<domain::Started>(&next->event)) {
      saw_start(answer, *started);
    } else if (auto* text = std::get_if<domain::Text>(&next->event)) {
      collect(answer, next->stream, std::move(*text));
    } else if (const auto* failed = std::get_if<domain::Failed>(&next->event)) {
      saw_failure(answer, *failed);
      co_await answer.exchange.fail(in_dialect(failed->error));
      co_return;
    } else {
      saw_end(answer, next->stream, std::get<domain::Finished>(next->event));
      if (answer.finished < answer.choices.size()) continue;
      settle(answer);
      Response response = head_of(answer, true);
      if (answer.usage.cost) response.headers.emplace_back("Ebb-Cost", answer.usage.cost->cost);
      response.body = wire::chat_completion(answer.head, answer.choices, answer.usage) + "\n";
      co_await answer.exchange.respond(std::move(response));
      co_return;
    }
  }
}

// All choices begin at once, in order: a client makes room for each as it comes.
void open_stream(Answer& answer, const wire::ChatChunks& chunks, std::string& out) {
  if (answer.exchange.started()) return;
  Response head = head_of(answer, false);
  head.content_type = wire::kSseContentType;
  head.headers.emplace_back("Cache-Control", "no-cache");
  head.headers.emplace_back("X-Accel-Buffering", "no");  // a proxy that collects the stream would defeat it
  answer.exchange.start_stream(std::move(head));
  for (size_t i = 0; i < answer.choices.size(); ++i)
    wire::append_sse(out, chunks.role(static_cast<int>(i)));
}

io::Task<void> fail_stream(Answer& answer, const domain::Failed& failed) {
  saw_failure(answer, failed);
  if (!answer.exchange.started()) {
    co_await answer.exchange.fail(in_dialect(failed.error));
    co_return;
  }
  answer.exchange.note_failure(failed.error.message);
  std::string out;
  wire::append_sse(out, wire::openai_stream_error(in_dialect(failed.error), answer.exchange.request().id, answer.seen.completion_tokens));
  const bool written = co_await answer.exchange.write(std::move(out));
  if (written) co_await answer.exchange.break_stream();
}

std::string piece_of(Answer& answer, const wire::ChatChunks& chunks, size_t choice, const domain::Text& text) {
  saw_text(answer, text);
  const std::string id = text.tool_name.empty() ? std::string() : tool_call_id(answer, choice, text.tool_index);
  return chunks.piece(static_cast<int>(choice), text, id);
}

// The end of one choice, and of the answer with the last.
std::string end_of(Answer& answer, const wire::ChatChunks& chunks, size_t choice, const domain::Finished& finished) {
  std::string out;
  saw_end(answer, choice, finished);
  open_stream(answer, chunks, out);
  wire::append_sse(out, chunks.finish(static_cast<int>(choice), answer.choices[choice].reason));
  if (answer.finished < answer.choices.size()) return out;
  settle(answer);
  if (answer.include_usage) wire::append_sse(out, chunks.usage(answer.usage));
  out += wire::kSseDone;
  return out;
}

io::Task<void> answer_stream(Answer& answer) {
  const wire::ChatChunks chunks(answer.head, answer.include_usage);
  for (;;) {
    std::optional<invoke::CallStreams::Event> next = co_await answer.calls->next();
    if (!next) co_return;
    std::string out;
    if (const auto* started = std::get_if<domain::Started>(&next->event)) {
      saw_start(answer, *started);
    } else if (const auto* text = std::get_if<domain::Text>(&next->event)) {
      const std::string piece = piece_of(answer, chunks, next->stream, *text);
      if (piece.empty()) continue;
      open_stream(answer, chunks, out);
      wire::append_sse(out, piece);
    } else if (const auto* failed = std::get_if<domain::Failed>(&next->event)) {
      co_await fail_stream(answer, *failed);
      co_return;
    } else {
      out = end_of(answer, chunks, next->stream, std::get<domain::Finished>(next->event));
    }
    if (out.empty()) continue;
    const bool written = co_await answer.exchange.write(std::move(out));
    if (!written) co_return;
    if (answer.finished < answer.choices.size()) continue;
    co_await answer.exchange.end_stream();
    co_return;
  }
}

// Refused before it became a call.
void count_refusal(Services& services, const Exchange& exchange, const std::string& endpoint, const Error& error) {
  CallSeen seen;
  seen.endpoint = error.kind == ErrorKind::kNotFound ? "" : endpoint;
  seen.status = status_of(error.kind);
  seen.error = std::string(to_string(error.kind));
  seen.total = services.clock.mono() - exchange.request().arrived;
  services.metrics.call_began();
  services.metrics.call_ended(seen);
}

// One call for each choice; when one is refused, none runs.
Result<std::shared_ptr<invoke::CallStreams>> invoke_all(Services& services, const wire::ChatRequest& request) {
  std::vector<std::shared_ptr<invoke::CallStream>> streams;
  for (int64_t i = 0; i < request.choices; ++i) {
    domain::Call call = request.call;
    if (call.sampling.seed) call.sampling.seed = static_cast<int64_t>(static_cast<uint64_t>(*call.sampling.seed) + static_cast<uint64_t>(i));
    Result<std::shared_ptr<invoke::CallStream>> stream = services.platform.invoke(std::move(call));
    if (!stream) return fail(stream.error());
    streams.push_back(std::move(*stream));
  }
  return std::make_shared<invoke::CallStreams>(std::move(streams));
}

// Made outside the coroutine: see errors.h.
std::unique_ptr<Answer> begin_answer(Services& services, Exchange& exchange, std::shared_ptr<invoke::CallStreams> calls, wire::ChatRequest request) {
  const std::string call = to_hex((*calls)[0].call().value);
  const int64_t created = std::chrono::duration_cast<seconds>(services.clock.wall().time_since_epoch()).count();
  std::unique_ptr<Answer> answer(new Answer{.services = services,
                                            .exchange = exchange,
                                            .calls = std::move(calls),
                                            .head = {.id = "chatcmpl-" + call, .created = created, .model = request.call.endpoint},
                                            .include_usage = request.include_usage,
                                            .names_a_tool = request.names_a_tool,
                                            .logprobs = request.call.sampling.top_logprobs.has_value(),
                                            .ignored = std::move(request.ignored)});
  answer->choices.resize(static_cast<size_t>(request.choices));
  for (wire::AnswerChoice& choice : answer->choices) {
    if (answer->logprobs) choice.logprobs.emplace();
  }
  // Until the answer's end says otherwise, the client left.
  answer->seen.endpoint = request.call.endpoint;
  answer->seen.status = 499;
  answer->seen.error = to_string(ErrorKind::kCancelled);
  exchange.note_call(request.call.endpoint, call);
  exchange.on_left([shared = answer->calls] { shared->leave(); });
  services.metrics.call_began();
  return answer;
}

}  // namespace

io::Task<void> chat_completions(Services& services, Exchange& exchange) {
  Result<wire::ChatRequest> request = wire::parse_chat(exchange.request().body());
  if (!request) {
    count_refusal(services, exchange, "", request.error());
    co_await exchange.fail(request.error());
    co_return;
  }
  request->call.deadline = exchange.request().deadline;
  Result<std::shared_ptr<invoke::CallStreams>> calls = invoke_all(services, *request);
  if (!calls) {
    count_refusal(services, exchange, request->call.endpoint, calls.error());
    co_await exchange.fail(in_dialect(calls.error()));
    co_return;
  }
  const bool streamed = request->stream;
  const std::unique_ptr<Answer> answer = begin_answer(services, exchange, std::move(*calls), std::move(*request));
  if (streamed) {
    co_await answer_stream(*answer);
  } else {
    co_await answer_whole(*answer);
  }
}

}  // namespace ebb::gateway
