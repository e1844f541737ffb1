#!/usr/bin/env python3
"""Events a second of the simulation with all its checks, against a bare loop over a priority queue

Both on one thread and by CPU time, so that a busy machine takes from neither; runs alternate. An event of the simulation is one that the core is told: the
decision, what the workers do about it, every check after it and the hash are in its time. The bare loop takes one event out and puts one in.
"""
import json
import os
import re
import statistics
import subprocess

from measure import BUILT, finish

RUNS, SEEDS, BARE_EVENTS = int(os.environ.get("RUNS", "7")), 100, 5_000_000


def simulated() -> float:
    process = subprocess.Popen([BUILT / "ebb-sim", "--seeds", f"1:{SEEDS}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, said
    return int(re.search(r"(\d+) events,", said)[1]) / (usage.ru_utime + usage.ru_stime)


def bare() -> float:
    told = json.loads(subprocess.run([BUILT / "bare-queue", str(BARE_EVENTS)], stdout=subprocess.PIPE, check=True).stdout)
    return told["events"] / told["cpu_s"]


def main() -> None:
    pairs = [(simulated(), bare()) for _ in range(RUNS)]
    ours, theirs = zip(*pairs)
    ratio = statistics.median(ours) / statistics.median(theirs)
    finish("sim-speed", {"sim-speed": round(ratio, 4)}, {"simulated_per_cpu_s": ours, "bare_per_cpu_s": theirs}, [
        f"a bare priority queue: {statistics.median(theirs):,.0f} events a second; {RUNS} runs of {BARE_EVENTS:,}",
        f"the simulation with all its checks: {statistics.median(ours):,.0f} events a second; {RUNS} runs of {SEEDS} worlds",
        f"sim-speed: {ratio:.3f} of a bare priority queue (must >= 0.05, stretch >= 0.15)",
    ])


main()
