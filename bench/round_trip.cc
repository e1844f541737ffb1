// round-trip: the time that HTTP requests take on connections that are open already, with as little of a client as can be.
//
// Standard input has a burst a time: a line "PORT PATH" for each request, then an empty line. All of a burst are sent at once, each on a connection of its own,
// and once all are answered with 200 a line with the microseconds from the first byte sent to the last answer is written.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr int kPatienceMs = 30'000;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "round-trip: %s\n", what.c_str());
  std::exit(1);
}

int connect_to(uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("nobody listens on port " + std::to_string(port));
  return made;
}

struct Request {
  int connection = -1;
  std::string text = {};
  std::string answer = {};
};

// Its head is all that is looked at: answers have no body.
bool is_answered(const Request& request) {
  if (request.answer.find("\r\n\r\n") == std::string::npos) return false;
  if (request.answer.rfind("HTTP/1.1 200", 0) != 0) give_up("the answer is " + request.answer);
  return true;
}

void send_all(std::vector<Request>& burst) {
  for (const Request& request : burst)
    if (::write(request.connection, request.text.data(), request.text.size()) != static_cast<ssize_t>(request.text.size())) give_up("cannot send");
  size_t left = burst.size();
  std::vector<pollfd> watched;
  for (const Request& request : burst)
    watched.push_back({.fd = request.connection, .events = POLLIN, .revents = 0});
  while (left > 0) {
    if (::poll(watched.data(), watched.size(), kPatienceMs) < 1) give_up("no answer");
    for (size_t i = 0; i < burst.size(); ++i) {
      if (watched[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t count = ::read(burst[i].connection, buffer, sizeof buffer);
      if (count <= 0) give_up("closed without an answer");
      burst[i].answer.append(buffer, static_cast<size_t>(count));
      if (!is_answered(burst[i])) continue;
      watched[i].fd = -1;
      --left;
    }
  }
}

}  // namespace

int main() {
  std::map<uint16_t, std::vector<int>> connections;
  std::vector<Request> burst;
  std::map<uint16_t, size_t> taken;
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty()) {
      std::istringstream words(line);
      uint16_t port = 0;
      std::string path;
      words >> port >> path;
      std::vector<int>& open = connections[port];
      const size_t number = taken[port]++;
      if (number == open.size()) open.push_back(connect_to(port));
      burst.push_back({.connection = open[number], .text = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"});
      continue;
    }
    const auto begin = std::chrono::steady_clock::now();
    send_all(burst);
    std::printf("%.1f\n", std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    std::fflush(stdout);
    burst.clear();
    taken.clear();
  }
}
