// One client's connection: reads requests one after the other within limits, and passes each through the stages to its handler.
//
// All that comes passes through one buffer, which one wait for the socket fills: the same wait brings the rest of a request, notices that the client is
// gone while it is answered, and then brings the next request.
//
// Kept alive by its own coroutine, and by that wait: hence shared. Lives on the server's loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/errors.h"
#include "gateway/exchange.h"
#include "gateway/routes.h"
#include "io/asio.h"
#include "io/beast.h"
#include "io/server_stream.h"

namespace ebb::gateway {

struct Services;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(io::TcpSocket socket, std::shared_ptr<Services> services);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Until the client leaves, breaks the rules or idles too long.
  static io::Task<void> run(std::shared_ptr<Connection> self);

  // Cuts it: what runs is told that the client left.
  void close();
  // Ends it after the request that runs; at once if there is none.
  void finish();

  // For the exchange. False: the client is gone, or took nothing for the longest time allowed.
  io::Task<bool> write(std::string bytes);
  bool has_pieces() const { return pieces_ && !pieces_->is_done(); }
  io::Task<BodyPiece> read_piece();
  bool stop_reading();  // false: some of the body is unread
  void watch(std::function<void()> left);
  bool left() const { return left_; }

 private:
  using Parser = io::http::request_parser<io::http::string_body>;
  using PieceParser = io::http::request_parser<io::http::buffer_body>;

  struct Head {
    bool closed = false;             // nothing to answer
    std::optional<Refusal> refusal;  // broken: answered, then closed
    size_t bytes = 0;                // of the head, in buffer_
  };
  io::Task<bool> shake_hands();
  io::Task<Head> read_head();
  io::Task<bool> serve(Head head);
  io::Task<void> serve_request(Exchange& exchange, Parser& parser, std::string& route_pattern);
  io::Task<std::optional<Refusal>> read_body(Parser& parser, bool expects_continue, size_t bytes_max);
  // Parses what is there, or comes until `late`. Error timed_out, buffer_overflow, or of the parser or the socket.
  template <class AnyParser>
  io::Task<io::ErrorCode> parse_some(AnyParser& parser, io::Timer::time_point late);
  io::Task<void> call_handler(const Route& route, Exchange& exchange);
  io::Task<void> linger();

  std::optional<Refusal> judge_head(size_t seen) const;
  Head head_after(size_t seen) const;
  Refusal headers_too_large() const;
  Refusal body_too_large(size_t bytes_max) const;
  std::optional<Refusal> body_problem(const io::ErrorCode& error, const Parser& parser, size_t bytes_max);
  std::optional<Refusal> parse_head(std::string_view raw, Parser& parser) const;
  std::optional<Refusal> apply_stages(Exchange& exchange, const Parser& parser, RouteMatch& match) const;
  std::optional<Refusal> check_names(const io::http::request_header<>& message) const;
  size_t body_bytes_max(const Route* route) const;
  Request new_request();
  void start_pieces(Exchange& exchange, Parser& parser, bool expects_continue);
  BodyPiece piece_after(const io::ErrorCode& error, std::string data);
  void log(const Exchange& exchange, std::string_view route) const;

  // More bytes than there were; false: the stream ended (end_ says how), `late` has come, or nobody wants any.
  io::Task<bool> more(io::Timer::time_point late);
  // Starts the wait for the socket, unless it is under way, the buffer is full, or the stream has ended.
  void listen();
  void take_bytes();
  void wake_reader();

  // From now on until it is set anew: what takes longer ends the connection.
  void end_after(milliseconds time);

  void unwatch();
  void gone();

  io::ServerStream stream_;
  std::shared_ptr<Services> services_;
  io::beast::flat_buffer buffer_;  // what came and was not consumed: pipelined requests too
  bool listening_ = false;
  io::ErrorCode end_ = {};  // of what comes
  bool reader_waits_ = false;
  io::Timer reader_;                   // until late, or woken by what came
  io::Timer deadline_;                 // of a handshake, or a write
  std::optional<PieceParser> pieces_;  // of a body that its handler reads
  bool reading_stopped_ = false;
  bool continue_owed_ = false;
  bool peer_is_local_ = false;
  bool wants_tls_ = false;  // and the client speaks without
  bool serving_ = false;
  bool left_ = false;
  std::function<void()> on_left_;
};

}  // namespace ebb::gateway
