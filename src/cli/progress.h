// A progress bar: phase, share, rate, time left.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cli/output.h"

namespace ebb::cli {

// "download  [########------------]  40 %  39.3 MiB of 93.8 MiB  12.0 MiB/s  4 s left", at most `columns` wide; parts are left out from
// the right where there is no room. An unknown total (0) leaves bar, share and time left out. Pure.
std::string render_progress(std::string_view phase, uint64_t done, uint64_t total, nanoseconds since_phase_began, size_t columns);

// Redraws one line of a terminal; on anything else it is silent.
class ProgressBar {
 public:
  explicit ProgressBar(Output& out) : out_(out) {}
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(std::string_view phase, uint64_t done, uint64_t total, MonoTime now);
  // A line without a bar, such as "waking chat: 1.2 s".
  void note(std::string_view text);
  // Takes the line away.
  void clear();

 private:
  Output& out_;
  std::string phase_;
  MonoTime phase_began_{};
  uint64_t began_with_ = 0;
  bool drawn_ = false;
};

}  // namespace ebb::cli
