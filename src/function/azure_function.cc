// One envelope there and one back.
#include "function/azure_function.h"

#include <fmt/format.h>

#include <utility>

#include "domain/limits.h"
#include "function/azure_envelope.h"
#include "function/contracts.h"
#include "function/http_request.h"
#include "function/lambda_text.h"
#include "io/random.h"

namespace ebb::function {

namespace {

// The whole request, head and envelope.
Result<std::string> request_text(const AzureTarget& target, const domain::HttpRequest& request, std::string_view body, WallTime now, const std::string& id,
                                 uint16_t port) {
  Result<std::string> envelope = azure_request(target, request, body, now, id);
  if (!envelope) return envelope;
  const domain::HttpRequest outer{
      .method = "POST",
      .target = "/" + target.function,
      .headers = {{"Content-Type", "application/json"}, {"X-Azure-Functions-Host-Version", "4.0"}, {"X-Azure-Functions-InvocationId", id}},
      .has_body = true};
  return head_text(outer, {.length = envelope->size()}, port) + *envelope;
}

Error handler_failed(int status, std::string_view body) {
  return {.kind = ErrorKind::kFunction,
          .message = fmt::format("the custom handler failed the invocation with status {}: {}", status, body.substr(0, 300)),
          .code = "function_failed"};
}

Error too_large() { return {.kind = ErrorKind::kFunction, .message = "the custom handler's answer is larger than 8 MiB", .code = "answer_too_large"}; }

}  // namespace

AzureFunction::AzureFunction(const io::Executor& executor, Instance& instance, const domain::FunctionStart& start, const io::Clock& clock,
                             std::function<void(const std::string&)> log)
    : HttpFunction(executor, instance, start, domain::kEnvelopeBytesMax, clock), log_(std::move(log)), random_(io::random_seed()) {}

void AzureFunction::invoke(std::shared_ptr<Call> call) { io::asio::co_spawn(executor(), serve(std::move(call)), io::asio::detached); }

io::Task<void> AzureFunction::serve(std::shared_ptr<Call> call) {
  const Result<domain::HttpRequest> allowed = request_of(start(), call->request());
  if (!allowed) co_return call->refuse(allowed.error());
  const Result<AzureTarget> target = azure_target(start(), call->request().method, call->request().target);
  if (!target) co_return call->refuse(target.error());
  const Result<std::string> body = co_await call->whole_body(domain::kEnvelopeBytesMax);
  if (!body) co_return call->refuse(body.error());
  const uint64_t high = random_();
  Result<std::string> request = request_text(*target, call->request(), *body, clock().wall(), uuid_of(high, random_()), start().port);
  if (!request) co_return call->refuse(request.error());
  const Result<std::string> text = co_await exchange(call, std::move(*request));
  if (!text) {
    Error why = text.error();
    co_await fail_call(call, std::move(why));
    co_return;
  }
  Result<AzureAnswer> answer = azure_answer(*text, target->output);
  if (!answer) co_return call->refuse(answer.error());
  for (const std::string& line : answer->logs)
    log_(line);
  co_await call->answer(std::move(answer->head), std::move(answer->body));
}

io::Task<Result<std::string>> AzureFunction::exchange(std::shared_ptr<Call> call, std::string request) {
  std::unique_ptr<HttpConnection> own = kept();
  const bool is_new = own == nullptr;
  if (is_new) {
    Result<std::unique_ptr<HttpConnection>> fresh = connect();
    if (!fresh) co_return fail(fresh.error());
    own = std::move(*fresh);
  }
  const std::shared_ptr<HttpConnection> connection = std::move(own);
  call->set_on_end([weak = std::weak_ptr(connection)] {
    if (const auto live = weak.lock()) live->close();
  });
  call->start();
  (void)co_await connection->write({request, "", ""});
  begin_waiting(is_new);
  const Result<domain::HttpHead> head = co_await connection->read_head(false, domain::kEnvelopeBytesMax);
  end_waiting(is_new);
  if (!head) co_return fail(head.error());
  std::string text;
  for (;;) {
    const Result<std::string_view> piece = co_await connection->read_piece();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) break;
    text += *piece;
    if (text.size() > domain::kEnvelopeBytesMax) co_return fail(too_large());
  }
  if (head->status / 100 != 2) co_return fail(handler_failed(head->status, text));
  co_return text;
}

}  // namespace ebb::function
