#!/usr/bin/env python3
"""Executions from none to a thousand at once and back, a second, against raw threads created and joined

Each execution is a call to the echo engine that is told to answer after HOLD_MS, each thread sleeps as long. Counted is the time from the first byte sent
(the first thread) to the last answer (the last join), less HOLD_MS: what holds only waits. That all calls ran at once is checked for each burst. Before it
no worker has a slot: they are parked; the same from no worker at all is told besides. One endpoint has a thousand slots if it may; otherwise there are as
many endpoints as it takes. Bursts and threads alternate.
"""
import os
import resource
import statistics
import subprocess
import sys

from measure import BUILT, Platform, finish, spread, tree
from measure.conditions import Conditions, void
from measure.versions import versions

from harness import leaks
from harness.waiting import eventually

RUNS, COUNT, HOLD_MS = int(os.environ.get("RUNS", "15")), int(os.environ.get("COUNT", "1000")), int(os.environ.get("HOLD_MS", "1000"))
# How endpoints get into each state by themselves.
STATES = {"parked": {"idle": "50ms", "keep": "10m"}, "absent": {"idle": "50ms", "keep": "50ms"}}


class Calls:
    """A client with a connection for each call."""

    def __init__(self, port: int) -> None:
        self.command = [BUILT / "concurrent-calls", str(port), str(COUNT), str(HOLD_MS)]

    def __enter__(self) -> "Calls":
        self.program = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_) -> None:
        self.program.stdin.close()
        self.program.wait(90)

    def burst(self, names: list[str]) -> dict:
        self.program.stdin.write(" ".join(names) + "\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        if not line:
            sys.exit("bench: the calls failed: concurrent-calls says why above")
        whole, begun = map(float, line.split())
        if begun >= HOLD_MS:
            sys.exit(f"bench: the last of {COUNT} calls began to run up to {begun:.0f} ms after the first was sent, and {HOLD_MS} ms are held: "
                     "they may not all have run at once (HOLD_MS=… holds them longer)")
        return {"ms": whole - HOLD_MS, "up_ms": begun}


def deploy(server, state: str) -> list[str]:
    """Endpoints that can take all calls at once."""
    def put(number: int, slots: int):
        spec = {"endpoint": f"{state}-{number}", "engine": "echo", "scaling": {"max": slots, **STATES[state]}, "limits": {"queue": COUNT}}
        return server.request("PUT", f"/ebb/v1/endpoints/{state}-{number}", spec)

    for slots in sorted({COUNT, 512, 256, 128, 64}, reverse=True):
        if (answer := put(0, slots)).status != 400:
            break
    number = -(-COUNT // slots)
    for answer in [answer, *(put(other, slots) for other in range(1, number))]:
        assert answer.status in (200, 201), answer
    return [f"{state}-{other}" for other in range(number)]


def bare_ms() -> float:
    done = subprocess.run([BUILT / "bare-threads", str(COUNT), str(HOLD_MS), "1"], check=True, capture_output=True, text=True)
    return float(done.stdout) - HOLD_MS


def measured(server, calls: Calls) -> tuple[dict[str, list[dict]], list[float], dict[str, list[str]]]:
    names = {state: deploy(server, state) for state in STATES}

    def at_rest() -> bool:
        rows = server.get("/ebb/v1/endpoints").json["endpoints"]
        workers = [pid for pid in tree(server) if (stat := leaks.stat_of(pid)) and stat[0] == "ebb-worker-echo"]
        return all(row["state"] == row["name"].split("-")[0] for row in rows) and len(workers) <= len(names["parked"])

    calls.burst(names["parked"])  # who never ran is absent
    ours, theirs = {state: [] for state in STATES}, []
    for _ in range(RUNS):
        for state in STATES:
            eventually(at_rest, 60, "the workers were not parked and gone")
            ours[state].append(calls.burst(names[state]))
        theirs.append(bare_ms())
    total = server.wait_for_bill(COUNT * (1 + 2 * RUNS))["total"]
    if total["calls"] != COUNT * (1 + 2 * RUNS) or total["faults"] or total["completion_tokens"] != total["calls"]:
        sys.exit(f"bench: the bill is not that of {1 + 2 * RUNS} times {COUNT} calls: {total}")
    return ours, theirs, names


def main() -> None:
    # A connection for each call at both ends.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Platform() as server, Calls(server.port) as calls, Conditions() as conditions:
        ours, theirs, names = measured(server, calls)
    rate = {state: COUNT / statistics.median(run["ms"] for run in ours[state]) * 1000 for state in STATES}
    threads = COUNT / statistics.median(theirs) * 1000
    up = {state: [run["up_ms"] for run in ours[state]] for state in STATES}
    raw = {"ebb": ours, "threads_ms": theirs, "count": COUNT, "hold_ms": HOLD_MS, "endpoints": len(names["parked"]), "versions": versions(),
           "conditions": conditions}
    took = {state: spread([run["ms"] for run in ours[state]]) for state in STATES}
    finish("slots", {"slots": rate["parked"] / threads, "absent": rate["absent"] / threads}, raw, [
        f"{COUNT} threads created and joined: {spread(theirs)}; {threads:.0f} a second",
        f"ebb, {len(names['parked'])} endpoints, parked: {took['parked']}; {rate['parked']:.0f} a second; all run: {spread(up['parked'])}",
        f"ebb, absent: {took['absent']}; {rate['absent']:.0f} a second, {rate['absent'] / threads:.3f} of raw threads; "
        f"all run: {spread(up['absent'])} (information only)",
        *void(conditions),
        f"slots: {rate['parked'] / threads:.3f} of raw threads (must >= 0.30, stretch >= 0.60)",
    ])


if __name__ == "__main__":
    main()
