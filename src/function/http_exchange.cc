// Two coroutines on one connection: what the caller sends goes in, what the function answers comes out.
#include "function/http_exchange.h"

#include <utility>

#include "function/contracts.h"
#include "function/http_function.h"
#include "function/http_request.h"
#include "wire/passed_headers.h"

namespace ebb::function {

namespace {

struct Exchange {
  HttpFunction& function;
  std::shared_ptr<Call> call;
  domain::HttpRequest request;
  BodyFraming framing;
  std::unique_ptr<HttpConnection> connection;  // of the try that runs
  bool kept = false;                           // it served another call before
  bool body_taken = true;                      // all of the request's body was written
  bool input_broken = false;                   // the function takes no more of it
};
using ExchangePtr = std::shared_ptr<Exchange>;

Error wrong_body_length() {
  return {.kind = ErrorKind::kInvalid, .message = "the request's body is not as long as its Content-Length says", .param = "Content-Length"};
}

// What may be asked twice: a kept connection may end just as it is used again.
bool may_repeat(const Exchange& exchange) {
  const std::string& method = exchange.request.method;
  return exchange.kept && !exchange.request.has_body && (method == "GET" || method == "HEAD" || method == "OPTIONS");
}

io::Task<void> write_piece(ExchangePtr exchange, const std::string& data, bool last) {
  if (exchange->input_broken) co_return;
  const std::string head = data.empty() ? "" : chunk_head(data.size());
  std::array<std::string_view, 3> parts{head, data, data.empty() ? "" : kChunkEnd};
  if (!exchange->framing.chunked) parts = {"", data, ""};
  bool written = co_await exchange->connection->write(parts);
  if (written && last && exchange->framing.chunked) written = co_await exchange->connection->write({kLastChunk, "", ""});
  // No failure of the call yet: the function may have answered without reading all.
  exchange->input_broken = !written;
}

// To the end of the body even if the function takes no more: the caller is not left hanging in the middle.
io::Task<void> send_body(ExchangePtr exchange) {
  uint64_t left = exchange->framing.length.value_or(0);
  for (bool last = false; !last;) {
    std::optional<wire::InputPiece> piece = co_await exchange->call->next_input();
    if (!piece) co_return;
    last = piece->last;
    const uint64_t bytes = piece->data.size();
    if (exchange->framing.length && (bytes > left || (last && bytes < left))) {
      exchange->call->refuse(wrong_body_length());
      co_return;
    }
    left -= exchange->framing.length ? bytes : 0;
    co_await write_piece(exchange, piece->data, last);
    exchange->call->take(bytes);
  }
  exchange->body_taken = !exchange->input_broken;
}

// A connection with the request's head written to it.
io::Task<Status> open(ExchangePtr exchange, bool may_be_kept) {
  const std::string text = head_text(exchange->request, exchange->framing, exchange->function.start().port);
  if (may_be_kept) exchange->connection = exchange->function.kept();
  exchange->kept = exchange->connection != nullptr;
  if (exchange->kept) {
    const bool written = co_await exchange->connection->write({text, "", ""});
    if (written || exchange->call->ended()) co_return Status{};
    exchange->kept = false;
  }
  Result<std::unique_ptr<HttpConnection>> fresh = exchange->function.connect();
  if (!fresh) co_return fail(fresh.error());
  exchange->connection = std::move(*fresh);
  (void)co_await exchange->connection->write({text, "", ""});
  co_return Status{};
}

io::Task<Result<domain::HttpHead>> read_head(ExchangePtr exchange) {
  const bool on_new = !exchange->kept;
  exchange->function.begin_waiting(on_new);
  Result<domain::HttpHead> head = co_await exchange->connection->read_head(exchange->request.method == "HEAD", exchange->function.answer_bytes_max());
  exchange->function.end_waiting(on_new);
  co_return head;
}

io::Task<Status> pass_body(ExchangePtr exchange) {
  for (;;) {
    const Result<std::string_view> piece = co_await exchange->connection->read_piece();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return Status{};
    const bool written = co_await exchange->call->write(*piece);
    if (!written) co_return Status{};
  }
}

void end(Exchange& exchange) {
  const domain::Trailers trailers{.headers = wire::trailers_that_pass(exchange.connection->trailers())};
  if (!trailers.headers.empty()) exchange.call->trailers(trailers);
  if (exchange.body_taken && exchange.connection->is_reusable()) exchange.function.keep(std::move(exchange.connection));
  exchange.call->finish();
}

io::Task<void> serve(ExchangePtr exchange) {
  const std::shared_ptr<Call> call = exchange->call;
  Status opened = co_await open(exchange, true);
  if (!opened) {
    Error why = opened.error();
    co_await exchange->function.fail_call(call, std::move(why));
    co_return;
  }
  if (call->ended()) co_return;
  call->start();
  if (exchange->request.has_body) {
    exchange->body_taken = false;
    io::asio::co_spawn(exchange->function.executor(), send_body(exchange), io::asio::detached);
  }
  Result<domain::HttpHead> head = co_await read_head(exchange);
  if (!head && head.error().code == "function_closed" && may_repeat(*exchange) && !call->ended()) {
    opened = co_await open(exchange, false);
    if (opened) head = co_await read_head(exchange);
  }
  if (call->ended()) co_return;
  if (!head) {
    Error why = head.error();
    co_await exchange->function.fail_call(call, std::move(why));
    co_return;
  }
  head->headers = wire::headers_for_caller(head->headers);
  call->head(*head);
  Status passed = co_await pass_body(exchange);
  if (call->ended()) co_return;
  if (passed) {
    end(*exchange);
  } else {
    Error why = passed.error();
    co_await exchange->function.fail_call(call, std::move(why));
  }
}

}  // namespace

void begin_exchange(HttpFunction& function, std::shared_ptr<Call> call) {
  Result<domain::HttpRequest> request = request_of(function.start(), call->request());
  if (!request) return call->refuse(request.error());
  const Result<BodyFraming> framing = framing_of(*request);
  if (!framing) return call->refuse(framing.error());
  auto exchange = std::make_shared<Exchange>(Exchange{.function = function, .call = std::move(call), .request = std::move(*request), .framing = *framing});
  // The call outlives the exchange only until it ends.
  exchange->call->set_on_end([weak = std::weak_ptr(exchange)] {
    const ExchangePtr live = weak.lock();
    if (live && live->connection) live->connection->close();
  });
  io::asio::co_spawn(function.executor(), serve(exchange), io::asio::detached);
}

}  // namespace ebb::function
