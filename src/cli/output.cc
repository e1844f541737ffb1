// Plain write(2): commands are short, and an answer must appear as it comes.
#include "cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace ebb::cli {

namespace {

std::string_view code_of(Style style) {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kBold: return "\033[1m";
    case Style::kDim: return "\033[2m";
    case Style::kRed: return "\033[31m";
    case Style::kGreen: return "\033[32m";
    case Style::kYellow: return "\033[33m";
    case Style::kCyan: return "\033[36m";
  }
  return "";
}

winsize size_of(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return winsize{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  return size;
}

}  // namespace

Output Output::of(int fd) {
  if (isatty(fd) == 0) return {fd, Kind::kPipe};
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  const bool plain = (no_color != nullptr && *no_color != '\0') || term == nullptr || std::string_view(term) == "dumb" || *term == '\0';
  return {fd, plain ? Kind::kTerminal : Kind::kColourTerminal};
}

void Output::write(std::string_view text) {
  while (!text.empty() && !closed_) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      closed_ = true;
    }
  }
}

void Output::line(std::string_view text) { write(std::string(text) + "\n"); }

size_t Output::columns() const { return size_of(fd_).ws_col; }
size_t Output::rows() const { return size_of(fd_).ws_row; }

std::string Output::styled(Style style, std::string_view text) const {
  if (kind_ != Kind::kColourTerminal || style == Style::kPlain) return std::string(text);
  return std::string(code_of(style)) + std::string(text) + "\033[0m";
}

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
    // C1 controls are C2 80 to C2 9F in UTF-8; some terminals obey them.
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0x80 && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c0 || c1) {
      safe += "\xef\xbf\xbd";
      if (c1) ++i;
    } else {
      safe += text[i];
    }
  }
  return safe;
}

}  // namespace ebb::cli
