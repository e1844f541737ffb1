// The request waits for news of the work; the work knows nothing of the request.
#include "gateway/addition.h"

#include <utility>

#include "gateway/exchange.h"
#include "gateway/services.h"

namespace ebb::gateway {

namespace {

io::Task<void> run_addition(io::Task<Result<json::value>> work, std::shared_ptr<Addition> addition) {
  Result<json::value> result = co_await std::move(work);
  addition->result.emplace(std::move(result));
  addition->progress->detach();
  addition->changed.cancel();
}

std::string line(const json::value& value) { return json::serialize(value) + "\n"; }
std::string result_line(const Result<json::value>& result) { return line(result ? *result : wire::to_json(result.error())); }

io::Task<void> write_progress(Exchange& exchange, wire::ModelProgress progress) {
  if (!exchange.started()) exchange.start_stream(ndjson_response());
  co_await exchange.write(line(wire::to_json(progress)));
}

// Without progress before it the end is an ordinary answer with its status; else it is the last line.
io::Task<void> write_result(Exchange& exchange, const Result<json::value>& result) {
  if (!exchange.started()) {
    if (!result) {
      co_await exchange.fail(result.error());
    } else {
      Response response = ndjson_response(result_line(result));
      co_await exchange.respond(std::move(response));
    }
    co_return;
  }
  const bool written = co_await exchange.write(result_line(result));
  if (written) co_await exchange.end_stream();
}

}  // namespace

io::Task<void> answer_addition(Services& services, Exchange& exchange, std::shared_ptr<Addition> addition, io::Task<Result<json::value>> work) {
  addition->progress->changed = [timer = &addition->changed] { timer->cancel(); };
  exchange.on_left([addition] { addition->progress->cancel(); });
  if (exchange.left()) co_return;
  io::asio::co_spawn(services.executor, run_addition(std::move(work), addition), io::asio::detached);
  for (;;) {
    std::optional<wire::ModelProgress> progress = addition->progress->take();
    if (progress) co_await write_progress(exchange, std::move(*progress));
    if (addition->result) break;
    if (!progress) co_await addition->changed.async_wait(io::asio::as_tuple(io::use_awaitable));
  }
  co_await write_result(exchange, *addition->result);
}

}  // namespace ebb::gateway
