// Units by size, so that nobody has to count digits.
#include "control/fact.h"

#include <fmt/format.h>

#include <cmath>

namespace ebb::control {

namespace {

struct InWords {
  std::string operator()(int64_t count) const { return fmt::format("{}", count); }
  std::string operator()(nanoseconds time) const { return words(time); }
  std::string operator()(Bytes bytes) const { return fmt::format("{} MiB", bytes.bytes >> 20U); }
  std::string operator()(Of of) const { return fmt::format("{} of {}", of.part, of.whole); }
  std::string operator()(Change change) const { return fmt::format("{} to {}", change.from, change.to); }
  std::string operator()(Money money) const { return domain::format_money(money.pico); }
  std::string operator()(Chance chance) const { return fmt::format("{:.0f} %", chance.value * 100); }
  std::string operator()(const Text& text) const { return std::string(text.view()); }
};

}  // namespace

std::string words(nanoseconds time) {
  const double s = std::chrono::duration<double>(time).count();
  if (std::abs(s) < 10) return fmt::format("{} ms", std::chrono::round<milliseconds>(time).count());
  if (s < 180) return fmt::format("{:.1f} s", s);
  if (s < 3 * 3600) return fmt::format("{:.0f} min", s / 60);
  if (s < 3.0 * 86'400) return fmt::format("{:.1f} h", s / 3600);
  return fmt::format("{:.1f} days", s / 86'400);
}

std::string words(const Fact& fact) { return std::visit(InWords{}, fact); }

}  // namespace ebb::control
