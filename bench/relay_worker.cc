// relay-worker: put in place of ebb-worker-echo, starts the real one beside it (ebb-worker-echo.real) and passes on all that goes between server and worker,
// descriptors too. Notes when each call was sent to the worker and when the worker said that it was over, by a clock that nobody sets or slews, for
// bench/meter.py: lines of a call, + or -, and nanoseconds, in the file calls-PID beside it.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "domain/limits.h"
#include "io/fd_passing.h"
#include "wire/frame.h"

namespace {

using ebb::Fd;
using ebb::wire::FrameType;

constexpr int kServer = 3;

std::filesystem::path folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// The worker's channel is its descriptor 3, as the spawner would have made it. It ends with us.
Fd start_real() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
  const std::string program = folder() / "ebb-worker-echo.real";
  const pid_t parent = ::getpid();
  if (::fork() == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent || ::dup2(ends[1], kServer) != kServer) ::_exit(127);
    char* const arguments[] = {const_cast<char*>(program.c_str()), nullptr};
    ::execv(program.c_str(), arguments);
    ::_exit(127);
  }
  ::close(ends[1]);
  return Fd(ends[0]);
}

// One way: what comes from one end goes to the other, and the frames that matter are noted before that.
class Way {
 public:
  Way(int from, int to, std::vector<FrameType> noted, char sign)
      : from_(from), to_(to), reader_(ebb::domain::kWorkerFrameBytesMax), noted_(std::move(noted)), sign_(sign) {}

  // False: an end is gone.
  bool pass(std::FILE* notes) {
    char buffer[64 * 1024];
    std::vector<Fd> came;
    const ssize_t count = ebb::io::receive_some_with_fds(from_, buffer, came);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    const int64_t at = now_ns();
    const std::string_view bytes(buffer, static_cast<size_t>(count));
    reader_.feed(bytes);
    for (auto frame = reader_.next(); frame && frame->has_value(); frame = reader_.next()) {
      for (const FrameType type : noted_)
        if ((*frame)->type == type) fmt::print(notes, "{} {} {}\n", ebb::to_hex((*frame)->stream), sign_, at);
    }
    std::fflush(notes);
    return send(bytes, came.empty() ? -1 : came.front().get());
  }

 private:
  bool send(std::string_view bytes, int attachment) const {
    while (!bytes.empty()) {
      const ssize_t sent = attachment >= 0 ? ebb::io::send_some_with_fd(to_, bytes, attachment) : ::send(to_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) {
        pollfd room{.fd = to_, .events = POLLOUT, .revents = 0};
        (void)::poll(&room, 1, -1);
      } else if (sent < 0 && errno != EINTR) {
        return false;
      } else if (sent > 0) {
        attachment = -1;  // it went with the first byte
        bytes.remove_prefix(static_cast<size_t>(sent));
      }
    }
    return true;
  }

  int from_;
  int to_;
  ebb::wire::FrameReader reader_;
  std::vector<FrameType> noted_;
  char sign_;
};

}  // namespace

int main() {
  const Fd worker = start_real();
  std::FILE* const notes = std::fopen((folder() / fmt::format("calls-{}", ::getpid())).c_str(), "we");
  if (!worker || notes == nullptr) return 1;
  Way out(kServer, worker.get(), {FrameType::kExecute}, '+');
  Way back(worker.get(), kServer, {FrameType::kFinished, FrameType::kRefused}, '-');
  for (;;) {
    pollfd ends[] = {{.fd = kServer, .events = POLLIN, .revents = 0}, {.fd = worker.get(), .events = POLLIN, .revents = 0}};
    if (::poll(ends, 2, -1) < 0) continue;
    if (ends[0].revents != 0 && !out.pass(notes)) return 0;
    if (ends[1].revents != 0 && !back.pass(notes)) return 0;
  }
}
