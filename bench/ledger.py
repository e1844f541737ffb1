#!/usr/bin/env python3
"""Settled calls a second: usage records made durable by the ledger, against appending the same bytes with one fdatasync for each group

64 calls end together, and the next 64 when those are on the disk (bench/ledger_rate.cc), or a group is one write and one fdatasync to a file of the same
folder. The ledger's time ends when all are linked, indexed and summed in its store; the file has the records' bytes and their links. Runs alternate, each with
a new store. For information the same with calls that wait for nothing: then the ledger takes thousands at a time, and the disk waits for it.
"""
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

from measure import BUILT, finish
from measure.conditions import Conditions, void

RUNS, RECORDS, AT_ONCE = int(os.environ.get("RUNS", "11")), int(os.environ.get("RECORDS", "32000")), 64


def settle(at_once: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder:
        done = subprocess.run([BUILT / "ledger-rate", "settle", pathlib.Path(folder), str(RECORDS), str(at_once)], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    return {**found, "durable_per_s": found["records"] / found["durable_s"], "bare_per_s": found["records"] / found["bare_s"]}


def middle(found: list[dict], what: str) -> float:
    return statistics.median(run[what] for run in found)


def ratio(found: list[dict]) -> float:
    return middle(found, "durable_per_s") / middle(found, "bare_per_s")


def line(what: str, found: list[dict]) -> str:
    group = middle(found, "records") / middle(found, "groups")
    return (f"{what}: {middle(found, 'durable_per_s'):,.0f} calls/s durable, {middle(found, 'bare_per_s'):,.0f} bare, in groups of {group:.0f}, "
            f"{middle(found, 'bare_bytes') / middle(found, 'records'):.0f} bytes each; {RUNS} runs of {RECORDS:,}")


def main() -> None:
    settle(AT_ONCE)
    with Conditions() as conditions:
        runs = [(settle(AT_ONCE), settle(0)) for _ in range(RUNS)]
    together, flood = [list(side) for side in zip(*runs)]
    finish("ledger", {"ledger": ratio(together), "ledger.flood": ratio(flood)}, {"together": together, "flood": flood, "conditions": conditions}, [
        line(f"{AT_ONCE} at once", together),
        line("without waiting", flood),
        *void(conditions),
        f"ledger: {ratio(together):.2f} of bare appends (must >= 0.50, stretch >= 0.90)",
        f"ledger.flood: {ratio(flood):.2f} of bare appends (information only)",
    ])


if __name__ == "__main__":
    main()
