// concurrent-calls: chats with the echo engine that all run at once, with as little of a client as can be; for bench/slots.py.
//
//   concurrent-calls PORT COUNT HOLD_MS
//
// COUNT connections are opened. Standard input has a burst a line: names of endpoints. Then each connection sends a chat of one token to one of them, in
// turn, which tells the engine to answer after HOLD_MS. Once all are answered rightly, a line with two numbers is written: milliseconds from the first
// byte sent to the last answer, and until the last call ran: at the latest when its answer came, less what Server-Timing says it ran for.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kPatienceMs = 60'000;
constexpr size_t kEventsMax = 256;

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "concurrent-calls: %s\n", what.c_str());
  std::exit(1);
}

double ms_since(Clock::time_point begin) { return std::chrono::duration<double, std::milli>(Clock::now() - begin).count(); }

int connect_to(const char* port) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("no connection to port " + std::string(port));
  return made;
}

std::string request_to(const std::string& endpoint, const char* hold_ms) {
  const std::string body = R"({"model":")" + endpoint + R"(","max_tokens":1,"messages":[{"role":"system","content":"delay_ms=)" + hold_ms +
                           R"("},{"role":"user","content":"hello"}]})";
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

// The number after a name in the head; -1: it is not there.
double number_after(const std::string& answer, const char* name) {
  const size_t at = answer.find(name);
  return at == std::string::npos ? -1 : std::atof(answer.c_str() + at + std::string_view(name).size());
}

bool is_whole(const std::string& answer) {
  const size_t head = answer.find("\r\n\r\n");
  if (head == std::string::npos) return false;
  const double length = number_after(answer, "Content-Length: ");
  if (answer.rfind("HTTP/1.1 200", 0) != 0 || length < 0) give_up("the answer is " + answer);
  return answer.size() - head - 4 >= static_cast<size_t>(length);
}

// How long the call ran, in milliseconds.
double ran_for(const std::string& answer) {
  const double prompt = number_after(answer, "prompt;dur=");
  const double generate = number_after(answer, "generate;dur=");
  if (prompt < 0 || generate < 0 || answer.find(R"("hello")") == std::string::npos) give_up("the answer is " + answer);
  return prompt + generate;
}

class Burst {
 public:
  Burst(const char* port, int count) : poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (int i = 0; i < count; ++i) {
      connections_.push_back(connect_to(port));
      epoll_event event{.events = EPOLLIN, .data = {.u32 = static_cast<uint32_t>(i)}};
      if (::epoll_ctl(poll_, EPOLL_CTL_ADD, connections_.back(), &event) != 0) give_up("epoll_ctl failed");
    }
  }

  void run(const std::vector<std::string>& requests) {
    answers_.assign(connections_.size(), {});
    left_ = connections_.size();
    last_begun_ms_ = 0;
    begin_ = Clock::now();
    for (size_t i = 0; i < connections_.size(); ++i) {
      const std::string& request = requests[i % requests.size()];
      if (::write(connections_[i], request.data(), request.size()) != static_cast<ssize_t>(request.size())) give_up("cannot send");
    }
    while (left_ > 0)
      wait();
    std::printf("%.3f %.3f\n", last_answer_ms_, last_begun_ms_);
    std::fflush(stdout);
  }

 private:
  void wait() {
    std::array<epoll_event, kEventsMax> events;
    const int count = ::epoll_wait(poll_, events.data(), kEventsMax, kPatienceMs);
    if (count < 1) give_up(std::to_string(left_) + " calls have no answer");
    for (int i = 0; i < count; ++i)
      take(events[static_cast<size_t>(i)].data.u32);
  }

  void take(uint32_t number) {
    std::array<char, 4096> buffer;
    const ssize_t count = ::read(connections_[number], buffer.data(), buffer.size());
    if (count <= 0) give_up("closed without an answer");
    std::string& answer = answers_[number];
    answer.append(buffer.data(), static_cast<size_t>(count));
    if (!is_whole(answer)) return;
    last_answer_ms_ = ms_since(begin_);
    last_begun_ms_ = std::max(last_begun_ms_, last_answer_ms_ - ran_for(answer));
    --left_;
  }

  int poll_;
  std::vector<int> connections_;
  std::vector<std::string> answers_;
  size_t left_ = 0;
  Clock::time_point begin_{};
  double last_answer_ms_ = 0;
  double last_begun_ms_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("concurrent-calls PORT COUNT HOLD_MS\n", stderr);
    return 2;
  }
  Burst burst(argv[1], std::atoi(argv[2]));
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::vector<std::string> requests;
    for (std::string endpoint; words >> endpoint;)
      requests.push_back(request_to(endpoint, argv[3]));
    if (requests.empty()) give_up("a line without an endpoint");
    burst.run(requests);
  }
}
