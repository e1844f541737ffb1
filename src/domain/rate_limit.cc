// Words, and amounts as people write them.
#include "domain/rate_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace ebb::domain {

namespace {

constexpr std::array<std::pair<std::string_view, nanoseconds>, 4> kTimes{
    {{"second", std::chrono::seconds(1)}, {"minute", std::chrono::minutes(1)}, {"hour", std::chrono::hours(1)}, {"day", std::chrono::hours(24)}}};

Result<int64_t> parse_amount(RateOf of, std::string_view text) {
  if (of == RateOf::kSpending) return parse_money(text);
  int64_t amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc() || end != text.data() + text.size()) return fail(ErrorKind::kInvalid, fmt::format("'{}' is no number", text.substr(0, 60)));
  return amount;
}

}  // namespace

std::string_view to_string(RateOf of) {
  switch (of) {
    case RateOf::kRequests: return "requests";
    case RateOf::kTokens: return "tokens";
    case RateOf::kSpending: return "spending";
    case RateOf::kConcurrency: return "concurrency";
  }
  return "requests";
}

std::optional<RateOf> parse_rate_of(std::string_view word) {
  const auto found = std::ranges::find_if(kRatesOf, [word](RateOf of) { return to_string(of) == word; });
  return found == kRatesOf.end() ? std::nullopt : std::optional(*found);
}

Result<RateAmount> parse_rate(RateOf of, std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const Result<int64_t> amount = parse_amount(of, text.substr(0, slash));
  if (!amount) return fail(amount.error());
  if (*amount < 1)
    return fail(ErrorKind::kInvalid, fmt::format("a limit of {} lets nothing through: revoke the key instead, or set a budget of 0", to_string(of)));
  if (of == RateOf::kConcurrency) {
    if (slash < text.size()) return fail(ErrorKind::kInvalid, "a limit of concurrency is a number of calls at once, such as 8");
    return RateAmount{.amount = *amount};
  }
  const std::string_view word = slash < text.size() ? text.substr(slash + 1) : std::string_view();
  const auto time = std::ranges::find(kTimes, word, &std::pair<std::string_view, nanoseconds>::first);
  if (time == kTimes.end())
    return fail(ErrorKind::kInvalid,
                fmt::format("'{}' is no limit: write an amount and a time, such as 600/minute (second, minute, hour, day)", text.substr(0, 60)));
  return RateAmount{.amount = *amount, .per = time->second};
}

std::string format_rate(const RateLimit& limit) {
  std::string amount = limit.of == RateOf::kSpending ? format_money(limit.amount) : std::to_string(limit.amount);
  if (limit.of == RateOf::kConcurrency) return amount;
  const auto time = std::ranges::find(kTimes, limit.per, &std::pair<std::string_view, nanoseconds>::second);
  return fmt::format("{}/{}", amount, time == kTimes.end() ? fmt::format("{}ns", limit.per.count()) : std::string(time->first));
}

}  // namespace ebb::domain
