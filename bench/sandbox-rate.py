#!/usr/bin/env python3
"""Isolated instances of a container function ready in a second, against raw starts of a static program

A burst of calls finds as many prepared sandboxes, as on a machine that was idle; each call starts its function and is answered by it. How many sandboxes a second
are prepared anew, when nothing waits, is told besides. Bursts and starts alternate.
"""
import os
import pathlib
import statistics
import tempfile
import time

from measure import Platform, finish, tree
from measure.functions import NOOP, Requests, deploy_noop, spawn_ms

from harness.waiting import eventually

RUNS, BURST = int(os.environ.get("RUNS", "15")), 24
NAMES = [f"noop-{number}" for number in range(BURST)]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder, Platform() as server, Requests() as requests:
        quiet = len(tree(server))

        def prepared() -> bool:
            """And what was left of the instances before is cleared away."""
            rows = server.get("/ebb/v1/endpoints").json["endpoints"]
            return all(row["state"] == "prepared" for row in rows) and len(tree(server)) <= quiet + 2 * len(rows)

        def burst() -> float:
            return BURST / (requests.burst(*((server.port, f"/invoke/{name}") for name in NAMES)) / 1e6)

        begun = time.monotonic()
        deploy_noop(server, pathlib.Path(folder), NAMES, idle="20ms", keep="20ms")
        eventually(prepared, 60, "not every sandbox was prepared")
        anew = BURST / (time.monotonic() - begun)
        ours, theirs = [], []
        for _ in range(RUNS):
            eventually(prepared, 60, "not every sandbox was prepared")
            theirs.append(BURST / sum(spawn_ms(BURST, NOOP, "end")) * 1000)
            ours.append(burst())
    ratio = statistics.median(ours) / statistics.median(theirs)
    finish("sandbox-rate", {"sandbox-rate": ratio}, {"ebb_per_second": ours, "spawns_per_second": theirs, "prepared_per_second": anew}, [
        f"starts of a static program: {statistics.median(theirs):.0f} a second",
        f"instances, from {BURST} prepared sandboxes to as many answers: {statistics.median(ours):.0f} a second",
        f"sandboxes deployed and prepared: {anew:.0f} a second (information only)",
        f"sandbox-rate: {ratio:.2f} of raw starts (must >= 0.50, stretch >= 0.80)",
    ])


if __name__ == "__main__":
    main()
