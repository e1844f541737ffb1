// One pass to choose, one to take.
#include "plan/slice.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

namespace ebb::plan {

namespace {

struct Seen {
  uint64_t calls = 0;
  uint64_t silences = 0;
  nanoseconds last{nanoseconds::min()};
};

nanoseconds faster(nanoseconds time, double speed) { return nanoseconds(static_cast<int64_t>(static_cast<double>(time.count()) / speed)); }

// Indexes of the trace's functions, in the order of the trace.
std::vector<size_t> choose(Trace& trace, const SliceWanted& wanted) {
  std::vector<Seen> seen(trace.functions().size());
  trace.rewind();
  for (std::optional<TraceCall> call = trace.next(); call && call->at < wanted.length; call = trace.next()) {
    Seen& own = seen[call->function];
    ++own.calls;
    own.silences += own.last == nanoseconds::min() || call->at - own.last >= kSliceSilence ? 1 : 0;
    own.last = call->at;
  }
  const double calls_max = kSliceCallsPerSecondMax * std::chrono::duration<double>(wanted.length).count() / wanted.speed;
  std::vector<size_t> chosen(seen.size());
  std::iota(chosen.begin(), chosen.end(), size_t{0});
  std::erase_if(chosen, [&](size_t i) { return seen[i].calls == 0 || static_cast<double>(seen[i].calls) > calls_max; });
  // Of two that are alike the first.
  std::ranges::sort(chosen, std::greater{}, [&](size_t i) { return std::tuple(seen[i].silences, seen[i].calls, seen.size() - i); });
  chosen.resize(std::min(chosen.size(), wanted.endpoints));
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace

Result<std::vector<Trace>> slice_of(Trace& trace, const World& world, const SliceWanted& wanted) {
  const std::vector<size_t> chosen = choose(trace, wanted);
  if (chosen.empty())
    return fail(ErrorKind::kInvalid,
                fmt::format("no endpoint of the trace is called at all, and at most {:.0f} times a second, in that part: take more minutes, or "
                            "a lower speed",
                            kSliceCallsPerSecondMax));
  std::vector<std::vector<TraceCall>> calls(chosen.size());
  trace.rewind();
  for (std::optional<TraceCall> call = trace.next(); call && call->at < wanted.length; call = trace.next()) {
    const auto at = std::ranges::lower_bound(chosen, call->function);
    if (at == chosen.end() || *at != call->function) continue;
    const nanoseconds service = std::max<nanoseconds>(std::chrono::round<milliseconds>(faster(service_of(world, *call), wanted.speed)), milliseconds(1));
    calls[static_cast<size_t>(at - chosen.begin())].push_back({.at = faster(call->at, wanted.speed), .service = service});
  }
  std::vector<Trace> slice;
  for (size_t i = 0; i < chosen.size(); ++i)
    slice.emplace_back(trace.layout(), std::vector{trace.functions()[chosen[i]]}, std::move(calls[i]),
                       TraceSpan{.begin = trace.begin(), .length = faster(wanted.length, wanted.speed)});
  return slice;
}

uint64_t starts_waited_for(std::vector<domain::UsageRecord> records) {
  const auto arrived = [](const domain::UsageRecord& record) { return record.ended.time_since_epoch() - record.total; };
  std::erase_if(records, [](const domain::UsageRecord& record) { return record.tier != domain::Tier::kCold; });
  std::ranges::sort(records, {}, arrived);
  uint64_t starts = 0;
  nanoseconds ready = nanoseconds::min();
  for (const domain::UsageRecord& record : records) {
    starts += arrived(record) >= ready ? 1 : 0;
    ready = std::max<nanoseconds>(ready, arrived(record) + record.queued);
  }
  return starts;
}

}  // namespace ebb::plan
