// ebb-spawner: started by `ebb serve` with its channel as descriptor 3.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>

#include "io/clock.h"
#include "sandbox/spawner.h"

int main(int argc, char** argv) {
  constexpr int kChannelFd = 3;
  if (::fcntl(kChannelFd, F_GETFD) < 0) {
    constexpr char kText[] = "ebb-spawner is started by `ebb serve`, not by hand.\n";
    (void)!::write(STDERR_FILENO, kText, sizeof kText - 1);
    return 2;
  }
  ::fcntl(kChannelFd, F_SETFD, FD_CLOEXEC);
  // When to end is the server's decision: it closes the channel. Workers inherit this, so that a SIGTERM to all of a service's processes
  // lets running calls finish.
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  // A parent that ignores it hands that on through exec, and then no child's end is ever told.
  ::signal(SIGCHLD, SIG_DFL);
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  std::string programs(path.data(), length > 0 ? static_cast<size_t>(length) : 0);
  programs.resize(programs.rfind('/') == std::string::npos ? 0 : programs.rfind('/'));
  const ebb::io::SystemClock clock;
  return ebb::sandbox::Spawner(ebb::Fd(kChannelFd), programs, clock, argc > 1 ? argv[1] : "").run();
}
