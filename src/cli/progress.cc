// The line is written over itself with a carriage return.
#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/human.h"

namespace ebb::cli {

namespace {
constexpr size_t kBarColumns = 24;
constexpr nanoseconds kRateNeeds{500'000'000};  // before that a rate is a guess
}  // namespace

std::string render_progress(std::string_view phase, uint64_t done, uint64_t total, nanoseconds since_phase_began, size_t columns) {
  std::string text(phase);
  const auto add = [&](const std::string& part) {
    if (columns_of(text) + 2 + columns_of(part) <= columns) text += "  " + part;
  };
  if (total > 0) {
    const uint64_t shown = std::min(done, total);
    const auto share = static_cast<double>(shown) / static_cast<double>(total);
    const auto full = static_cast<size_t>(share * kBarColumns);
    add(fmt::format("[{}{}]", std::string(full, '#'), std::string(kBarColumns - full, '-')));
    add(fmt::format("{:3.0f} %", share * 100));
    add(fmt::format("{} of {}", human_bytes(shown), human_bytes(total)));
  } else {
    add(human_bytes(done));
  }
  if (since_phase_began < kRateNeeds || done == 0) return text;
  const double rate = static_cast<double>(done) / (static_cast<double>(since_phase_began.count()) / 1e9);
  add(human_bytes(static_cast<uint64_t>(rate)) + "/s");
  if (total <= done) return text;
  const auto left = static_cast<int64_t>(std::ceil(static_cast<double>(total - done) / rate));
  add((left < 60 ? fmt::format("{} s", left) : human_time(seconds(left))) + " left");
  return text;
}

void ProgressBar::update(std::string_view phase, uint64_t done, uint64_t total, MonoTime now) {
  if (!out_.terminal()) return;
  if (phase_ != phase) {
    phase_ = phase;
    phase_began_ = now;
    began_with_ = done;  // of a resumed download: it did not come at this rate
  }
  const uint64_t came = done - std::min(done, began_with_);
  // The rate is of what came now; the bar is of the whole.
  const nanoseconds elapsed = now - phase_began_;
  const double scale = came == 0 ? 0 : static_cast<double>(done) / static_cast<double>(came);
  const nanoseconds as_if_whole{static_cast<int64_t>(static_cast<double>(elapsed.count()) * scale)};
  note(render_progress(phase, done, total, as_if_whole, out_.columns() - 1));
}

void ProgressBar::note(std::string_view text) {
  if (!out_.terminal()) return;
  out_.write("\r" + std::string(text) + "\033[K");
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) out_.write("\r\033[K");
  drawn_ = false;
}

}  // namespace ebb::cli
