// One call in the worker: its request, the pieces of its body as they come, and its answer on the way out within the window.
//
//   server → Execute, Input…, Credit…, Cancel          the worker feeds them in: feed, credit, cancel
//   invoker → started, take, head, write, trailers, finish | refuse
//
// Whoever ends it first has ended it: later words are dropped, and whoever waits here is woken and told. What the invoker holds for the call (a
// connection) is let go by `on_end`, which runs once, with the end.
//
// Lives on the worker's loop. Shared by the worker's table and by the coroutines that serve the call: whichever is last.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "domain/http.h"
#include "function/server_link.h"
#include "io/asio.h"
#include "wire/worker_call.h"

namespace ebb::function {

// Until the timer is cancelled; whoever waits so is woken by the end of a call at the latest, and that has a deadline.
io::Task<void> pause(io::Timer& timer);

class Call {
 public:
  Call(const io::Executor& executor, ServerLink& server, CallId id, domain::HttpRequest request);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  CallId id() const { return id_; }
  const domain::HttpRequest& request() const { return request_; }
  bool is_started() const { return started_; }
  bool has_head() const { return head_; }
  bool ended() const { return ended_; }
  void set_on_end(std::function<void()> on_end) { on_end_ = std::move(on_end); }

  // For the worker. Error kCorrupt: more of a body than the window, or than was announced.
  Status feed(wire::InputPiece piece);
  void credit(uint64_t bytes);
  void cancel();
  // `late` runs once when `longest` is over and the call is not.
  void set_deadline(milliseconds longest, std::function<void()> late);

  // For the invoker. The next piece of the body; nullopt: the call ended. At most one waits.
  io::Task<std::optional<wire::InputPiece>> next_input();
  // So much of the body is out of our hands; the server hears of it once the call is started.
  void take(size_t bytes);
  // The whole of the body, for those that get it at once. kTooLarge: over `bytes_max`. kCancelled: the call ended.
  // A body that needs more than the window starts the call: the server would wait for ever otherwise.
  io::Task<Result<std::string>> whole_body(size_t bytes_max);
  // The function has it, or may have: never to be tried again.
  void start();
  void head(const domain::HttpHead& head);
  // A piece of the answer's body, of any size. Waits for the window; false: the call ended.
  io::Task<bool> write(std::string_view bytes);
  void trailers(const domain::Trailers& trailers);
  void finish();
  void refuse(const Error& error);
  // A whole answer, within the window.
  io::Task<void> answer(domain::HttpHead whole, std::string body);
  // The same of one that is smaller than a window, before anything else of an answer: it waits for nothing.
  void answer_at_once(const domain::HttpHead& whole, std::string_view body);

 private:
  bool end();

  ServerLink& server_;
  CallId id_;
  domain::HttpRequest request_;
  std::deque<wire::InputPiece> input_;
  size_t input_untaken_ = 0;
  size_t input_taken_unsaid_ = 0;
  bool input_whole_ = false;
  uint64_t window_;
  bool started_ = false;
  bool head_ = false;
  bool ended_ = false;
  std::function<void()> on_end_;
  // Cancelled when there is news.
  io::Timer input_came_;
  io::Timer window_grew_;
  io::Timer deadline_;
};

}  // namespace ebb::function
