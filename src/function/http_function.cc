// Readiness, the pool, and failures in words.
#include "function/http_function.h"

#include <fmt/format.h>

#include "domain/limits.h"
#include "function/contracts.h"
#include "function/http_exchange.h"
#include "function/http_request.h"

namespace ebb::function {

namespace {

Error with_code(Error error, std::string code) {
  error.code = std::move(code);
  return error;
}

std::string health_text(const std::string& path, uint16_t port) {
  return head_text({.method = "GET", .target = path, .headers = {{"User-Agent", "ebb-health"}, {"Accept", "*/*"}}}, {}, port);
}

Error out_of_memory(const Error& broken, uint64_t memory_bytes) {
  return with_code(
      {.kind = ErrorKind::kFunction,
       .message = fmt::format("{}: a process of it was killed, because all of them together took more than {} MiB", broken.message, memory_bytes >> 20U)},
      "function_out_of_memory");
}

}  // namespace

HttpFunction::HttpFunction(const io::Executor& executor, Instance& instance, const domain::FunctionStart& start, uint64_t answer_bytes_max,
                           const io::Clock& clock)
    : executor_(executor),
      instance_(instance),
      start_(start),
      answer_bytes_max_(answer_bytes_max),
      clock_(clock),
      stall_(executor),
      lacks_(fmt::format("does not listen on port {}", start.port)) {}

Result<std::unique_ptr<HttpConnection>> HttpFunction::connect() {
  Result<Fd> socket = instance_.connect(start_.port);
  if (!socket)
    return fail(with_code({.kind = ErrorKind::kFunction, .message = fmt::format("the function does not listen on port {} any more", start_.port)},
                          "function_not_listening"));
  return std::make_unique<HttpConnection>(executor_, std::move(*socket));
}

std::unique_ptr<HttpConnection> HttpFunction::kept() {
  while (!idle_.empty()) {
    std::unique_ptr<HttpConnection> last = std::move(idle_.back());
    idle_.pop_back();
    if (last->is_quiet()) return last;
  }
  return nullptr;
}

void HttpFunction::keep(std::unique_ptr<HttpConnection> connection) {
  if (idle_.size() >= static_cast<size_t>(start_.concurrency) || !keep_policy_.keeps(clock_.mono())) return;
  idle_.push_back(std::move(connection));
  if (!watches_for_stall_) watch_for_stall();
}

void HttpFunction::watch_for_stall() {
  const std::optional<MonoTime> at = keep_policy_.stalls_at();
  watches_for_stall_ = at.has_value();
  if (!at) return;
  stall_.expires_after(*at - clock_.mono());
  stall_.async_wait([this](io::ErrorCode error) {
    if (error) return;
    if (keep_policy_.stalls(clock_.mono())) idle_.clear();
    watch_for_stall();
  });
}

io::Task<Status> HttpFunction::ready() {
  const std::vector<std::string> paths = health_paths(start_);
  io::Timer timer(executor_);
  for (milliseconds pause = domain::kFunctionProbeFirst;; pause = std::min(2 * pause, domain::kFunctionProbeLast)) {
    if (paths.empty()) {
      Result<std::unique_ptr<HttpConnection>> open = connect();
      // The first call goes this way.
      if (open) keep(std::move(*open));
      if (open) co_return Status{};
    }
    for (const std::string& path : paths) {
      const bool healthy = co_await answers_200(path);
      if (healthy) co_return Status{};
    }
    timer.expires_after(pause);
    co_await timer.async_wait(io::use_awaitable);
  }
}

io::Task<bool> HttpFunction::answers_200(std::string path) {
  Result<std::unique_ptr<HttpConnection>> open = connect();
  if (!open) co_return false;
  // The timer's handler may still be on its way when the rest of this is over.
  const std::shared_ptr<HttpConnection> connection = std::move(*open);
  if (!answers_) lacks_ = fmt::format("does not answer GET {}", path);
  io::Timer patience(executor_, domain::kFunctionProbeTimeMax);
  patience.async_wait([connection](io::ErrorCode error) {
    if (!error) connection->close();
  });
  const std::string text = health_text(path, start_.port);
  const bool written = co_await connection->write({text, "", ""});
  if (!written) co_return false;
  const Result<domain::HttpHead> head = co_await connection->read_head(false, answer_bytes_max_);
  answers_ = answers_ || head;
  if (head) {
    lacks_ = fmt::format("answers GET {} with {} instead of 200", path, head->status);
  } else {
    lacks_ = fmt::format("does not answer GET {} with 200: {}", path, head.error().message);
  }
  co_return head && head->status == 200;
}

void HttpFunction::invoke(std::shared_ptr<Call> call) { begin_exchange(*this, std::move(call)); }

void HttpFunction::end_late(Call& call) {
  call.refuse(
      with_code({.kind = ErrorKind::kTimeout,
                 .message = fmt::format("the function did not finish its answer within {} ms: the call's connection was closed", start_.call_max.count())},
                "function_timeout"));
}

void HttpFunction::end_with_function(Call& call, const container::EndOfFunction& end) { call.refuse(error_of(end)); }

io::Task<void> HttpFunction::fail_call(std::shared_ptr<Call> call, Error error) {
  if (error.code == "function_closed" || error.code == "function_broke_off") {
    io::Timer notice(executor_, domain::kFunctionEndNoticeMax);
    co_await notice.async_wait(io::use_awaitable);
    const uint64_t kills = instance_.usage().oom_kills;
    if (kills > oom_kills_) error = out_of_memory(error, start_.memory_bytes);
    oom_kills_ = kills;
  }
  call->refuse(error);
}

}  // namespace ebb::function
