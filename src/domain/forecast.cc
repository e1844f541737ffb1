// In floating point: these are estimates, and are shown as such.
#include "domain/forecast.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace ebb::domain {

namespace {

constexpr double kFourInFive = 1.2816;  // standard deviations on either side of a normal distribution's mean

Pico as_pico(double amount) {
  constexpr auto kMost = static_cast<double>(std::numeric_limits<Pico>::max());
  if (amount >= kMost) return std::numeric_limits<Pico>::max();
  return amount <= 0 ? 0 : static_cast<Pico>(amount);
}

struct Past {
  double mean = 0;
  double deviation = 0;
  double count = 0;
};

Past past_of(const std::vector<Pico>& sums) {
  Past past{.count = static_cast<double>(sums.size())};
  past.mean = std::accumulate(sums.begin(), sums.end(), 0.0, [](double sum, Pico one) { return sum + static_cast<double>(one); }) / past.count;
  double squares = 0;
  for (const Pico sum : sums)
    squares += (static_cast<double>(sum) - past.mean) * (static_cast<double>(sum) - past.mean);
  // One time says nothing of how they differ: as much as it was itself.
  past.deviation = sums.size() == 1 ? past.mean : std::sqrt(squares / (past.count - 1));
  return past;
}

}  // namespace

ForecastBasis basis_of(Period period) {
  const bool short_one = period == Period::kHour || period == Period::kDay;
  return short_one ? ForecastBasis{.each = std::chrono::hours(1), .times = 24} : ForecastBasis{.each = std::chrono::hours(24), .times = 28};
}

std::optional<Forecast> forecast(const Budget& budget, const Span& span, WallTime now, Pico spent, const std::vector<Pico>& sums) {
  if (sums.empty()) return std::nullopt;
  const Past past = past_of(sums);
  const std::chrono::hours each = basis_of(budget.period).each;
  Forecast told{.per_hour = as_pico(past.mean / static_cast<double>(each.count()))};
  const auto has = static_cast<double>(spent);
  if (span.to != WallTime::max()) {
    const double rest = std::max(std::chrono::duration<double, std::ratio<3600>>(span.to - now).count(), 0.0) / static_cast<double>(each.count());
    const double likely = rest * past.mean;
    const double margin = kFourInFive * past.deviation * std::sqrt(rest + rest * rest / past.count);
    told.sum = {.low = as_pico(has + std::max(likely - margin, 0.0)), .likely = as_pico(has + likely), .high = as_pico(has + likely + margin)};
  }
  const double left = static_cast<double>(budget.amount) - has;
  if (left <= 0) {
    told.over_at = now;
  } else if (past.mean > 0) {
    constexpr double kFarHours = 24.0 * 366 * 100;
    const double hours = left / past.mean * static_cast<double>(each.count());
    const WallTime at = now + std::chrono::floor<milliseconds>(std::chrono::duration<double, std::ratio<3600>>(std::min(hours, kFarHours)));
    if (at < span.to && hours < kFarHours) told.over_at = at;
  }
  return told;
}

}  // namespace ebb::domain
