// /invoke/ENDPOINT/…: a request of any method to a container function, its body and its answer streamed at the same time.
//
//   client ─► pump(): pieces of the body ─► CallStream::send ─► … the function
//   client ◄─ answer(): head and pieces   ◄─ CallStream::take ◄─ …
//
// Both run on the connection; the answer's end ends the pump. What fails before the head is an ordinary error; what fails later cuts the answer,
// so that the client sees that something is missing.
#include <fmt/format.h>

#include <charconv>

#include "base/log.h"
#include "domain/limits.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/idempotency.h"
#include "gateway/keyed_answer.h"
#include "gateway/services.h"
#include "wire/passed_headers.h"

namespace ebb::gateway {

namespace {

std::string_view text(io::beast::string_view view) { return {view.data(), view.size()}; }

// What the function sees as its target: all that follows the endpoint's name, as the client wrote it.
std::string target_for_function(std::string_view target) {
  target.remove_prefix(std::string_view("/invoke/").size());
  const size_t end = target.find_first_of("/?");
  if (end == std::string_view::npos) return "/";
  const std::string rest(target.substr(end));
  return rest.starts_with('/') ? rest : "/" + rest;
}

domain::HttpHeaders headers_of(const Request& request) {
  domain::HttpHeaders headers;
  for (const auto& field : request.message)
    headers.emplace_back(text(field.name_string()), text(field.value()));
  return headers;
}

domain::Call call_of(const Exchange& exchange, CallId id) {
  const Request& request = exchange.request();
  const wire::CallerFacts caller{.address = "127.0.0.1", .protocol = "http", .request_id = request.id, .traceparent = wire::format_traceparent(request.trace)};
  domain::Call call{.endpoint = request.param("endpoint"), .input = {}, .sampling = {}};
  call.input = domain::HttpRequest{.method = std::string(text(request.message.method_string())),
                                   .target = target_for_function(text(request.message.target())),
                                   .headers = wire::headers_for_function(headers_of(request), caller),
                                   .has_body = exchange.has_pieces() || !request.body().empty()};
  call.id = id;
  call.deadline = request.deadline;
  call.priority = request.priority;
  pay_by(call, request);
  return call;
}

// What both directions share; the pump may outlive the answer by a moment.
struct Run {
  std::shared_ptr<invoke::CallStream> stream;
  bool pumping = false;
  io::Timer pump_ended;
  std::optional<Error> broken;  // what was wrong with the body
  CallSeen seen = {};
};

void pump_done(Run& run) {
  run.pumping = false;
  run.pump_ended.cancel();
}

io::Task<void> pump(Exchange& exchange, std::shared_ptr<Run> run) {
  for (bool more = true; more;) {
    BodyPiece piece = co_await exchange.read_piece();
    const bool last = piece.end == BodyPiece::End::kLast;
    if (piece.end == BodyPiece::End::kBroken) run->broken = piece.error;
    if (last || piece.end == BodyPiece::End::kMore) {
      const bool sent = co_await run->stream->send(std::move(piece.data), last);
      more = sent && !last;
      if (sent && last) exchange.on_left([stream = run->stream] { stream->leave(); });
    } else {
      run->stream->leave();
      more = false;
    }
  }
  pump_done(*run);
}

// A body that was read as a whole.
io::Task<void> pump_whole(Exchange& exchange, std::shared_ptr<Run> run) {
  const std::string& body = exchange.request().body();
  bool more = true;
  for (size_t at = 0; more && at < body.size(); at += domain::kBodyPieceBytesMax) {
    std::string piece = body.substr(at, domain::kBodyPieceBytesMax);
    const bool last = at + piece.size() == body.size();
    more = co_await run->stream->send(std::move(piece), last);
  }
  pump_done(*run);
}

std::optional<uint64_t> declared_length(const domain::HttpHead& head) {
  const std::string* const value = wire::find_header(head.headers, "Content-Length");
  uint64_t length = 0;
  if (value == nullptr || std::from_chars(value->data(), value->data() + value->size(), length).ptr != value->data() + value->size()) return std::nullopt;
  return length;
}

std::string server_timing(const invoke::Dispatched& dispatched) {
  const auto ms = [](nanoseconds time) { return std::max(0.0, std::chrono::duration<double, std::milli>(time).count()); };
  return fmt::format("queue;dur={:.2f}, start;desc=\"{}\";dur={:.2f}", ms(dispatched.queued - dispatched.start), domain::to_string(dispatched.tier),
                     ms(dispatched.start));
}

Response response_of(const domain::HttpHead& head, const Run& run) {
  Response response{.status = head.status, .content_type = {}, .foreign = true};
  for (auto& [name, value] : wire::headers_for_caller(head.headers)) {
    if (!wire::same_name(name, "Content-Length") && !wire::same_name(name, "Date")) response.headers.emplace_back(name, value);
  }
  response.headers.emplace_back("Ebb-Call", to_hex(run.stream->call().value));
  if (run.stream->dispatched()) response.headers.emplace_back("Server-Timing", server_timing(*run.stream->dispatched()));
  return response;
}

void saw_failure(Run& run, const Error& error) {
  run.seen.status = status_of(error.kind);
  run.seen.error = std::string(to_string(error.kind));
}

io::Task<void> fail_answer(Exchange& exchange, Run& run, Error error) {
  if (run.broken) error = *run.broken;
  saw_failure(run, error);
  if (!exchange.started()) {
    exchange.stop_reading();
    co_await exchange.fail(std::move(error));
    co_return;
  }
  exchange.note_failure(error);
  [[maybe_unused]] const bool there = co_await exchange.flush();
  co_await exchange.cut();
}

// The next event; nullopt: the client is gone. Before it waits, the client gets what there is: it may act on the head alone.
io::Task<std::optional<domain::CallEvent>> next_event(Exchange& exchange, Run& run) {
  for (;;) {
    std::optional<domain::CallEvent> event = run.stream->take();
    if (event || run.stream->delivered()) co_return event;
    if (exchange.unflushed() > 0) {
      const bool there = co_await exchange.flush();
      if (!there) co_return std::nullopt;
      continue;  // what came meanwhile wakes nobody who waits afterwards
    }
    [[maybe_unused]] const auto woken = co_await run.stream->wait(std::nullopt);
  }
}

io::Task<void> answer_client(Services& services, Exchange& exchange, Run& run) {
  std::vector<std::pair<std::string, std::string>> trailers;
  for (;;) {
    std::optional<domain::CallEvent> event = co_await next_event(exchange, run);
    if (!event && !run.broken) co_return;
    if (!event) {
      Error error = *run.broken;
      co_await fail_answer(exchange, run, std::move(error));
      co_return;
    }
    if (const auto* head = std::get_if<domain::HttpHead>(&*event)) {
      run.seen.status = head->status;
      run.seen.first_text = services.clock.mono() - exchange.request().arrived;
      Response response = response_of(*head, run);
      exchange.start_stream(std::move(response), declared_length(*head));
    } else if (const auto* bytes = std::get_if<domain::Bytes>(&*event)) {
      exchange.add(bytes->data);
      bool there = true;
      if (exchange.unflushed() >= domain::kBodyPieceBytesMax) there = co_await exchange.flush();
      if (!there) co_return;
    } else if (auto* after = std::get_if<domain::Trailers>(&*event)) {
      trailers = wire::trailers_that_pass(after->headers);
    } else if (auto* failed = std::get_if<domain::Failed>(&*event)) {
      Error error = std::move(failed->error);
      co_await fail_answer(exchange, run, std::move(error));
      co_return;
    } else if (std::holds_alternative<domain::Finished>(*event)) {
      run.seen.error.clear();
      co_await exchange.end_stream(trailers);
      co_return;
    }
  }
}

Error no_function(const std::string& endpoint) {
  return {.kind = ErrorKind::kInvalid,
          .message = fmt::format("'{}' runs a model, not a function: /invoke is for endpoints that were deployed with --image", endpoint),
          .param = "endpoint"};
}

Refusal no_upgrade() { return refuse(501, ErrorKind::kInvalid, "another protocol than HTTP (Upgrade) is not passed to functions", "Upgrade"); }

Refusal with_error(Error error) { return {.error = std::move(error)}; }

// What is wrong before there is a call.
std::optional<Refusal> refusal_of(Services& services, const Request& request) {
  const std::string& endpoint = request.param("endpoint");
  const Result<invoke::EndpointView> known = services.platform.endpoint(endpoint);
  if (!known) return with_error(known.error());
  if (!known->revision.by_instances()) return with_error(no_function(endpoint));
  if (wire::asks_for_upgrade(headers_of(request))) return no_upgrade();
  return std::nullopt;
}

std::shared_ptr<invoke::CallStreams> alone(std::shared_ptr<invoke::CallStream> stream) {
  return std::make_shared<invoke::CallStreams>(std::vector<std::shared_ptr<invoke::CallStream>>{std::move(stream)});
}

// Made outside the coroutine: see errors.h.
std::shared_ptr<Run> begin(Services& services, Exchange& exchange, std::shared_ptr<invoke::CallStream> stream) {
  auto run = std::make_shared<Run>(Run{.stream = std::move(stream), .pump_ended = io::Timer(services.executor)});
  run->pump_ended.expires_at(io::Timer::time_point::max());
  const std::string endpoint = exchange.request().param("endpoint");
  run->seen.endpoint = endpoint;
  run->seen.dialect = exchange.dialect();
  run->seen.operation = wire::Operation::kFunction;
  // Until the answer's end says otherwise, the client left.
  run->seen.status = 499;
  run->seen.error = to_string(ErrorKind::kCancelled);
  exchange.note_call(endpoint, to_hex(run->stream->call().value));
  if (exchange.keyed() != nullptr) exchange.keyed()->invoked(alone(run->stream));
  services.metrics.call_began();
  return run;
}

void end(Services& services, Exchange& exchange, Run& run) {
  run.stream->leave();
  run.seen.total = services.clock.mono() - exchange.request().arrived;
  run.seen.dispatched = run.stream->dispatched();
  services.metrics.call_ended(run.seen);
}

}  // namespace

io::Task<void> invoke_function(Services& services, Exchange& exchange) {
  if (has_idempotency_key(exchange.request())) {
    const bool answered = co_await answered_by_key(services, exchange);
    if (answered) co_return;
  }
  std::optional<Refusal> refusal = refusal_of(services, exchange.request());
  CallId id;
  if (!refusal && exchange.keyed() != nullptr) {
    const Result<CallId> begun = co_await exchange.keyed()->begin_calls(exchange.request().param("endpoint"), 1);
    if (begun)
      id = *begun;
    else
      refusal = with_error(begun.error());
  }
  std::shared_ptr<invoke::CallStream> stream;
  if (!refusal) {
    Result<std::shared_ptr<invoke::CallStream>> invoked = services.platform.invoke(call_of(exchange, id));
    if (invoked) {
      stream = std::move(*invoked);
    } else {
      refusal = with_error(invoked.error());
    }
  }
  if (refusal) {
    exchange.stop_reading();
    Refusal answer = std::move(*refusal);
    co_await exchange.refuse(std::move(answer));
    co_return;
  }
  const std::shared_ptr<Run> run = begin(services, exchange, std::move(stream));
  run->pumping = exchange.has_pieces() || !exchange.request().body().empty();
  if (run->pumping) {
    io::asio::co_spawn(services.executor, exchange.has_pieces() ? pump(exchange, run) : pump_whole(exchange, run), io::asio::detached);
  } else {
    exchange.on_left([left = run->stream] { left->leave(); });
  }
  co_await answer_client(services, exchange, *run);
  end(services, exchange, *run);
  exchange.stop_reading();
  while (run->pumping) {
    [[maybe_unused]] const auto woken = co_await run->pump_ended.async_wait(io::asio::as_tuple(io::use_awaitable));
  }
}

}  // namespace ebb::gateway
