// What a budget's period will have cost when it is over, by what the hours or days before it cost. Pure.
//
// The rest of the period is taken for n more of the times that were seen: their mean m makes the likely sum, and the range is where four in five sums of n such
// times lie if they are independent and the mean is only known from k of them: n·m ± 1.28·s·√(n + n²/k), s their standard deviation.
#pragma once

#include <optional>
#include <vector>

#include "base/time.h"
#include "domain/budget.h"
#include "domain/money.h"

namespace ebb::domain {

struct Forecast {
  // Of the whole period, what is spent included.
  struct Sum {
    Pico low = 0;
    Pico likely = 0;
    Pico high = 0;
    bool operator==(const Sum&) const = default;
  };
  std::optional<Sum> sum;           // nullopt: the period has no end
  Pico per_hour = 0;                // lately
  std::optional<WallTime> over_at;  // when the amount is spent, at the likely pace; nullopt: not within the period
  bool operator==(const Forecast&) const = default;
};

// How long the times are that such a budget is foretold by, and how many there should be at most.
struct ForecastBasis {
  std::chrono::hours each{1};
  int times = 24;
};
ForecastBasis basis_of(Period period);

// `past`: what each of the times before `now` cost, the newest first; those before the first spending left out. nullopt: there are none.
std::optional<Forecast> forecast(const Budget& budget, const Span& span, WallTime now, Pico spent, const std::vector<Pico>& past);

}  // namespace ebb::domain
