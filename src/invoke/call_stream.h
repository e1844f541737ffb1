// The answer of one call on its way from a worker to a front door: a bounded stream of events with one reader.
//
// Lives on the server's loop; no locks. The platform pushes, the front door reads. When the reader is slower than the worker, at
// most kStreamBufferBytesMax of text wait here; past that the stream is cut with kTimeout ("the client reads too slowly") and the
// call is cancelled, so that a worker never waits for a reader. The body of an HTTP answer is another matter: its sender is told what was
// read, and has at most kBodyWindowBytes under way. So has the caller's own body, which goes the other way (send).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "base/ids.h"
#include "domain/call.h"
#include "domain/usage.h"
#include "io/asio.h"

namespace ebb::invoke {

// What is known about a call when its first event arrives; for Server-Timing.
struct Dispatched {
  domain::Tier tier = domain::Tier::kWarm;
  nanoseconds queued{0};  // arrival → dispatch
  nanoseconds start{0};   // the part of it spent on a start or a wake
};

// What a stream asks of the platform.
struct StreamHooks {
  std::function<void(CallId)> left;                                      // once, if the reader goes away before the end
  std::function<void(CallId, std::string piece, bool last)> input = {};  // a piece of the caller's body, at most kBodyPieceBytesMax
  std::function<void(CallId, size_t bytes)> read = {};                   // so much of an HTTP answer's body
};

class CallStream {
 public:
  CallStream(io::Executor executor, CallId call, StreamHooks hooks);
  ~CallStream();  // as leave()
  CallStream(const CallStream&) = delete;
  CallStream& operator=(const CallStream&) = delete;

  CallId call() const { return call_; }

  // For CallStreams, the reader: what waits here now; whether nothing will ever come again; a pause until something may have come, which is
  // that of `other` too once they share it. Adjacent texts of one part that wait are merged into one.
  std::optional<domain::CallEvent> take();
  bool delivered() const { return delivered_; }
  enum class Woken { kByEvent, kByTime, kCancelled };
  io::Task<Woken> wait(std::optional<milliseconds> at_most);
  void share_wake(const CallStream& other) { wake_ = other.wake_; }
  // The client is gone: the call is cancelled, nothing more is delivered.
  void leave();
  // The caller's body, in order, the last piece marked (it may be empty). Waits for the window; false: the call is over, nothing is taken.
  io::Task<bool> send(std::string piece, bool last);

  // Set before the first event is delivered / before the last one; a call that was refused while it waited has no dispatch, and the usage of one that was
  // left, or failed while it ran, comes later, which ends a wait.
  const std::optional<Dispatched>& dispatched() const { return dispatched_; }
  const std::optional<domain::UsageRecord>& usage() const { return usage_; }

  // For the platform. push returns false when the buffer is full: the stream is then cut, and the caller cancels the call.
  bool push(domain::CallEvent event);
  void set_dispatched(Dispatched dispatched) { dispatched_ = dispatched; }
  void set_usage(domain::UsageRecord usage);
  bool ended() const { return ended_; }
  // So much of what was sent was taken.
  void took(size_t bytes);

 private:
  void end();

  io::Executor executor_;
  std::shared_ptr<io::Timer> wake_;  // cancelled when an event comes
  CallId call_;
  StreamHooks hooks_;
  std::deque<domain::CallEvent> events_;
  size_t buffered_bytes_ = 0;          // of text …
  size_t buffered_logprob_bytes_ = 0;  // … and beside it
  bool ended_ = false;                 // the last event was pushed
  bool delivered_ = false;             // … and read
  bool http_ = false;                  // a head came: what Bytes follow are counted back to their sender
  size_t sent_ = 0;                    // of the caller's body, not yet taken
  std::optional<io::Timer> taken_;     // cancelled when some of it is, and at the end; there is one once a body is sent
  std::optional<Dispatched> dispatched_;
  std::optional<domain::UsageRecord> usage_;
};

}  // namespace ebb::invoke
