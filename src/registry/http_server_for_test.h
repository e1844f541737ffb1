// An HTTP server of a few lines on a free loopback port, in a thread: what it answers is up to the test, byte for byte.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/fd.h"

namespace ebb::registry {

class HttpServerForTest {
 public:
  // Request head → all bytes of the answer; the connection is closed behind them.
  using Answer = std::function<std::string(const std::string& head)>;

  explicit HttpServerForTest(Answer answer) : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EBB_CHECK(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(listener_.get(), 16) == 0);
    EBB_CHECK(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~HttpServerForTest() {
    stopping_ = true;
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::string url(const std::string& path = "/model.gguf") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  std::vector<std::string> heads() const {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

  // A whole answer with its true length.
  static std::string ok(const std::string& body, const std::string& more = "") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more + "\r\n" + body;
  }
  static std::string status(int code, const std::string& more = "") {
    return "HTTP/1.1 " + std::to_string(code) + " X\r\nContent-Length: 0\r\n" + more + "\r\n";
  }

 private:
  void run() {
    while (!stopping_) {
      const Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (peer) serve(peer.get());
    }
  }
  void serve(int peer) {
    std::string head;
    char bytes[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(peer, bytes, sizeof(bytes), 0);
      if (got <= 0) return;
      head.append(bytes, static_cast<size_t>(got));
    }
    {
      const std::lock_guard lock(mutex_);
      heads_.push_back(head);
    }
    const std::string answer = answer_(head);
    for (size_t at = 0; at < answer.size();) {
      const ssize_t put = ::send(peer, answer.data() + at, answer.size() - at, MSG_NOSIGNAL);
      if (put <= 0) return;
      at += static_cast<size_t>(put);
    }
    // So that what was sent arrives before the end.
    ::shutdown(peer, SHUT_WR);
    while (::recv(peer, bytes, sizeof(bytes), 0) > 0) {
    }
  }

  Answer answer_;
  Fd listener_;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> heads_;
  std::thread thread_;
};

}  // namespace ebb::registry
