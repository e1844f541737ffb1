// The stub of the other tests in this folder.
#include "cli/stub_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "base/check.h"

namespace ebb::cli {

namespace {

std::string header_of(const std::string& head, const std::string& name) {
  const size_t at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const size_t from = at + name.size() + 4;
  return head.substr(from, head.find("\r\n", from) - from);
}

}  // namespace

void StubStream::send(std::string_view text) const { [[maybe_unused]] const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }

void StubStream::wait_until_gone() const {
  pollfd gone{.fd = fd_, .events = POLLRDHUP, .revents = 0};
  while (poll(&gone, 1, -1) < 0) {
  }
}

StubServer::StubServer(Script script) : script_(std::move(script)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EBB_CHECK(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  EBB_CHECK(listen(listener_.get(), 16) == 0);
  EBB_CHECK(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  thread_ = std::thread([this] { serve(); });
}

StubServer::~StubServer() {
  shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

std::vector<StubRequest> StubServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void StubServer::serve() {
  // Signals are for the thread that runs the command.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (true) {
    const Fd connection(accept(listener_.get(), nullptr, nullptr));
    if (!connection) return;
    serve_connection(connection.get());
  }
}

void StubServer::serve_connection(int fd) {
  std::string buffer;
  const auto more = [&] {
    std::array<char, 4096> chunk{};
    const ssize_t got = recv(fd, chunk.data(), chunk.size(), 0);
    if (got > 0) buffer.append(chunk.data(), static_cast<size_t>(got));
    return got > 0;
  };
  while (true) {
    size_t end = buffer.find("\r\n\r\n");
    while (end == std::string::npos) {
      if (!more()) return;
      end = buffer.find("\r\n\r\n");
    }
    StubRequest request{.method = buffer.substr(0, buffer.find(' ')), .path = "", .head = buffer.substr(0, end + 2), .body = ""};
    const size_t path = request.method.size() + 1;
    request.path = request.head.substr(path, request.head.find(' ', path) - path);
    const auto length = static_cast<size_t>(std::atoll(header_of(request.head, "Content-Length").c_str()));
    buffer.erase(0, end + 4);
    while (buffer.size() < length) {
      if (!more()) return;
    }
    request.body = buffer.substr(0, length);
    buffer.erase(0, length);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const StubReply reply = script_(request);
    const StubStream stream(fd);
    const std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " Stub\r\n" + reply.headers;
    if (reply.stream) {
      stream.send(head + "Connection: close\r\n\r\n");
      reply.stream(stream);
      return;
    }
    stream.send(head + "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body);
  }
}

}  // namespace ebb::cli
