// One connection of a Lambda runtime to our end of the Runtime API: requests in, with bounds, responses out. What comes is a stranger's.
//
// Lives on the worker's loop, one request at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/http.h"
#include "io/beast.h"

namespace ebb::function {

class RuntimeConnection {
 public:
  explicit RuntimeConnection(io::TcpSocket socket);

  // The head of the next request. False: there is none any more, or it is no HTTP (it has been told so).
  io::Task<bool> read_head();
  std::string_view method() const;
  std::string_view target() const;
  std::string header(std::string_view name) const;

  // The next piece of the request's body, valid until the next call; empty: that was all. nullopt: it broke off.
  io::Task<std::optional<std::string_view>> read_piece();
  // All of it. Over `bytes_max` it is read on and dropped, and `too_large` is set.
  struct Body {
    std::string bytes;
    bool whole = false;
    bool too_large = false;
  };
  io::Task<Body> read_body(size_t bytes_max);
  // After the body.
  std::string trailer(std::string_view name) const;

  // Answers the request. False: it could not be written.
  io::Task<bool> respond(int status, std::string body, domain::HttpHeaders headers = {});
  // Whether it can take another request.
  bool goes_on() const { return goes_on_; }
  // Not closed at its other end, as far as can be known without waiting.
  bool is_alive();
  void close();

 private:
  using Parser = io::http::request_parser<io::http::buffer_body>;

  io::TcpSocket socket_;
  io::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  io::http::request<io::http::buffer_body> head_;  // without what came behind the body
  std::string piece_;
  bool broke_off_ = false;  // in the middle of a body
  bool goes_on_ = true;
};

}  // namespace ebb::function
