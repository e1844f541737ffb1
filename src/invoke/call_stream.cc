// A deque and a timer that is cancelled when something comes: the smallest awaitable queue.
#include "invoke/call_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "domain/limits.h"

namespace ebb::invoke {

namespace {

bool is_last(const domain::CallEvent& event) { return std::holds_alternative<domain::Finished>(event) || std::holds_alternative<domain::Failed>(event); }

// A piece without text belongs to any part: it only counts tokens.
bool continues(const domain::Text& last, const domain::Text& next) {
  if (next.text.empty() && next.tool_name.empty() && next.logprobs.empty()) return true;
  return last.part == next.part && last.tool_index == next.tool_index && next.tool_name.empty();
}

// What log probabilities take while they wait.
size_t logprob_bytes(const domain::Text& text) {
  size_t bytes = 0;
  for (const domain::TokenLogprob& logprob : text.logprobs)
    bytes += sizeof logprob + logprob.top.size() * sizeof(domain::TokenLogprob::Candidate);
  return bytes;
}

}  // namespace

CallStream::CallStream(io::Executor executor, CallId call, StreamHooks hooks)
    : executor_(executor), wake_(std::make_shared<io::Timer>(executor, io::Timer::time_point::max())), call_(call), hooks_(std::move(hooks)) {}

CallStream::~CallStream() { leave(); }

void CallStream::leave() {
  if (!ended_ && hooks_.left) hooks_.left(call_);
  end();
  delivered_ = true;
  events_.clear();
  wake_->cancel();
}

void CallStream::end() {
  ended_ = true;
  hooks_ = {};
  if (taken_) taken_->cancel();
}

void CallStream::set_usage(domain::UsageRecord usage) {
  usage_ = std::move(usage);
  if (ended_) wake_->cancel();
}

io::Task<bool> CallStream::send(std::string piece, bool last) {
  if (!taken_) taken_.emplace(executor_, io::Timer::time_point::max());
  while (!ended_ && sent_ > 0 && sent_ + piece.size() > domain::kBodyWindowBytes) {
    [[maybe_unused]] const auto woken = co_await taken_->async_wait(io::asio::as_tuple(io::use_awaitable));
    const auto cancelled = co_await io::asio::this_coro::cancellation_state;
    if (cancelled.cancelled() != io::asio::cancellation_type::none) co_return false;
  }
  if (ended_ || !hooks_.input) co_return false;
  sent_ += piece.size();
  hooks_.input(call_, std::move(piece), last);
  co_return true;
}

void CallStream::took(size_t bytes) {
  sent_ -= std::min(bytes, sent_);
  if (taken_) taken_->cancel();
}

bool CallStream::push(domain::CallEvent event) {
  if (ended_) return true;  // the reader is gone, or the stream was cut: nothing is owed to it
  if (is_last(event)) end();
  if (std::holds_alternative<domain::HttpHead>(event)) http_ = true;
  bool fits = true;
  if (auto* text = std::get_if<domain::Text>(&event)) {
    buffered_bytes_ += text->text.size();
    buffered_logprob_bytes_ += logprob_bytes(*text);
    if (buffered_bytes_ > domain::kStreamBufferBytesMax || buffered_logprob_bytes_ > domain::kStreamLogprobBytesMax) {
      fits = false;
      end();
      event = domain::Failed{.error = {.kind = ErrorKind::kTimeout,
                                       .message = fmt::format("the client reads too slowly: over {} KiB of the answer were waiting for it",
                                                              domain::kStreamBufferBytesMax / 1024)}};
    } else if (auto* last = events_.empty() ? nullptr : std::get_if<domain::Text>(&events_.back()); last != nullptr && continues(*last, *text)) {
      last->text += text->text;
      last->tokens += text->tokens;
      std::ranges::move(text->logprobs, std::back_inserter(last->logprobs));
      wake_->cancel();
      return true;
    }
  }
  events_.push_back(std::move(event));
  wake_->cancel();
  return fits;
}

std::optional<domain::CallEvent> CallStream::take() {
  if (events_.empty()) return std::nullopt;
  domain::CallEvent event = std::move(events_.front());
  events_.pop_front();
  if (const auto* text = std::get_if<domain::Text>(&event)) {
    buffered_bytes_ -= text->text.size();
    buffered_logprob_bytes_ -= logprob_bytes(*text);
  }
  if (const auto* bytes = std::get_if<domain::Bytes>(&event); bytes != nullptr && http_ && hooks_.read) hooks_.read(call_, bytes->data.size());
  if (is_last(event)) delivered_ = true;
  return event;
}

io::Task<CallStream::Woken> CallStream::wait(std::optional<milliseconds> at_most) {
  const std::shared_ptr<io::Timer> wake = wake_;
  if (at_most) {
    wake->expires_after(*at_most);
  } else if (wake->expiry() != io::Timer::time_point::max()) {
    wake->expires_at(io::Timer::time_point::max());
  }
  const auto [error] = co_await wake->async_wait(io::asio::as_tuple(io::use_awaitable));
  const auto cancelled = co_await io::asio::this_coro::cancellation_state;
  if (cancelled.cancelled() != io::asio::cancellation_type::none) co_return Woken::kCancelled;
  co_return error ? Woken::kByEvent : Woken::kByTime;
}

}  // namespace ebb::invoke
