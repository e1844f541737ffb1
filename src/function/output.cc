// One pipe, read when it has something.
#include "function/output.h"

#include <unistd.h>

#include <cerrno>

#include "domain/limits.h"

namespace ebb::function {

namespace {

constexpr size_t kReadBytes = 16 * 1024;

}  // namespace

Output::Output(const io::Executor& executor, ServerLink& server, const io::Clock& clock) : descriptor_(executor), server_(server), clock_(clock) {}

void Output::watch(Fd output) {
  if (!output) return;
  descriptor_.assign(output.release());
  wait();
}

void Output::wait() {
  descriptor_.async_wait(io::asio::posix::descriptor_base::wait_read, [this](io::ErrorCode error) {
    if (!error && read_some()) wait();
  });
}

void Output::drain() { (void)read_some(); }

void Output::end() {
  drain();
  for (const std::string& line : lines_.end())
    server_.log(line);
}

// False: nothing will come any more. At most so much at once, so that a flood of it does not hold up the calls.
bool Output::read_some() {
  if (!descriptor_.is_open()) return false;
  char buffer[kReadBytes];
  for (size_t read = 0; read < domain::kFunctionLastWordsBytesMax;) {
    const ssize_t count = ::read(descriptor_.native_handle(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (count <= 0) return false;
    read += static_cast<size_t>(count);
    for (const std::string& line : lines_.feed({buffer, static_cast<size_t>(count)}, clock_.mono()))
      server_.log(line);
  }
  return true;
}

}  // namespace ebb::function
