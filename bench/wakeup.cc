// One wake-up between two processes on two processors of this machine: half a round trip of one byte over a socket pair, as JSON for bench/first-byte.py.
// Left to the kernel they may share one, where a wake-up is a switch, some ten times as fast.
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace {

// To the first or the last processor that this program may run on.
void stay_on(bool first) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  int chosen = -1;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && !(first && chosen >= 0)) chosen = cpu;
  }
  CPU_ZERO(&allowed);
  CPU_SET(chosen, &allowed);
  ::sched_setaffinity(0, sizeof allowed, &allowed);
}

}  // namespace

int main() {
  constexpr int kRounds = 20'000;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
  const pid_t child = ::fork();
  char byte = 0;
  stay_on(child == 0);
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
