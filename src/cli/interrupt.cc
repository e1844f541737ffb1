// A flag for loops and a pipe for polls.
#include "cli/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/check.h"

namespace ebb::cli {

namespace {

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t raised_flag = 0;
std::array<int, 2> wake_pipe{-1, -1};
std::array<struct sigaction, 3> saved{};
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

constexpr std::array kSignals{SIGINT, SIGTERM, SIGPIPE};

void on_signal(int) {
  const int saved_errno = errno;
  raised_flag = 1;
  // A full pipe is readable already.
  [[maybe_unused]] const ssize_t written = write(wake_pipe[1], "x", 1);
  errno = saved_errno;
}

}  // namespace

Interrupt::Interrupt() {
  EBB_CHECK(wake_pipe[0] < 0);
  EBB_CHECK(pipe2(wake_pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  raised_flag = 0;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction action {};
    // No SA_RESTART: a read at the prompt must end.
    if (kSignals[i] == SIGPIPE) {
      action.sa_handler = SIG_IGN;  // NOLINT
    } else {
      action.sa_handler = on_signal;
    }
    sigaction(kSignals[i], &action, &saved[i]);
  }
}

Interrupt::~Interrupt() {
  for (size_t i = 0; i < kSignals.size(); ++i)
    sigaction(kSignals[i], &saved[i], nullptr);
  for (int& fd : wake_pipe) {
    close(fd);
    fd = -1;
  }
}

bool Interrupt::raised() const { return raised_flag != 0; }
int Interrupt::fd() const { return wake_pipe[0]; }

void Interrupt::clear() {
  raised_flag = 0;
  std::array<char, 64> drop{};
  while (read(wake_pipe[0], drop.data(), drop.size()) > 0) {
  }
}

void Interrupt::raise() { on_signal(SIGINT); }

}  // namespace ebb::cli
