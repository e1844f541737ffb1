// One request and its answer: what a handler works with.
//
// An answer is either whole (`respond`, `fail`) or a stream (`start_stream`, `write`…, `end_stream`). A route that takes its body in pieces may
// read it (`read_piece`) beside that. Every answer gets the request's
// id, the trace and the connection's fate from here, so that no handler can forget them. Lives in the connection's coroutine.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "domain/call.h"
#include "domain/money.h"
#include "domain/principal.h"
#include "domain/priority.h"
#include "gateway/errors.h"
#include "gateway/target.h"
#include "io/beast.h"
#include "wire/trace_context.h"

namespace ebb::gateway {

class Connection;
class KeyedAnswer;
struct Services;

// A piece of a body, at most kBodyPieceBytesMax; the last may be empty.
struct BodyPiece {
  enum class End { kMore, kLast, kBroken, kGone } end = End::kMore;
  std::string data = {};
  Error error = {};  // kBroken: what is wrong with the body
};

struct Request {
  io::http::request<io::http::string_body> message;
  Target target;
  std::vector<std::pair<std::string, std::string>> params;  // from the route's pattern
  std::string id;                                           // ours: "req_…"; the caller's own id is only logged
  wire::TraceContext trace;
  MonoTime arrived{};
  std::optional<milliseconds> deadline;
  std::optional<domain::Priority> priority;
  std::string tenant;  // by its header
  std::optional<domain::Pico> max_cost;
  domain::Principal principal;             // who sends it, and pays
  std::optional<milliseconds> keep_alive;  // a stream shows a sign of life this often, from the beginning

  const std::string& body() const { return message.body(); }
  // The value of a name in the route's pattern.
  const std::string& param(std::string_view name) const;
};

// On whose account the call is, and what it may cost.
inline void pay_by(domain::Call& call, const Request& request) {
  call.tenant = request.principal.tenant;
  call.key = request.principal.key;
  call.max_cost = request.max_cost;
}

class Exchange {
 public:
  Exchange(Connection& connection, Services& services, Request request, Dialect dialect);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Request& request() const { return request_; }
  Dialect dialect() const { return dialect_; }

  io::Task<void> respond(Response response);
  io::Task<void> fail(Error error);
  io::Task<void> refuse(Refusal refusal);

  // Whether pieces of the body are to be read, and the next one. One reader.
  bool has_pieces() const;
  io::Task<BodyPiece> read_piece();
  // No piece is read any more: a read under way ends with kGone. What is left of the body ends the connection after the answer.
  void stop_reading();

  // The head goes out with the first piece. `length`: of the whole, where it is known.
  void start_stream(Response head, std::optional<uint64_t> length = std::nullopt);
  // Pieces that are added go out with the next flush, or the end: who has more at hand writes once. False: the client is gone, and nothing more needs to
  // be written.
  void add(std::string_view piece);
  io::Task<bool> flush();
  size_t unflushed() const { return pending_.size(); }
  io::Task<bool> write(std::string piece);
  io::Task<void> end_stream(const std::vector<std::pair<std::string, std::string>>& trailers = {});
  // Ends the stream, and the connection with it: for errors after the first byte.
  io::Task<void> break_stream();

  // Breaks off without an end, so that the client sees that something is missing.
  io::Task<void> cut();

  // From now on the client's leaving is noticed at once; `left` is called then, once.
  void on_left(std::function<void()> left);
  bool left() const;

  // From now on the answer is kept for repeats of the request (idempotency.h), and the client's leaving is nobody's affair: the handler goes on as if it read.
  // keyed() is null before.
  void record(std::unique_ptr<KeyedAnswer> keyed);
  KeyedAnswer* keyed() { return keyed_.get(); }

  // The connection ends after this answer.
  void close_after() { keep_alive_ = false; }

  // For the connection, while the request is being read, and when the handler is done.
  Request& mutable_request() { return request_; }
  void set_dialect(Dialect dialect) { dialect_ = dialect; }
  void set_protocol(bool http_1_0, bool keep_alive, bool head_only);
  bool started() const { return status_ != 0; }
  bool ended() const { return ended_; }
  bool keep_alive() const;
  int status() const { return status_; }
  const std::string& failure() const { return failure_; }
  void note_failure(std::string message) { failure_ = std::move(message); }
  // What is not valid in a call is told with its caller's words: they are for the caller, and not for the log.
  void note_failure(const Error& error);

  // For the log line of this request.
  void note_call(std::string endpoint, std::string call);
  const std::string& endpoint() const { return endpoint_; }
  const std::string& call() const { return call_; }
  void note_replay(std::string of) { replay_of_ = std::move(of); }
  const std::string& replay_of() const { return replay_of_; }  // the request that was answered first

 private:
  std::string head_of(const Response& response, std::optional<size_t> length) const;

  Connection& connection_;
  Services& services_;
  Request request_;
  Dialect dialect_;
  bool http_1_0_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;
  int status_ = 0;
  bool ended_ = false;
  bool chunked_ = false;
  std::string pending_;
  std::string failure_;
  std::string endpoint_;
  std::string call_;
  std::string replay_of_;
  std::unique_ptr<KeyedAnswer> keyed_;
};

}  // namespace ebb::gateway
