// plan-outcomes: what single policies make of a trace, one after the other, a line of JSON for each: for curves that `ebb plan` does not draw.
//
//   plan-outcomes [--alike] TRACE POLICY…     POLICY is NAME[:NUMBER][@GIB], with a limit of so many GiB
//
//   --alike    all instances take the same memory, whatever the trace says of them: what is held is then a count of instances
//
//   ebb:W      Ebb with a caller's wait worth W times as much (1)
//   kept       Ebb that keeps all that there is room for
//   fixed:S    kept for S seconds
//   knative:S  Knative's autoscaler with a stable window of S seconds (60)
//   recent     the least recently used goes first
#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "plan/fixed.h"
#include "plan/knative.h"
#include "plan/replay.h"
#include "plan/trace.h"

namespace {

using namespace ebb;

struct Asked {
  std::string name;
  double number = 0;
  plan::World world;
};

Asked asked_for(std::string text) {
  Asked asked;
  if (const size_t at = text.find('@'); at != std::string::npos) {
    asked.world.memory_cap_bytes = static_cast<uint64_t>(std::atof(text.c_str() + at + 1) * (1ULL << 30U));
    text.resize(at);
  }
  const size_t colon = text.find(':');
  if (colon != std::string::npos) asked.number = std::atof(text.c_str() + colon + 1);
  asked.name = text.substr(0, colon);
  return asked;
}

plan::Outcome run(plan::Trace& trace, const Asked& asked) {
  const auto number = static_cast<int64_t>(asked.number);
  if (asked.name == "fixed") return plan::fixed_keep(trace, asked.world, seconds(number));
  if (asked.name == "knative") return plan::knative(trace, asked.world, number > 0 ? seconds(number) : plan::kKnativeWindow);
  if (asked.name == "recent") return plan::least_recent(trace, asked.world);
  if (asked.name == "kept")
    return plan::replay(trace, asked.world,
                        {.name = "ebb, kept while there is room", .endpoints = {{"default", {.scaling = {.max = 1'000, .keep = plan::kKeptForEver}}}}});
  return plan::replay(trace, asked.world, {.worth = asked.number > 0 ? asked.number : 1});
}

}  // namespace

int main(int argc, char** argv) {
  const bool alike = argc > 1 && std::string_view(argv[1]) == "--alike";
  const std::vector<std::string> args(argv + (alike ? 2 : 1), argv + argc);
  if (args.size() < 2) {
    std::fputs("plan-outcomes [--alike] TRACE POLICY…\n", stderr);
    return 2;
  }
  Result<plan::Trace> trace = plan::read_trace(args[0]);
  if (!trace) {
    std::fprintf(stderr, "plan-outcomes: %s\n", trace.error().message.c_str());
    return 1;
  }
  for (plan::TraceFunction& function : trace->functions())
    if (alike) function.memory_mib = 0;
  for (size_t i = 1; i < args.size(); ++i) {
    const plan::Outcome outcome = run(*trace, asked_for(args[i]));
    double busy = 0;
    for (const plan::Moment& moment : outcome.over_time)
      busy = std::max(busy, moment.busy_gib);
    const boost::json::object line{{"asked", args[i]},
                                   {"policy", outcome.policy},
                                   {"calls", outcome.calls},
                                   {"cold_starts", outcome.cold},
                                   {"calls_that_waited", outcome.waiting},
                                   {"started_in_vain", outcome.in_vain},
                                   {"waited_s", outcome.waited_s},
                                   {"idle_gib_hours", outcome.idle_gib_min / 60},
                                   {"busy_gib_hours", outcome.busy_gib_min / 60},
                                   {"instance_seconds", outcome.instance_s},
                                   {"peak_gib", outcome.peak_gib},
                                   {"busy_peak_gib", busy}};
    std::printf("%s\n", boost::json::serialize(line).c_str());
    std::fflush(stdout);
  }
}
