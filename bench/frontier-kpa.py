#!/usr/bin/env python3
"""Cold starts of Ebb against Knative's autoscaler with as many instance-seconds, on a trace: TRACE=file

Knative's curve is that of its stable window, from 6 s to an hour, all else by its defaults. The same at equal idle memory is told besides: Ebb decides by
bytes, and Knative knows none.
"""
from measure import finish
from measure.plans import on_curve, outcomes, the_trace

WINDOWS = [6, 15, 30, 60, 120, 300, 600, 1200, 3600]


def main() -> None:
    ebb, *knative = outcomes(the_trace("frontier-kpa"), ["ebb", *(f"knative:{window}" for window in WINDOWS)])
    print(f"ebb: {ebb['cold_starts']} cold starts, {ebb['instance_seconds'] / 3600:.0f} instance-hours, {ebb['idle_gib_hours']:.0f} GiB-hours idle")
    lines, figures = [], {}
    for name, amount, unit, bounds in (("frontier-kpa", "instance_seconds", "as many instance-seconds", "(must <= 0.50, stretch <= 0.25)"),
                                       ("frontier-kpa.memory", "idle_gib_hours", "as much idle memory", "(information only)")):
        equal = on_curve(knative, amount, ebb[amount], "cold_starts")
        if equal is None:
            print(f"no window of Knative's autoscaler has {unit}")
            continue
        print(f"Knative's autoscaler with {unit}: {equal:.0f} cold starts")
        figures[name] = round(ebb["cold_starts"] / equal, 3)
        lines.append(f"{name}: {figures[name]:.2f} of Knative's autoscaler with {unit} {bounds}")
    finish("frontier-kpa", figures, {"ebb": ebb, "knative": knative}, lines)


main()
