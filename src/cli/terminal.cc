// Escape sequences that every terminal of the last decades knows, and poll(2).
#include "cli/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace ebb::cli {

FullScreen::FullScreen(int in, Output& out) : in_(in), out_(out) {
  termios now{};
  if (tcgetattr(in_, &now) == 0) {
    before_ = now;
    now.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO));  // ISIG stays: Ctrl-C is a signal
    tcsetattr(in_, TCSANOW, &now);
  }
  out_.write("\033[?1049h\033[?25l\033[?7l");
}

FullScreen::~FullScreen() {
  out_.write("\033[?7h\033[?25h\033[?1049l");
  if (before_) tcsetattr(in_, TCSANOW, &*before_);
}

void FullScreen::draw(const std::string& text) {
  std::string screen = "\033[H";
  const size_t rows = out_.rows();
  size_t at = 0;
  for (size_t row = 0; row < rows && at < text.size(); ++row) {
    const size_t end = std::min(text.find('\n', at), text.size());
    screen += (row == 0 ? "" : "\r\n") + text.substr(at, end - at) + "\033[K";
    at = end + 1;
  }
  out_.write(screen + "\033[J");
}

std::optional<char> FullScreen::wait_key(milliseconds time, const Interrupt& interrupt) {
  std::array<pollfd, 2> fds{{{.fd = in_, .events = POLLIN, .revents = 0}, {.fd = interrupt.fd(), .events = POLLIN, .revents = 0}}};
  if (poll(fds.data(), fds.size(), static_cast<int>(time.count())) <= 0 || (fds[0].revents & (POLLIN | POLLHUP)) == 0) return std::nullopt;
  char key = 0;
  // At the end of input there will be no key to end with.
  return read(in_, &key, 1) == 1 ? key : 'q';
}

LineReader::End LineReader::fill() {
  std::array<pollfd, 2> fds{{{.fd = in_, .events = POLLIN, .revents = 0}, {.fd = interrupt_.fd(), .events = POLLIN, .revents = 0}}};
  while (true) {
    if (interrupt_.raised()) return End::kInterrupted;
    if (poll(fds.data(), fds.size(), -1) < 0 || fds[0].revents == 0) continue;
    std::array<char, 4096> chunk{};
    const ssize_t got = read(in_, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return End::kEnd;
    buffer_.append(chunk.data(), static_cast<size_t>(got));
    return buffer_.size() > bytes_max_ ? End::kTooLong : End::kLine;
  }
}

LineReader::End LineReader::next(std::string& line) {
  while (true) {
    if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
      line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return End::kLine;
    }
    const End filled = fill();
    if (filled == End::kEnd && !buffer_.empty()) {
      line = std::exchange(buffer_, "");
      return End::kLine;
    }
    if (filled != End::kLine) return filled;
  }
}

LineReader::End LineReader::rest(std::string& text) {
  while (true) {
    const End filled = fill();
    if (filled == End::kEnd) {
      text = std::exchange(buffer_, "");
      return End::kLine;
    }
    if (filled != End::kLine) return filled;
  }
}

}  // namespace ebb::cli
