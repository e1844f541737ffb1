#!/usr/bin/env python3
"""Cold starts of a running server against those that the plan says for the same calls: TRACE=file, or a day of its own making.

SPEED, MINUTES and ENDPOINTS are those of `ebb plan --validate`. The slice runs three times; the figure is the median of the ratios.
"""
import json
import os
import pathlib
import random
import statistics
import subprocess
import tempfile

from measure import BUILT, Platform, finish

RUNS = 3


def made_day(path: pathlib.Path) -> None:
    """Four hours of twelve endpoints: some called by the clock, some in bursts, some at random, by a fixed seed."""
    choose = random.Random(1)
    lines = []
    for number in range(12):
        at = choose.uniform(0, 600)
        while at < 4 * 3600:
            for _ in range(choose.choice((1, 1, 2, 5)) if number % 3 == 1 else 1):
                service = choose.uniform(0.1, 3)
                lines.append((at + service, f"e{number}", service))
                at += choose.uniform(0.1, 2)
            at += choose.expovariate(1 / (300 + 60 * number)) if number % 3 else 240 + 60 * number
    lines.sort()
    with open(path, "w", encoding="utf-8") as out:
        for ended, name, service in lines:
            stamp = f"2026-03-02T{int(ended // 3600):02}:{int(ended // 60 % 60):02}:{int(ended % 60):02}.{int(ended * 1000 % 1000):03}Z"
            out.write(json.dumps({"endpoint": name, "ended": stamp, "total_ns": int(service * 1e9), "queued_ns": 0, "memory_mib": 64}) + "\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as place, Platform() as server:
        trace = os.environ.get("TRACE")
        if not trace:
            trace = pathlib.Path(place) / "day.jsonl"
            made_day(trace)
        wanted = [f"--speed={os.environ.get('SPEED', 120)}", f"--minutes={os.environ.get('MINUTES', 240)}", f"--endpoints={os.environ.get('ENDPOINTS', 8)}"]
        runs = []
        for _ in range(RUNS):
            done = subprocess.run([BUILT / "ebb", "plan", trace, "--validate", "--json", "--server", server.url, *wanted], stdout=subprocess.PIPE, check=True)
            runs.append(json.loads(done.stdout))
            print(f"{runs[-1]['live_cold_starts']} cold starts, {runs[-1]['planned_cold_starts']} planned, {runs[-1]['calls']} calls, "
                  f"sent at most {runs[-1]['late_most_ns'] / 1e6:.1f} ms late")
    ratio = round(statistics.median(run["ratio"] for run in runs), 3)
    finish("plan-live", {"plan-live": ratio}, {"runs": runs},
           [f"plan-live: {ratio:.2f} of the planned cold starts (must within 0.10, stretch within 0.05)"])


main()
