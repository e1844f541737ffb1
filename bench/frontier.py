#!/usr/bin/env python3
"""Cold starts of Ebb against the fixed time of keeping that holds as much idle memory, on a trace: TRACE=file"""
from measure import finish
from measure.plans import plan, the_trace


def main() -> None:
    report = plan(the_trace("frontier"))
    figures, lines = {}, []
    for one in report["ebb"]:
        idle, cold, equal = one["idle_gib_hours"], one["cold_starts"], one["fixed_cold_starts_at_equal_idle"]
        if equal is None:
            print(f"{one['policy']}: {cold} cold starts, {idle:.0f} GiB-hours idle: no fixed time holds as much")
            continue
        print(f"{one['policy']}: {cold} cold starts, {idle:.0f} GiB-hours idle; a fixed time with as much: {equal:.0f}")
        name = "frontier" if one["policy"] == "ebb" else "frontier." + one["policy"].replace("ebb, waits worth ", "").replace(" ", "-")
        figures[name] = round(cold / equal, 3)
        bounds = "(must <= 0.70, stretch <= 0.45)" if name == "frontier" else "(information only)"
        lines.append(f"{name}: {figures[name]:.2f} of a fixed time with as much idle memory {bounds}")
    finish("frontier", figures, report, lines)


main()
