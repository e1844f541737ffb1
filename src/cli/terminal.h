// A terminal as a whole screen, and input that can be interrupted.
#pragma once

#include <termios.h>

#include <optional>
#include <string>

#include "base/time.h"
#include "cli/interrupt.h"
#include "cli/output.h"

namespace ebb::cli {

// The alternate screen without line wrap and cursor, keys without echo or Enter; everything as it was when this goes.
class FullScreen {
 public:
  FullScreen(int in, Output& out);
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  // Replaces what is on the screen; lines below the last row are left out.
  void draw(const std::string& text);
  // Waits until a key is pressed (then it is returned), the time is over, or an interrupt.
  std::optional<char> wait_key(milliseconds time, const Interrupt& interrupt);

 private:
  int in_;
  Output& out_;
  std::optional<termios> before_;
};

// Reads lines of at most `bytes_max`; knows an interrupt from the end.
class LineReader {
 public:
  enum class End { kLine, kEnd, kInterrupted, kTooLong };

  LineReader(int in, size_t bytes_max, const Interrupt& interrupt) : in_(in), bytes_max_(bytes_max), interrupt_(interrupt) {}
  End next(std::string& line);
  // All that is left, as one text.
  End rest(std::string& text);

 private:
  End fill();

  int in_;
  size_t bytes_max_;
  const Interrupt& interrupt_;
  std::string buffer_;
};

}  // namespace ebb::cli
