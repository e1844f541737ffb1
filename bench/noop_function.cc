// noop-function: the least that a container function can be: a static program that answers every request on $PORT with 200 and no body.
// With $FORWARD it passes requests on to another one there, and its answers back: the least that a proxy can be.
// With an argument it ends at once: what one start of a static program costs.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

constexpr int kConnectionsMax = 64;
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

int forward_to = -1;

sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int listen_on(const char* port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in address = loopback(port);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, kConnectionsMax) != 0) std::exit(1);
  return listener;
}

int connect_to(const char* port) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const sockaddr_in address = loopback(port);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::exit(1);
  return made;
}

// A benchmark's requests have no body and come in one piece each, as do the answers.
bool answer(int connection) {
  char text[4096];
  ssize_t count = ::read(connection, text, sizeof text);
  if (count <= 0) return false;
  std::string_view sent = kAnswer;
  if (forward_to >= 0) {
    if (::write(forward_to, text, static_cast<size_t>(count)) != count || (count = ::read(forward_to, text, sizeof text)) <= 0) return false;
    sent = {text, static_cast<size_t>(count)};
  }
  return ::write(connection, sent.data(), sent.size()) == static_cast<ssize_t>(sent.size());
}

}  // namespace

int main(int argc, char** /*argv*/) {
  if (argc > 1) return 0;
  const char* const port = std::getenv("PORT");
  if (const char* const other = std::getenv("FORWARD")) forward_to = connect_to(other);
  pollfd watched[1 + kConnectionsMax] = {{.fd = listen_on(port == nullptr ? "8080" : port), .events = POLLIN, .revents = 0}};
  nfds_t count = 1;
  while (::poll(watched, count, -1) > 0) {
    for (nfds_t i = count; i-- > 1;) {
      if (watched[i].revents == 0 || answer(watched[i].fd)) continue;
      ::close(watched[i].fd);
      watched[i] = watched[--count];
    }
    if (watched[0].revents != 0 && count <= kConnectionsMax)
      watched[count++] = {.fd = ::accept(watched[0].fd, nullptr, nullptr), .events = POLLIN, .revents = 0};
  }
}
