// The Runtime API, request by request.
#include "function/lambda_runtime.h"

#include <fmt/format.h>
#include <signal.h>

#include "domain/limits.h"
#include "function/http_request.h"
#include "function/lambda_text.h"
#include "io/random.h"
#include "wire/passed_headers.h"

namespace ebb::function {

namespace {

using Phase = LambdaState::Phase;

constexpr std::string_view kErrorTypeHeader = "Lambda-Runtime-Function-Error-Type";
constexpr std::string_view kErrorBodyHeader = "Lambda-Runtime-Function-Error-Body";
constexpr std::string_view kModeHeader = "Lambda-Runtime-Function-Response-Mode";
constexpr std::string_view kAccepted = R"({"status":"OK"})";

domain::HttpHead result_head(std::string_view type) { return {.status = 200, .headers = {{"Content-Type", std::string(type)}}}; }

domain::HttpHead error_head() { return {.status = 200, .headers = {{"Content-Type", "application/json"}, {"X-Amz-Function-Error", "Unhandled"}}}; }

Error broke_off() {
  return {.kind = ErrorKind::kFunction, .message = "the function's runtime broke off its response in the middle", .code = "function_broke_off"};
}

Error stream_too_large() {
  return {.kind = ErrorKind::kFunction, .message = "the function's streamed response is larger than 200 MiB: it was cut off", .code = "answer_too_large"};
}

// Of what we say ourselves, under a header's rules.
std::string plain_type(const std::string& type) { return type.empty() ? "application/octet-stream" : type; }

domain::Trailers error_trailers(const std::string& type, const std::string& body) {
  return {.headers = {{std::string(kErrorTypeHeader), error_type_of(type)}, {std::string(kErrorBodyHeader), body}}};
}

Error too_large_event(const Error& error) {
  Error named = error;
  if (named.kind == ErrorKind::kTooLarge) named.message = "the event is larger than a Lambda function takes (6 MiB)";
  return named;
}

std::string init_failure(const std::string& body, const std::string& type) {
  return "the function's initialisation failed: " + error_sentence(body, error_type_of(type));
}

}  // namespace

LambdaRuntime::LambdaRuntime(const io::Executor& executor, Instance& instance, const domain::FunctionStart& start, const io::Clock& clock)
    : executor_(executor), instance_(instance), start_(start), clock_(clock), acceptor_(executor), news_(executor), random_(io::random_seed()) {}

Status LambdaRuntime::prepare() {
  Result<Fd> socket = instance_.listen(start_.port);
  if (!socket) return fail(socket.error());
  io::ErrorCode error;
  acceptor_.assign(io::asio::ip::tcp::v4(), socket->release(), error);
  if (error) return fail(ErrorKind::kIo, "its Runtime API cannot be served: " + error.message());
  io::asio::co_spawn(executor_, accept(), io::asio::detached);
  return {};
}

io::Task<Status> LambdaRuntime::ready() {
  while (state_.phase() == Phase::kInit)
    co_await pause(news_);
  if (init_error_) co_return fail(*init_error_);
  co_return Status{};
}

void LambdaRuntime::invoke(std::shared_ptr<Call> call) {
  Invocation invocation{.call = std::move(call), .deadline = clock_.wall() + start_.call_max};
  const domain::HttpRequest& request = invocation.call->request();
  const Result<BodyFraming> framing = framing_of(request);
  if (!framing) return invocation.call->refuse(framing.error());
  if (framing->length.value_or(0) > domain::kLambdaPayloadBytesMax) return invocation.call->refuse(too_large_event({.kind = ErrorKind::kTooLarge}));
  if (const std::string* context = wire::find_header(request.headers, "X-Amz-Client-Context")) {
    Result<std::string> decoded = decode_client_context(*context);
    if (!decoded) return invocation.call->refuse(decoded.error());
    invocation.client_context = std::move(*decoded);
  }
  io::asio::co_spawn(executor_, collect(std::move(invocation)), io::asio::detached);
}

io::Task<void> LambdaRuntime::collect(Invocation invocation) {
  Result<std::string> event = co_await invocation.call->whole_body(domain::kLambdaPayloadBytesMax);
  if (!event) {
    invocation.call->refuse(too_large_event(event.error()));
    co_return;
  }
  invocation.event = event->empty() ? "{}" : std::move(*event);
  pending_ = std::move(invocation);
  news_.cancel();
}

void LambdaRuntime::fail_invocation(Call& call, std::string_view type, std::string message) const {
  call.answer_at_once(error_head(), error_json(type, fmt::format("RequestId: {} Error: {}", state_.id(), message)));
}

void LambdaRuntime::end_late(Call& call) {
  const double longest = std::chrono::duration<double>(start_.call_max).count();
  if (call.has_head())
    return call.refuse(
        {.kind = ErrorKind::kTimeout, .message = fmt::format("the function timed out after {:.2f} seconds", longest), .code = "function_timeout"});
  fail_invocation(call, "Sandbox.Timedout", fmt::format("Task timed out after {:.2f} seconds", longest));
}

void LambdaRuntime::end_with_function(Call& call, const container::EndOfFunction& end) {
  if (call.has_head()) return call.refuse(error_of(end));
  const bool memory = end.why == container::EndOfFunction::Why::kOutOfMemory;
  if (end.code == 0 && end.signal == 0) return fail_invocation(call, "Runtime.ExitError", "Runtime exited without providing a reason");
  fail_invocation(call, memory ? "Runtime.OutOfMemory" : "Runtime.ExitError", "Runtime exited with error: " + exit_words(end));
}

io::Task<void> LambdaRuntime::accept() {
  for (;;) {
    io::TcpSocket socket(executor_);
    io::ErrorCode error;
    co_await acceptor_.async_accept(socket, io::asio::redirect_error(io::use_awaitable, error));
    if (error && !acceptor_.is_open()) co_return;
    if (error || connections_ >= domain::kLambdaConnectionsMax) continue;  // closes it
    ++connections_;
    const auto connection = std::make_shared<RuntimeConnection>(std::move(socket));
    io::asio::co_spawn(executor_, serve(connection), io::asio::detached);
  }
}

io::Task<void> LambdaRuntime::serve(Connection connection) {
  while (connection->goes_on()) {
    const bool asked = co_await connection->read_head();
    if (!asked) break;
    co_await serve_request(connection);
  }
  connection->close();
  --connections_;
}

io::Task<void> LambdaRuntime::serve_request(Connection connection) {
  using What = RuntimePath::What;
  const RuntimePath path = runtime_path(connection->method(), connection->target());
  std::string id(path.id);
  switch (path.what) {
    case What::kNext: co_await serve_next(connection); co_return;
    case What::kResponse: co_await serve_response(connection, std::move(id)); co_return;
    case What::kError: co_await serve_error(connection, std::move(id)); co_return;
    case What::kInitError: co_await serve_init_error(connection); co_return;
    case What::kPing: (void)co_await say_accepted(connection); co_return;
    case What::kOther: break;
  }
  std::string body = error_json("NotFound", "the Runtime API of 2018-06-01 has no such request here");
  co_await done(connection, 404, std::move(body));
}

// What is left of the request's body is read first: a client that is still writing would not read.
io::Task<void> LambdaRuntime::done(Connection connection, int status, std::string body) {
  (void)co_await connection->read_body(0);
  (void)co_await connection->respond(status, std::move(body));
}

// No coroutines: temporaries of theirs would be destroyed twice (io/asio.h).
io::Task<void> LambdaRuntime::reject(Connection connection, const Rejection& rejection) {
  return done(std::move(connection), rejection.status, error_json(rejection.type, rejection.message));
}
io::Task<bool> LambdaRuntime::say_accepted(const Connection& connection) { return connection->respond(202, std::string(kAccepted)); }

io::Task<void> LambdaRuntime::serve_next(Connection connection) {
  if (state_.phase() == Phase::kWaiting && !waiter_->is_alive()) state_.waiter_gone();
  if (const auto rejected = state_.next()) {
    co_await reject(connection, *rejected);
    co_return;
  }
  waiter_ = connection;
  news_.cancel();
  const bool came = co_await wait_for_invocation(connection);
  if (!came) {
    connection->close();
    co_return;
  }
  const Invocation invocation = std::move(*pending_);
  pending_.reset();
  current_ = invocation.call;
  const uint64_t high = random_();
  state_.hand_over(uuid_of(high, random_()));
  current_->start();
  std::string event = invocation.event;
  domain::HttpHeaders headers = next_headers(invocation);
  const bool written = co_await connection->respond(200, std::move(event), std::move(headers));
  // It has part of an invocation, and will never ask for it again.
  if (!written) (void)instance_.signal(SIGKILL);
}

// False: the connection waits no more, because it broke or another asked in its place.
io::Task<bool> LambdaRuntime::wait_for_invocation(Connection connection) {
  for (;;) {
    if (waiter_ != connection) co_return false;
    if (pending_ && pending_->call->ended()) pending_.reset();
    if (pending_) break;
    co_await pause(news_);
  }
  if (connection->is_alive()) co_return true;
  state_.waiter_gone();
  co_return false;
}

domain::HttpHeaders LambdaRuntime::next_headers(const Invocation& invocation) const {
  domain::HttpHeaders headers{{"Lambda-Runtime-Aws-Request-Id", state_.id()},
                              {"Lambda-Runtime-Deadline-Ms", std::to_string(invocation.deadline.time_since_epoch().count())},
                              {"Lambda-Runtime-Invoked-Function-Arn", function_arn(start_.name)}};
  const std::string* trace = wire::find_header(invocation.call->request().headers, "traceparent");
  const std::string xray = trace == nullptr ? "" : xray_trace(*trace);
  if (!xray.empty()) headers.emplace_back("Lambda-Runtime-Trace-Id", xray);
  if (!invocation.client_context.empty()) headers.emplace_back("Lambda-Runtime-Client-Context", invocation.client_context);
  return headers;
}

io::Task<void> LambdaRuntime::serve_response(Connection connection, std::string id) {
  const std::string mode = connection->header(kModeHeader);
  if (!mode.empty() && mode != "streaming") {
    std::string body = error_json("InvalidFunctionResponseMode", "the response mode is 'streaming', or not given");
    co_await done(connection, 400, std::move(body));
    co_return;
  }
  if (const auto rejected = state_.respond(id)) {
    co_await reject(connection, *rejected);
    co_return;
  }
  const std::shared_ptr<Call> call = current_;
  if (mode.empty()) {
    co_await take_result(connection, call);
  } else {
    co_await take_stream(connection, call);
  }
}

io::Task<void> LambdaRuntime::take_result(Connection connection, std::shared_ptr<Call> call) {
  RuntimeConnection::Body result = co_await connection->read_body(domain::kLambdaPayloadBytesMax);
  state_.answered();
  if (result.too_large) {
    fail_invocation(*call, "Function.ResponseSizeTooLarge", "the response is larger than a Lambda function may give (6 MiB); stream it instead");
    std::string body = error_json("RequestEntityTooLarge", "the response is larger than 6 MiB");
    (void)co_await connection->respond(413, std::move(body));
    co_return;
  }
  if (!result.whole) {
    fail_invocation(*call, "Runtime.TruncatedResponse", "the runtime broke off its response in the middle");
    std::string body = error_json("Runtime.TruncatedResponse", "the response is not as long as it was to be");
    (void)co_await connection->respond(400, std::move(body));
    co_return;
  }
  (void)co_await say_accepted(connection);
  domain::HttpHead head = result_head("application/json");
  co_await call->answer(std::move(head), std::move(result.bytes));
}

io::Task<void> LambdaRuntime::take_stream(Connection connection, std::shared_ptr<Call> call) {
  const std::string type = plain_type(connection->header("Content-Type"));
  const bool has_prelude = wire::same_name(type.substr(0, kPreludeType.size()), kPreludeType);
  PreludeReader prelude;
  uint64_t bytes = 0;
  for (;;) {
    const std::optional<std::string_view> came = co_await connection->read_piece();
    if (!came) call->refuse(broke_off());
    if (came && came->empty()) break;
    if (came) bytes += came->size();
    if (bytes > domain::kLambdaStreamBytesMax) call->refuse(stream_too_large());
    if (call->ended()) {
      // The function goes on: it was told 202 or not at all, as if its caller had left.
      state_.answered();
      (void)co_await connection->read_body(0);
      (void)co_await say_accepted(connection);
      co_return;
    }
    std::string_view piece = *came;
    if (has_prelude && !call->has_head()) {
      const auto head = prelude.feed(piece);
      if (!head) call->refuse(head.error());
      if (!head || !head->has_value()) continue;
      call->head(**head);
      piece = prelude.rest();
    } else if (!call->has_head()) {
      call->head(result_head(type));
    }
    (void)co_await call->write(piece);
  }
  std::string type_of_nothing = type;
  if (has_prelude) type_of_nothing.clear();
  co_await end_stream(connection, call, std::move(type_of_nothing));
}

// `type`: of an answer without a byte in it; empty: it lacks the head that it owes.
io::Task<void> LambdaRuntime::end_stream(Connection connection, std::shared_ptr<Call> call, std::string type) {
  state_.answered();
  const std::string error_type = connection->trailer(kErrorTypeHeader);
  const std::string error_body = connection->trailer(kErrorBodyHeader);
  if (!error_type.empty() && call->has_head()) {
    call->trailers(error_trailers(error_type, error_body.substr(0, domain::kLambdaErrorTrailerBytesMax)));
  } else if (!error_type.empty()) {
    fail_invocation(*call, error_type_of(error_type), "the function failed before the first byte of its streamed response");
  } else if (!call->has_head() && type.empty()) {
    fail_invocation(*call, "Runtime.InvalidResponse", "the streamed response ended before its head did");
  } else if (!call->has_head()) {
    call->head(result_head(type));
  }
  call->finish();
  (void)co_await say_accepted(connection);
}

io::Task<void> LambdaRuntime::serve_error(Connection connection, std::string id) {
  if (const auto rejected = state_.respond(id)) {
    co_await reject(connection, *rejected);
    co_return;
  }
  const std::shared_ptr<Call> call = current_;
  RuntimeConnection::Body error = co_await connection->read_body(domain::kLambdaPayloadBytesMax);
  state_.answered();
  (void)co_await say_accepted(connection);
  std::string body = std::move(error.bytes);
  if (!error.whole || error.too_large || !is_json(body)) {
    const std::string type = error_type_of(connection->header(kErrorTypeHeader));
    body = error_json(type, "the function failed, and what its runtime says of it is no JSON");
  }
  domain::HttpHead head = error_head();
  co_await call->answer(std::move(head), std::move(body));
}

io::Task<void> LambdaRuntime::serve_init_error(Connection connection) {
  const RuntimeConnection::Body error = co_await connection->read_body(domain::kLambdaPayloadBytesMax);
  if (const auto rejected = state_.init_error()) {
    co_await reject(connection, *rejected);
    co_return;
  }
  init_error_.emplace();
  init_error_->kind = ErrorKind::kFunction;
  init_error_->message = init_failure(error.bytes, connection->header(kErrorTypeHeader));
  // Before its process can end: that would be the lesser reason.
  news_.cancel();
  (void)co_await say_accepted(connection);
}

}  // namespace ebb::function
