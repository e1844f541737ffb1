// Calls become an answer: whole, or piece by piece.
//
// A streamed answer's head goes out with the first text (or the end), so that everything that fails before it is an ordinary error
// with its status. What fails later is an error in the stream, and the connection ends.
#include "gateway/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "gateway/exchange.h"
#include "gateway/idempotency.h"
#include "gateway/invoke_all.h"
#include "gateway/keyed_answer.h"
#include "gateway/services.h"
#include "invoke/call_streams.h"

namespace ebb::gateway {

namespace {

// One answer under way. Its end, however it comes, leaves the calls and is counted.
struct Answer {
  Services& services;
  Exchange& exchange;
  std::shared_ptr<invoke::CallStreams> calls;  // one for each choice; shared with what happens when the client leaves
  wire::Asked asked;
  wire::Answered answered = {};
  std::vector<domain::Started> starts = {};  // of each choice
  size_t finished = 0;                       // of the choices
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

// Our endpoints are the dialects' models.
Error in_dialect(Error error) {
  if (error.kind == ErrorKind::kNotFound || error.param == "endpoint") error.param = "model";
  return error;
}

void saw_start(Answer& answer, size_t choice, const domain::Started& started) {
  // A prompt counts once, however many answers it gets.
  if (choice % answer.asked.choices_per_prompt != 0) return;
  // A call whose worker died before it said anything starts again.
  domain::Started& before = answer.starts[choice];
  wire::AnswerUsage& usage = answer.answered.usage;
  usage.prompt_tokens += started.prompt_tokens - before.prompt_tokens;
  usage.cached_tokens += started.cached_tokens - before.cached_tokens;
  answer.seen.prompt_tokens = usage.prompt_tokens;
  before = started;
}

// Ids of tools' calls are ours: a model that makes one up would only collide.
void saw_text(Answer& answer, size_t choice, const domain::Text& text) {
  wire::AnswerUsage& usage = answer.answered.usage;
  usage.completion_tokens += text.tokens;
  answer.seen.completion_tokens = usage.completion_tokens;
  wire::AnswerChoice& to = answer.answered.choices[choice];
  std::ranges::copy(text.logprobs, std::back_inserter(to.logprobs));
  switch (text.part) {
    case domain::Part::kContent: to.content += text.text; break;
    case domain::Part::kReasoning:
      to.reasoning += text.text;
      usage.reasoning_tokens += text.tokens;
      break;
    case domain::Part::kToolCall:
      if (!text.tool_name.empty()) {
        const std::string id = fmt::format("call_{}_{}", to_hex((*answer.calls)[choice].call().value), text.tool_index);
        to.tool_calls.push_back({.id = id, .name = text.tool_name, .arguments = {}});
      }
      if (!to.tool_calls.empty()) to.tool_calls.back().arguments += text.text;
  }
  if (text.text.empty() && text.tool_name.empty()) return;
  answer.seen.last_text = since_arrival(answer);
  if (!answer.seen.first_text) answer.seen.first_text = answer.seen.last_text;
  usage.to_first = *answer.seen.first_text;
}

void saw_end(Answer& answer, size_t choice, const domain::Finished& finished) {
  answer.answered.choices[choice].reason = finished.reason;
  ++answer.finished;
}

bool all_ended(const Answer& answer) { return answer.finished == answer.answered.choices.size(); }

void saw_error(Answer& answer, const Error& error) {
  answer.seen.status = status_of(error.kind);
  answer.seen.error = std::string(to_string(error.kind));
}

void saw_failure(Answer& answer, const domain::Failed& failed) { saw_error(answer, failed.error); }

void saw_vector(Answer& answer, const domain::Vector& vector) { answer.asked.writer->add_vector(vector); }

// All choices have ended.
void settle(Answer& answer) {
  answer.seen.status = 200;
  answer.answered.usage.total = since_arrival(answer);
  if (const auto& dispatched = (*answer.calls)[0].dispatched()) answer.answered.usage.to_start = dispatched->queued;
  domain::Pico cost = 0;
  int64_t billed_ms = 0;
  for (size_t i = 0; i < answer.calls->size(); ++i) {
    const auto& record = (*answer.calls)[i].usage();
    if (!record) return;  // not known: better none than a part
    cost += record->cost;
    billed_ms += record->billed_ms;
  }
  answer.answered.usage.cost = wire::AnswerUsage::Cost{.cost = domain::format_money(cost), .billed_ms = billed_ms, .tier = (*answer.calls)[0].usage()->tier};
}

// queue, start, restore, prompt and generation, as far as they are known: the head of a stream goes out before the last is.
std::string server_timing(const Answer& answer, bool ended) {
  const auto& dispatched = (*answer.calls)[0].dispatched();
  if (!dispatched) return {};
  const auto ms = [](nanoseconds time) { return std::max(0.0, std::chrono::duration<double, std::milli>(time).count()); };
  const nanoseconds now = since_arrival(answer);
  const nanoseconds first = answer.seen.first_text.value_or(now);
  const microseconds restore = answer.starts[0].restore;
  std::string out = fmt::format("queue;dur={:.2f}, start;desc=\"{}\";dur={:.2f}, ", ms(dispatched->queued - dispatched->start),
                                domain::to_string(dispatched->tier), ms(dispatched->start));
  if (restore.count() > 0) out += fmt::format("restore;dur={:.2f}, ", ms(restore));
  out += fmt::format("prompt;dur={:.2f}", ms(first - dispatched->queued - restore));
  if (ended) out += fmt::format(", generate;dur={:.2f}", ms(now - first));
  return out;
}

Response head_of(const Answer& answer, bool ended) {
  Response response;
  if (const std::string timing = server_timing(answer, ended); !timing.empty()) response.headers.emplace_back("Server-Timing", timing);
  if (!answer.asked.ignored.empty()) response.headers.emplace_back("Ebb-Ignored", fmt::format("{}", fmt::join(answer.asked.ignored, ",")));
  return response;
}

Response whole_of(Answer& answer) {
  Response response = head_of(answer, true);
  if (answer.answered.usage.cost) response.headers.emplace_back("Ebb-Cost", answer.answered.usage.cost->cost);
  wire::AnswerWriter& writer = *answer.asked.writer;
  response.body = writer.whole(answer.answered);
  response.content_type = writer.content_type();
  for (auto& header : writer.headers())
    response.headers.push_back(std::move(header));
  return response;
}

io::Task<void> answer_whole(Answer& answer) {
  for (;;) {
    std::optional<invoke::CallStreams::Next> any = co_await answer.calls->next();
    if (!any) co_return;
    auto* const next = std::get_if<invoke::CallStreams::Event>(&*any);
    if (const auto* started = std::get_if<domain::Started>(&next->event)) {
      saw_start(answer, next->stream, *started);
    } else if (const auto* text = std::get_if<domain::Text>(&next->event)) {
      saw_text(answer, next->stream, *text);
    } else if (const auto* vector = std::get_if<domain::Vector>(&next->event)) {
      saw_vector(answer, *vector);
    } else if (const auto* tensor = std::get_if<domain::TensorStart>(&next->event)) {
      answer.asked.writer->begin_tensor(*tensor);
    } else if (const auto* bytes = std::get_if<domain::Bytes>(&next->event)) {
      answer.asked.writer->add_bytes(*bytes);
    } else if (const auto* labels = std::get_if<domain::Labels>(&next->event)) {
      answer.asked.writer->add_labels(*labels);
    } else if (const auto* failed = std::get_if<domain::Failed>(&next->event)) {
      saw_failure(answer, *failed);
      co_await answer.exchange.fail(in_dialect(failed->error));
      co_return;
    } else if (const auto* finished = std::get_if<domain::Finished>(&next->event)) {
      saw_end(answer, next->stream, *finished);
      if (!all_ended(answer)) continue;
      settle(answer);
      if (const Status writable = answer.asked.writer->check(); !writable) {
        saw_error(answer, writable.error());
        co_await answer.exchange.fail(writable.error());
        co_return;
      }
      Response response = whole_of(answer);
      co_await answer.exchange.respond(std::move(response));
      co_return;
    }
  }
}

std::string open_stream(Answer& answer) {
  if (answer.exchange.started()) return {};
  Response head = head_of(answer, false);
  head.content_type = answer.asked.writer->stream_content_type();
  head.headers.emplace_back("Cache-Control", "no-cache");
  head.headers.emplace_back("X-Accel-Buffering", "no");  // a proxy that collects the stream would defeat it
  answer.exchange.start_stream(std::move(head));
  return answer.asked.writer->open(answer.answered);
}

io::Task<void> fail_stream(Answer& answer, const domain::Failed& failed) {
  saw_failure(answer, failed);
  if (!answer.exchange.started()) {
    co_await answer.exchange.fail(in_dialect(failed.error));
    co_return;
  }
  answer.exchange.note_failure(failed.error);
  std::string out = answer.asked.writer->failed(answer.answered, in_dialect(failed.error), answer.exchange.request().id);
  const bool written = co_await answer.exchange.write(std::move(out));
  if (written) co_await answer.exchange.break_stream();
}

std::string written_piece(Answer& answer, size_t choice, const domain::Text& text) {
  saw_text(answer, choice, text);
  const bool says_something = !text.text.empty() || !text.tool_name.empty() || !text.logprobs.empty();
  if (!says_something) return {};
  std::string out = open_stream(answer);
  out += answer.asked.writer->piece(answer.answered, choice, text);
  return out;
}

// The end of one choice, and of the answer with the last.
std::string written_end(Answer& answer, size_t choice, const domain::Finished& finished) {
  saw_end(answer, choice, finished);
  if (all_ended(answer)) settle(answer);
  std::string out = open_stream(answer);
  out += answer.asked.writer->choice_ended(answer.answered, choice);
  if (all_ended(answer)) out += answer.asked.writer->ended(answer.answered);
  return out;
}

io::Task<void> answer_stream(Answer& answer) {
  for (;;) {
    std::optional<invoke::CallStreams::Next> any = co_await answer.calls->next(answer.exchange.request().keep_alive);
    if (!any) co_return;
    auto* const next = std::get_if<invoke::CallStreams::Event>(&*any);
    std::string out;
    if (next == nullptr) {
      out = open_stream(answer);
      out += answer.asked.writer->keep_alive();
    } else if (const auto* started = std::get_if<domain::Started>(&next->event)) {
      saw_start(answer, next->stream, *started);
    } else if (const auto* text = std::get_if<domain::Text>(&next->event)) {
      out = written_piece(answer, next->stream, *text);
    } else if (const auto* failed = std::get_if<domain::Failed>(&next->event)) {
      co_await fail_stream(answer, *failed);
      co_return;
    } else if (const auto* finished = std::get_if<domain::Finished>(&next->event)) {
      out = written_end(answer, next->stream, *finished);
    }  // routes of what is no text do not stream
    if (all_ended(answer)) {
      answer.exchange.add(out);
      co_await answer.exchange.end_stream();
      co_return;
    }
    if (out.empty()) continue;
    const bool written = co_await answer.exchange.write(std::move(out));
    if (!written) co_return;
  }
}

// Refused before it became a call.
void count_refusal(Services& services, const Exchange& exchange, wire::Operation operation, const std::string& endpoint, const Error& error) {
  CallSeen seen;
  seen.endpoint = error.kind == ErrorKind::kNotFound ? "" : endpoint;
  seen.dialect = exchange.dialect();
  seen.operation = operation;
  seen.status = status_of(error.kind);
  seen.error = std::string(to_string(error.kind));
  seen.total = services.clock.mono() - exchange.request().arrived;
  services.metrics.call_began();
  services.metrics.call_ended(seen);
}

// Made outside the coroutine: see errors.h.
std::unique_ptr<Answer> begin_answer(Services& services, Exchange& exchange, std::shared_ptr<invoke::CallStreams> calls, wire::Asked asked,
                                     wire::Operation operation, const std::string& endpoint) {
  const std::string call = to_hex((*calls)[0].call().value);
  const int64_t created = std::chrono::duration_cast<seconds>(services.clock.wall().time_since_epoch()).count();
  std::unique_ptr<Answer> answer(new Answer{.services = services, .exchange = exchange, .calls = std::move(calls), .asked = std::move(asked)});
  answer->answered.head = {.id = call, .created = created, .model = endpoint};
  answer->answered.choices.resize(answer->calls->size());
  answer->starts.resize(answer->calls->size());
  // Until the answer's end says otherwise, the client left.
  answer->seen.endpoint = endpoint;
  answer->seen.dialect = exchange.dialect();
  answer->seen.operation = operation;
  answer->seen.status = 499;
  answer->seen.error = to_string(ErrorKind::kCancelled);
  exchange.note_call(endpoint, call);
  exchange.on_left([shared = answer->calls] { shared->leave(); });
  services.metrics.call_began();
  return answer;
}

}  // namespace

io::Task<void> answer(Services& services, Exchange& exchange, wire::Operation operation, Result<wire::Asked> asked) {
  if (has_idempotency_key(exchange.request())) {
    const bool answered = co_await answered_by_key(services, exchange);
    if (answered) co_return;
  }
  if (!asked) {
    count_refusal(services, exchange, operation, "", asked.error());
    co_await exchange.fail(asked.error());
    co_return;
  }
  const std::string endpoint = asked->calls[0].endpoint;
  CallId id;
  if (exchange.keyed() != nullptr) {
    const Result<CallId> first = co_await exchange.keyed()->begin_calls(endpoint, asked->calls.size());
    if (!first) {
      count_refusal(services, exchange, operation, endpoint, first.error());
      co_await exchange.fail(first.error());
      co_return;
    }
    id = *first;
  }
  const Invoked invoked = invoke_all(services, std::move(asked->calls), id, exchange.request());
  if (exchange.keyed() != nullptr && invoked.calls) exchange.keyed()->invoked(invoked.calls);
  if (invoked.refusal) {
    count_refusal(services, exchange, operation, endpoint, *invoked.refusal);
    co_await exchange.fail(in_dialect(*invoked.refusal));
    co_return;
  }
  const bool streamed = asked->stream;
  const std::unique_ptr<Answer> under_way = begin_answer(services, exchange, invoked.calls, std::move(*asked), operation, endpoint);
  if (streamed) {
    co_await answer_stream(*under_way);
  } else {
    co_await answer_whole(*under_way);
  }
}

}  // namespace ebb::gateway
