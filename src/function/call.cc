// Windows and ends.
#include "function/call.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "domain/limits.h"

namespace ebb::function {

io::Task<void> pause(io::Timer& timer) {
  // Setting it wakes who waits already.
  constexpr auto kNever = io::Timer::time_point::max();
  if (timer.expiry() != kNever) timer.expires_at(kNever);
  io::ErrorCode woken;
  co_await timer.async_wait(io::asio::redirect_error(io::use_awaitable, woken));
}

Call::Call(const io::Executor& executor, ServerLink& server, CallId id, domain::HttpRequest request)
    : server_(server),
      id_(id),
      request_(std::move(request)),
      input_whole_(!request_.has_body),
      window_(domain::kBodyWindowBytes),
      input_came_(executor),
      window_grew_(executor),
      deadline_(executor) {}

Status Call::feed(wire::InputPiece piece) {
  if (ended_) return {};
  if (input_whole_) return fail(ErrorKind::kCorrupt, "a piece of a body after its last");
  input_untaken_ += piece.data.size();
  if (input_untaken_ > domain::kBodyWindowBytes) return fail(ErrorKind::kCorrupt, "more of a body than the window allows");
  input_whole_ = piece.last;
  input_.push_back(std::move(piece));
  input_came_.cancel();
  return {};
}

void Call::credit(uint64_t bytes) {
  window_ = std::min<uint64_t>(window_ + bytes, domain::kBodyWindowBytes);
  window_grew_.cancel();
}

void Call::set_deadline(milliseconds longest, std::function<void()> late) {
  deadline_.expires_after(longest);
  deadline_.async_wait([late = std::move(late)](io::ErrorCode error) {
    if (!error) late();
  });
}

bool Call::end() {
  if (std::exchange(ended_, true)) return false;
  input_.clear();
  deadline_.cancel();
  input_came_.cancel();
  window_grew_.cancel();
  if (const auto on_end = std::exchange(on_end_, nullptr)) on_end();
  return true;
}

void Call::cancel() {
  if (end()) server_.cancelled(id_);
}

void Call::finish() {
  if (end()) server_.finished(id_);
}

void Call::refuse(const Error& error) {
  if (end()) server_.refused(id_, error);
}

io::Task<std::optional<wire::InputPiece>> Call::next_input() {
  while (input_.empty() && !ended_)
    co_await pause(input_came_);
  if (ended_) co_return std::nullopt;
  std::optional<wire::InputPiece> piece = std::move(input_.front());
  input_.pop_front();
  co_return piece;
}

void Call::take(size_t bytes) {
  if (ended_) return;
  input_untaken_ -= bytes;
  input_taken_unsaid_ += bytes;
  if (!started_ || input_taken_unsaid_ == 0) return;
  server_.taken(id_, std::exchange(input_taken_unsaid_, 0));
}

io::Task<Result<std::string>> Call::whole_body(size_t bytes_max) {
  std::string body;
  bool whole = !request_.has_body;
  while (!whole) {
    std::optional<wire::InputPiece> piece = co_await next_input();
    if (!piece) co_return fail(ErrorKind::kCancelled, "the call ended");
    if (body.size() + piece->data.size() > bytes_max) co_return fail(ErrorKind::kTooLarge, "the body is larger than this function's contract takes");
    body += piece->data;
    whole = piece->last;
    if (body.size() > domain::kBodyWindowBytes / 2) start();
    take(piece->data.size());
  }
  co_return body;
}

void Call::start() {
  if (ended_ || std::exchange(started_, true)) return;
  server_.started(id_);
  if (input_taken_unsaid_ > 0) server_.taken(id_, std::exchange(input_taken_unsaid_, 0));
}

void Call::head(const domain::HttpHead& head) {
  if (ended_ || std::exchange(head_, true)) return;
  start();
  server_.head(id_, head);
}

io::Task<bool> Call::write(std::string_view bytes) {
  while (!bytes.empty()) {
    while (window_ == 0 && !ended_)
      co_await pause(window_grew_);
    if (ended_) co_return false;
    const size_t piece = std::min({bytes.size(), domain::kBodyPieceBytesMax, static_cast<size_t>(window_)});
    window_ -= piece;
    server_.bytes(id_, bytes.substr(0, piece));
    bytes.remove_prefix(piece);
  }
  co_return !ended_;
}

void Call::trailers(const domain::Trailers& trailers) {
  if (!ended_) server_.trailers(id_, trailers);
}

io::Task<void> Call::answer(domain::HttpHead whole, std::string body) {
  head(whole);
  const bool written = co_await write(body);
  if (written) finish();
}

void Call::answer_at_once(const domain::HttpHead& whole, std::string_view body) {
  if (ended_) return;
  EBB_CHECK(!head_ && body.size() <= domain::kBodyPieceBytesMax && body.size() <= window_);
  head(whole);
  window_ -= body.size();
  if (!body.empty()) server_.bytes(id_, body);
  finish();
}

}  // namespace ebb::function
