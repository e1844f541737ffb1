"""Cold starts of every policy over what it holds, on each of TRACES="file …", by bench/plan_outcomes.cc; nothing of it is timed

Ebb by the worth of a wait, fixed times, Knative's autoscaler by its stable window, and, under limits of memory, the least recently used first and Ebb that keeps
all that there is room for. Limits are multiples of the most that works at once.
"""
import os
import pathlib
import sys

from measure import finish
from measure.plans import outcomes

WORTHS = (0.1, 0.3, 1, 3, 10)
KEPT_S = (60, 120, 180, 300, 420, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 14400)
WINDOWS_S = (6, 15, 30, 60, 120, 300, 600, 1200, 3600)
LIMITS = (1.2, 1.6, 2.4)


def curves(trace: str) -> dict[str, list[dict]]:
    peak = outcomes(trace, ["recent"])[0]["busy_peak_gib"]
    asked = {"ebb": [f"ebb:{worth}" for worth in WORTHS], "fixed": [f"fixed:{kept}" for kept in KEPT_S],
             "knative": [f"knative:{window}" for window in WINDOWS_S],
             "kept": [f"kept@{peak * times:.4g}" for times in LIMITS], "recent": [f"recent@{peak * times:.4g}" for times in LIMITS]}
    found = {one["asked"]: one for one in outcomes(trace, [policy for policies in asked.values() for policy in policies])}
    return {name: [found[policy] for policy in policies] for name, policies in asked.items()}


def measure() -> None:
    traces = os.environ.get("TRACES", "").split()
    if not traces:
        sys.exit('bench: name the traces: TRACES="file …" make bench-plots NAME=policies')
    raw = {"traces": [{"name": pathlib.Path(trace).stem, "curves": curves(trace)} for trace in traces]}
    finish("policies", {}, raw, [])
