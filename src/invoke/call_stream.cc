// A deque and a timer that is cancelled when something comes: the smallest awaitable queue.
#include "invoke/call_stream.h"

#include <fmt/format.h>

#include "domain/limits.h"

namespace ebb::invoke {

namespace {

bool is_last(const domain::CallEvent& event) { return std::holds_alternative<domain::Finished>(event) || std::holds_alternative<domain::Failed>(event); }

}  // namespace

CallStream::CallStream(io::asio::any_io_executor executor, CallId call, std::function<void(CallId)> left)
    : wake_(executor, io::asio::steady_timer::time_point::max()), call_(call), left_(std::move(left)) {}

CallStream::~CallStream() { leave(); }

void CallStream::leave() {
  if (!ended_ && left_) left_(call_);
  left_ = nullptr;
  ended_ = true;
  delivered_ = true;
  events_.clear();
  wake_.cancel();
}

bool CallStream::push(domain::CallEvent event) {
  if (ended_) return true;  // the reader is gone, or the stream was cut: nothing is owed to it
  if (is_last(event)) {
    ended_ = true;
    left_ = nullptr;
  }
  bool fits = true;
  if (auto* text = std::get_if<domain::Text>(&event)) {
    buffered_bytes_ += text->text.size();
    if (buffered_bytes_ > domain::kStreamBufferBytesMax) {
      fits = false;
      ended_ = true;
      left_ = nullptr;
      event = domain::Failed{.error = {.kind = ErrorKind::kTimeout,
                                       .message = fmt::format("the client reads too slowly: over {} KiB of the answer were waiting for it",
                                                              domain::kStreamBufferBytesMax / 1024)}};
    } else if (auto* last = events_.empty() ? nullptr : std::get_if<domain::Text>(&events_.back())) {
      last->text += text->text;
      last->tokens += text->tokens;
      wake_.cancel();
      return true;
    }
  }
  events_.push_back(std::move(event));
  wake_.cancel();
  return fits;
}

io::Task<std::optional<domain::CallEvent>> CallStream::next() {
  while (events_.empty() && !delivered_) {
    [[maybe_unused]] [[maybe_unused]] const auto woken = co_await wake_.async_wait(io::asio::as_tuple(io::asio::use_awaitable));
    const auto cancelled = co_await io::asio::this_coro::cancellation_state;
    if (cancelled.cancelled() != io::asio::cancellation_type::none) co_return std::nullopt;
  }
  if (events_.empty()) co_return std::nullopt;
  domain::CallEvent event = std::move(events_.front());
  events_.pop_front();
  if (const auto* text = std::get_if<domain::Text>(&event)) buffered_bytes_ -= text->text.size();
  if (is_last(event)) delivered_ = true;
  co_return event;
}

}  // namespace ebb::invoke
