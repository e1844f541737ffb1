// Where a command writes: a descriptor with what is known of it (terminal, colour, width). Not thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace ebb::cli {

enum class Style { kPlain, kBold, kDim, kRed, kGreen, kYellow, kCyan };

class Output {
 public:
  enum class Kind { kPipe, kTerminal, kColourTerminal };

  Output(int fd, Kind kind) : fd_(fd), kind_(kind) {}
  // Looks at the descriptor and at NO_COLOR and TERM: colour only on a terminal that knows it.
  static Output of(int fd);

  // Writes at once. A reader that went away (`| head`) is remembered, not an error: commands look at closed() and end.
  void write(std::string_view text);
  void line(std::string_view text);

  bool closed() const { return closed_; }
  bool terminal() const { return kind_ != Kind::kPipe; }
  int fd() const { return fd_; }
  // Columns and rows of the terminal as it is now; 80 × 24 where that cannot be known.
  size_t columns() const;
  size_t rows() const;

  // The text in a style if there is colour, else as it is.
  std::string styled(Style style, std::string_view text) const;

 private:
  int fd_;
  Kind kind_;
  bool closed_ = false;
};

// What a stranger wrote (an answer, a log line), without what would steer a terminal: control characters but tab and newline become
// U+FFFD. Bytes that are no UTF-8 pass: they steer nothing.
std::string printable(std::string_view text);

}  // namespace ebb::cli
