// noop-function: the least that a container function can be: a static program that answers every request on $PORT with 200 and no body.
// With an argument it ends at once: what one start of a static program costs.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

constexpr int kConnectionsMax = 64;
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

int listen_on(uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, kConnectionsMax) != 0) std::exit(1);
  return listener;
}

// A benchmark's requests have no body and come in one piece each.
bool answer(int connection) {
  char request[4096];
  return ::read(connection, request, sizeof request) > 0 && ::write(connection, kAnswer.data(), kAnswer.size()) == static_cast<ssize_t>(kAnswer.size());
}

}  // namespace

int main(int argc, char** /*argv*/) {
  if (argc > 1) return 0;
  const char* const port = std::getenv("PORT");
  pollfd watched[1 + kConnectionsMax] = {{.fd = listen_on(static_cast<uint16_t>(port == nullptr ? 8080 : std::atoi(port))), .events = POLLIN, .revents = 0}};
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
