// One wake-up between two processes on this machine: half a round trip of one byte over a socket pair, as JSON for bench/first-byte.py.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

int main() {
  constexpr int kRounds = 20'000;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
  const pid_t child = ::fork();
  char byte = 0;
  if (child == 0) {
    ::close(ends[0]);
    while (::read(ends[1], &byte, 1) == 1) {
      if (::write(ends[1], &byte, 1) != 1) break;
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  std::vector<double> halves;
  for (int i = 0; i < kRounds; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    if (::write(ends[0], &byte, 1) != 1 || ::read(ends[0], &byte, 1) != 1) return 1;
    halves.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun).count() / 2);
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  std::nth_element(halves.begin(), halves.begin() + kRounds / 2, halves.end());
  std::printf("{\"wakeup_us\": %.3f}\n", halves[kRounds / 2]);
  return 0;
}
