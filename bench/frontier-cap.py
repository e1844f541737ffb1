#!/usr/bin/env python3
"""Cold starts under a limit of memory against the least recently used first, on a trace: TRACE=file

Three limits: 1.2, 1.6 and 2.4 times the most that is at work in any part of the trace without a limit. With the first there is little room beside what works;
with the last most of what is called again within hours fits. Both sides keep all that there is room for, so that the figure is who goes first; what Ebb's own
times give, by which it holds less than it may, is told besides.
"""
from measure import finish
from measure.plans import outcomes, the_trace

LIMITS = {"small": 1.2, "medium": 1.6, "large": 2.4}


def main() -> None:
    trace = the_trace("frontier-cap")
    peak = outcomes(trace, ["recent"])[0]["busy_peak_gib"]
    policies = [f"{policy}@{peak * times:.4g}" for times in LIMITS.values() for policy in ("kept", "ebb", "recent")]
    found = outcomes(trace, policies)
    figures, lines = {}, []
    for number, (name, times) in enumerate(LIMITS.items()):
        kept, auto, recent = found[3 * number:3 * number + 3]
        print(f"{name}: {peak * times:.0f} GiB, {times} of what works at most: ebb {kept['cold_starts']} cold starts, least recently used first "
              f"{recent['cold_starts']}; by its own times ebb has {auto['cold_starts']}, and {auto['idle_gib_hours']:.0f} GiB-hours idle instead of "
              f"{kept['idle_gib_hours']:.0f}")
        figures[f"frontier-cap.{name}"] = ratio = round(kept["cold_starts"] / recent["cold_starts"], 3)
        lines.append(f"frontier-cap.{name}: {ratio:.2f} of the least recently used first (must <= 0.80, stretch <= 0.60)")
    finish("frontier-cap", figures, {"busy_peak_gib": peak, "outcomes": found}, lines)


main()
