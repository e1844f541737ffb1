// One connection to a function's port, as a client that trusts nothing that comes back: HTTP/1.1, parsed by Beast, with bounds.
//
// Errors carry a code: function_closed (the connection ended before an answer began), function_broke_off (in the middle of one),
// function_bad_answer (what came is no HTTP, or breaks a bound of its head), answer_too_large.
// Lives on the worker's loop; one reader and one writer at a time. close() ends what waits.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "domain/http.h"
#include "io/beast.h"

namespace ebb::function {

class HttpConnection {
 public:
  HttpConnection(const io::Executor& executor, Fd socket);

  // Nothing came unasked and it was not closed: as far as can be known, it may be used again.
  bool is_quiet();
  bool is_open() const { return socket_.is_open(); }
  void close();

  // All of the parts, in order. False: the other end takes no more.
  io::Task<bool> write(std::array<std::string_view, 3> parts);

  // The head of the answer, without those that come before it (1xx); headers as they came. `bodiless`: the request was HEAD.
  io::Task<Result<domain::HttpHead>> read_head(bool bodiless, uint64_t body_max);
  // The next piece of its body, as it comes; valid until the next call. Empty: that was all.
  io::Task<Result<std::string_view>> read_piece();
  // After the body: what came behind it.
  domain::HttpHeaders trailers() const;
  // After the body: whether another request may follow.
  bool is_reusable() const;

 private:
  using Parser = io::http::response_parser<io::http::buffer_body>;

  io::TcpSocket socket_;
  io::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  io::ErrorCode broke_off_;  // in the middle of a body
  std::string piece_;
};

}  // namespace ebb::function
