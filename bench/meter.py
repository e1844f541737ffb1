#!/usr/bin/env python3
"""The time that calls are billed for, against the time that somebody between server and worker sees them run

bench/relay_worker.cc stands on the worker's socket with a clock of its own and notes when each call goes to the worker and when its end comes back. The
rule is that of the bill: the time between two changes of what runs is split equally among the calls that run. Calls of 1 ms to 2 s, alone and eight at once.
A difference is in parts of what is allowed: 1 ms, or 0.1 % of the call's time where that is more.
"""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import random
import shutil
import tempfile

from measure import BUILT, Platform, finish, percentile
from measure.conditions import Conditions, void

ROUNDS = int(os.environ.get("ROUNDS", "5"))
AT_ONCE, LENGTHS_MS = 8, (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
NS_PER_MS = 1_000_000


def programs(folder: pathlib.Path) -> pathlib.Path:
    """The built programs that are needed, with the relay in the worker's place."""
    for name, source in (("ebb", "ebb"), ("ebb-spawner", "ebb-spawner"), ("ebb-worker-echo", "relay-worker"), ("ebb-worker-echo.real", "ebb-worker-echo")):
        shutil.copy2(BUILT / source, folder / name)
    return folder


def observe_at_once(folder: pathlib.Path) -> None:
    """The relays of workers that are there run before all others: who observes must not wait for a processor itself."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "exe").readlink() == folder / "ebb-worker-echo":
                os.sched_setscheduler(int(process.name), os.SCHED_FIFO, os.sched_param(1))


def shares(folder: pathlib.Path) -> dict[str, float]:
    """Nanoseconds that each call ran, by the relays' notes."""
    found: dict[str, float] = {}
    for notes in folder.glob("calls-*"):
        running: set[str] = set()
        last = 0
        for call, sign, at in (line.split() for line in notes.read_text().splitlines()):
            for one in running:
                found[one] += (int(at) - last) / len(running)
            last = int(at)
            if sign == "+":
                running.add(call)
                found[call] = 0
            else:
                running.discard(call)
    return found


def call(server, length_ms: int) -> None:
    answer = server.ask("a", script=f"delay_ms={length_ms}")
    assert answer.status == 200, answer


def run(server) -> tuple[int, int]:
    """How many calls were made alone, and at once."""
    chance = random.Random(1)
    lengths = [length for length in LENGTHS_MS for _ in range(ROUNDS)]
    for length in lengths:
        call(server, length)
    # As many of each length as before, in any order: long ones with short ones.
    mixed = lengths * 4
    chance.shuffle(mixed)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda length: call(server, length), mixed))
    return len(lengths), len(mixed)


def differences(server, seen: dict[str, float]) -> list[dict]:
    records = [json.loads(line) for line in server.ebb("usage", "export").stdout.splitlines()]
    assert {record["call"] for record in records} == seen.keys(), "the relay saw other calls than were billed"
    found = []
    for record in sorted(records, key=lambda record: record["call"]):
        busy, observed = record["busy_ns"], seen[record["call"]]
        assert record["billed_ms"] == -(-busy // NS_PER_MS), f"billed is the time rounded up: {record}"
        allowed = max(NS_PER_MS, observed / 1000)
        found.append({"observed_ns": round(observed), "busy_ns": busy, "billed_ms": record["billed_ms"], "part": abs(busy - observed) / allowed})
    return found


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder:
        with Platform(programs(pathlib.Path(folder))) as server, Conditions() as conditions:
            server.deploy(scaling={"min": AT_ONCE, "max": AT_ONCE, "idle": "10m", "keep": "10m"})
            observe_at_once(pathlib.Path(folder))
            os.nice(10)  # who asks stands back: on two cores it would hold up the relay and the server, whose clocks are compared
            alone, together = run(server)
            server.wait_for_bill(alone + together)
            found = differences(server, shares(pathlib.Path(folder)))
    parts = [one["part"] for one in found]
    off = [(one["busy_ns"] - one["observed_ns"]) / 1000 for one in found]
    finish("meter", {"meter.worst": max(parts), "meter.mean": sum(parts) / len(parts)}, {"calls": found, "alone": alone, "at_once": together, "conditions": conditions}, [
        f"{alone} calls alone, {together} eight at once, of 1 ms to 2 s; billed more than seen by p50 {percentile(off, 0.5):.0f} us, p99 {percentile(off, 0.99):.0f} us, "
        f"at least {min(off):.0f}, at most {max(off):.0f} us; then rounded up to whole milliseconds",
        *void(conditions),
        f"meter.worst: {max(parts):.2f} of 1 ms or 0.1 % (must <= 1.0, stretch <= 0.5)",
        f"meter.mean: {sum(parts) / len(parts):.3f} of 1 ms or 0.1 % (must <= 1.0, stretch <= 0.5)",
    ])


if __name__ == "__main__":
    main()
