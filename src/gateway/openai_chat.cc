// POST /v1/chat/completions: a call's events as one answer or as a stream.
//
// A streamed answer's head goes out with the first text (or the end), so that everything that fails before it is an ordinary error
// with its status. What fails later is an error event, and the connection ends.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/openai.h"
#include "wire/sse.h"

namespace ebb::gateway {

namespace {

// One call under way, as its front door sees it.
struct Answer {
  Services& services;
  Exchange& exchange;
  std::shared_ptr<invoke::CallStream> stream;  // shared with the platform, which pushes
  wire::AnswerHead head;
  bool include_usage = false;
  std::vector<std::string> ignored;
  CallSeen seen;
};

nanoseconds since_arrival(const Answer& answer) { return answer.services.clock.mono() - answer.exchange.request().arrived; }

// Our endpoints are OpenAI's models.
Error in_dialect(Error error) {
  if (error.kind == ErrorKind::kNotFound || error.param == "endpoint") error.param = "model";
  return error;
}

void saw_text(Answer& answer, const domain::Text& text) {
  answer.seen.last_text = since_arrival(answer);
  if (!answer.seen.first_text) answer.seen.first_text = answer.seen.last_text;
  answer.seen.completion_tokens += text.tokens;
}

// queue, start, prompt and generation, as far as they are known: the head of a stream goes out before the last is.
std::string server_timing(const Answer& answer, bool ended) {
  const auto& dispatched = answer.stream->dispatched();
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

wire::AnswerUsage usage_of(Answer& answer, const domain::Finished& finished) {
  answer.seen.prompt_tokens = finished.prompt_tokens;
  answer.seen.completion_tokens = finished.completion_tokens;
  wire::AnswerUsage usage{.prompt_tokens = finished.prompt_tokens, .completion_tokens = finished.completion_tokens, .cost = std::nullopt};
  if (const auto& record = answer.stream->usage())
    usage.cost = wire::AnswerUsage::Cost{.cost = domain::format_money(record->cost), .billed_ms = record->billed_ms, .tier = record->tier};
  return usage;
}

void saw_failure(Answer& answer, const domain::Failed& failed) {
  answer.seen.status = status_of(failed.error.kind);
  answer.seen.error = std::string(to_string(failed.error.kind));
}

io::Task<void> answer_whole(Answer& answer) {
  std::string text;
  for (;;) {
    std::optional<domain::CallEvent> event = co_await answer.stream->next();
    if (!event) co_return;
    if (const auto* started = std::get_if<domain::Started>(&*event)) {
      answer.seen.prompt_tokens = started->prompt_tokens;
    } else if (const auto* piece = std::get_if<domain::Text>(&*event)) {
      if (!piece->text.empty()) saw_text(answer, *piece);
      text += piece->text;
    } else if (const auto* failed = std::get_if<domain::Failed>(&*event)) {
      saw_failure(answer, *failed);
      co_await answer.exchange.fail(in_dialect(failed->error));
      co_return;
    } else {
      const auto& finished = std::get<domain::Finished>(*event);
      const wire::AnswerUsage usage = usage_of(answer, finished);
      answer.seen.status = 200;
      Response response = head_of(answer, true);
      if (usage.cost) response.headers.emplace_back("Ebb-Cost", usage.cost->cost);
      response.body = wire::chat_completion(answer.head, text, finished.reason, usage) + "\n";
      co_await answer.exchange.respond(std::move(response));
      co_return;
    }
  }
}

void open_stream(Answer& answer, const wire::ChatChunks& chunks, std::string& out) {
  if (answer.exchange.started()) return;
  Response head = head_of(answer, false);
  head.content_type = wire::kSseContentType;
  head.headers.emplace_back("Cache-Control", "no-cache");
  head.headers.emplace_back("X-Accel-Buffering", "no");  // a proxy that collects the stream would defeat it
  answer.exchange.start_stream(std::move(head));
  wire::append_sse(out, chunks.role());
}

io::Task<void> fail_stream(Answer& answer, const domain::Failed& failed) {
  saw_failure(answer, failed);
  if (!answer.exchange.started()) {
    co_await answer.exchange.fail(in_dialect(failed.error));
    co_return;
  }
  answer.exchange.note_failure(failed.error.message);
  std::string out;
  wire::append_sse(out, wire::openai_stream_error(in_dialect(failed.error), answer.exchange.request().id, failed.completion_tokens));
  const bool written = co_await answer.exchange.write(std::move(out));
  if (written) co_await answer.exchange.break_stream();
}

io::Task<void> answer_stream(Answer& answer) {
  const wire::ChatChunks chunks(answer.head, answer.include_usage);
  for (;;) {
    std::optional<domain::CallEvent> event = co_await answer.stream->next();
    if (!event) co_return;
    std::string out;
    if (const auto* started = std::get_if<domain::Started>(&*event)) {
      answer.seen.prompt_tokens = started->prompt_tokens;
      continue;
    }
    if (const auto* piece = std::get_if<domain::Text>(&*event)) {
      if (piece->text.empty()) continue;
      saw_text(answer, *piece);
      open_stream(answer, chunks, out);
      wire::append_sse(out, chunks.content(piece->text));
      const bool written = co_await answer.exchange.write(std::move(out));
      if (!written) co_return;
      continue;
    }
    if (const auto* failed = std::get_if<domain::Failed>(&*event)) {
      co_await fail_stream(answer, *failed);
      co_return;
    }
    const auto& finished = std::get<domain::Finished>(*event);
    const wire::AnswerUsage usage = usage_of(answer, finished);
    answer.seen.status = 200;
    open_stream(answer, chunks, out);
    wire::append_sse(out, chunks.finish(finished.reason));
    if (answer.include_usage) wire::append_sse(out, chunks.usage(usage));
    out += wire::kSseDone;
    const bool written = co_await answer.exchange.write(std::move(out));
    if (written) co_await answer.exchange.end_stream();
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

// Made outside the coroutine: see errors.h.
std::unique_ptr<Answer> begin_answer(Services& services, Exchange& exchange, std::shared_ptr<invoke::CallStream> stream, wire::ChatRequest request,
                                     std::string endpoint) {
  const std::string call = to_hex(stream->call().value);
  const int64_t created = std::chrono::duration_cast<seconds>(services.clock.wall().time_since_epoch()).count();
  std::unique_ptr<Answer> answer(new Answer{.services = services,
                                            .exchange = exchange,
                                            .stream = std::move(stream),
                                            .head = {.id = "chatcmpl-" + call, .created = created, .model = endpoint},
                                            .include_usage = request.include_usage,
                                            .ignored = std::move(request.ignored),
                                            .seen = {}});
  // Until the answer's end says otherwise, the client left.
  answer->seen.endpoint = endpoint;
  answer->seen.status = 499;
  answer->seen.error = to_string(ErrorKind::kCancelled);
  exchange.note_call(endpoint, call);
  exchange.on_left([shared = answer->stream] { shared->leave(); });
  services.metrics.call_began();
  return answer;
}

void end_answer(Answer& answer) {
  answer.stream->leave();  // does nothing after the stream's end
  if (answer.seen.status == 200) answer.seen.error.clear();
  answer.seen.total = since_arrival(answer);
  answer.seen.dispatched = answer.stream->dispatched();
  answer.services.metrics.call_ended(answer.seen);
}

}  // namespace

io::Task<void> chat_completions(Services& services, Exchange& exchange) {
  Result<wire::ChatRequest> request = wire::parse_chat(exchange.request().body());
  if (!request) {
    count_refusal(services, exchange, "", request.error());
    co_await exchange.fail(request.error());
    co_return;
  }
  const bool streamed = request->stream;
  const std::string endpoint = request->call.endpoint;
  request->call.deadline = exchange.request().deadline;
  Result<std::shared_ptr<invoke::CallStream>> stream = services.platform.invoke(std::move(request->call));
  if (!stream) {
    count_refusal(services, exchange, endpoint, stream.error());
    co_await exchange.fail(in_dialect(stream.error()));
    co_return;
  }
  const std::unique_ptr<Answer> answer = begin_answer(services, exchange, std::move(*stream), std::move(*request), endpoint);
  if (streamed) {
    co_await answer_stream(*answer);
  } else {
    co_await answer_whole(*answer);
  }
  end_answer(*answer);
}

}  // namespace ebb::gateway
