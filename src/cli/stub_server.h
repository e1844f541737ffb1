// For tests: an HTTP server on a free port of the loopback, scripted by a function. One connection at a time.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.h"

namespace ebb::cli {

struct StubRequest {
  std::string method;
  std::string path;
  std::string head;  // request line and headers
  std::string body;
};

// The client's end, for answers that come piece by piece.
class StubStream {
 public:
  explicit StubStream(int fd) : fd_(fd) {}
  void send(std::string_view text) const;
  // Returns when the client has closed its end.
  void wait_until_gone() const;

 private:
  int fd_;
};

struct StubReply {
  int status = 200;
  std::string body = "{}";
  std::string headers = {};                                 // each with its \r\n
  std::function<void(const StubStream&)> stream = nullptr;  // instead of a body; the connection closes after it
};

class StubServer {
 public:
  using Script = std::function<StubReply(const StubRequest&)>;
  explicit StubServer(Script script);
  ~StubServer();
  StubServer(const StubServer&) = delete;
  StubServer& operator=(const StubServer&) = delete;

  std::string url() const { return url_; }
  std::vector<StubRequest> requests() const;

 private:
  void serve();
  void serve_connection(int fd);

  Script script_;
  Fd listener_;
  std::string url_;
  mutable std::mutex mutex_;
  std::vector<StubRequest> requests_;
  std::thread thread_;
};

}  // namespace ebb::cli
