#!/usr/bin/env python3
"""Cold starts of Ebb against Knative's autoscaler with as many instance-seconds, on a trace: TRACE=file

Knative by its defaults, a stable window of 60 s. It pays by the instance, and so does Ebb here: all instances take the same memory, and what a caller's wait is
worth is set so that it holds as many instance-seconds (its curve over nine settings, a straight line between two, which is above the curve). Told besides: Ebb by
its own setting and by each function's memory, against Knative's curve of windows from 6 s to an hour, with as many instance-seconds and with as much idle memory.
"""
from measure import finish
from measure.plans import on_curve, outcomes, the_trace

WORTHS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3, 1, 3]
WINDOWS = [6, 15, 30, 60, 120, 300, 600, 1200, 3600]
DEFAULT = 60


def main() -> None:
    trace = the_trace("frontier-kpa")
    alike = outcomes(trace, [f"ebb:{worth}" for worth in WORTHS], alike=True)
    ebb, *knative = outcomes(trace, ["ebb", *(f"knative:{window}" for window in WINDOWS)])
    default = knative[WINDOWS.index(DEFAULT)]
    lines, figures = [], {}
    print(f"Knative's autoscaler by its defaults: {default['cold_starts']} cold starts, {default['instance_seconds'] / 3600:.0f} instance-hours")
    equal = on_curve(alike, "instance_seconds", default["instance_seconds"], "cold_starts")
    if equal is None:
        print("ebb: no setting has as many instance-seconds")
    else:
        print(f"ebb with as many, all instances alike: {equal:.0f} cold starts")
        figures["frontier-kpa"] = round(equal / default["cold_starts"], 3)
        lines.append(f"frontier-kpa: {figures['frontier-kpa']:.2f} of Knative's autoscaler with as many instance-seconds (must <= 0.50, stretch <= 0.25)")
    print(f"ebb by itself: {ebb['cold_starts']} cold starts, {ebb['instance_seconds'] / 3600:.0f} instance-hours, {ebb['idle_gib_hours']:.0f} GiB-hours idle")
    for name, amount, unit in (("itself", "instance_seconds", "as many instance-seconds"), ("memory", "idle_gib_hours", "as much idle memory")):
        equal = on_curve(knative, amount, ebb[amount], "cold_starts")
        if equal is None:
            print(f"no window of Knative's autoscaler has {unit}")
            continue
        print(f"Knative's autoscaler with {unit}: {equal:.0f} cold starts")
        figures[f"frontier-kpa.{name}"] = round(ebb["cold_starts"] / equal, 3)
        lines.append(f"frontier-kpa.{name}: {figures[f'frontier-kpa.{name}']:.2f} of Knative's autoscaler with {unit} (information only)")
    finish("frontier-kpa", figures, {"ebb": ebb, "alike": alike, "knative": knative}, lines)


main()
