#!/usr/bin/env python3
"""Inferences a second of an ONNX model with sixteen callers, against one caller

Each caller asks for the vector of one text of 32 tokens, again as soon as it is answered, on a connection of its own. Both alternate, in turns of some seconds. What
a bare program gains by runs of sixteen rows over runs of one is told besides: no batching can gain more.
"""
import os
import statistics
import subprocess
import threading
import time

from measure import Platform, finish
from measure.onnx import BARE, FOLDER, TOKENS, Texts, best_threads, deploy_sentences

RUNS, SECONDS, CALLERS = int(os.environ.get("RUNS", "8")), 2.0, 16


def rate(callers: list[Texts]) -> float:
    """Answers a second."""
    end = time.monotonic() + SECONDS
    counts = [0] * len(callers)

    def ask(number: int) -> None:
        while time.monotonic() < end:
            callers[number].call()
            counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(callers))]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - begun)


def bare_rate(threads: int, rows: int) -> float:
    done = subprocess.run([BARE, FOLDER / "model.onnx", "--threads", str(threads), "--tokens", str(TOKENS), "--batch", str(rows)],
                          check=True, capture_output=True, text=True)
    return rows * 1000 / float(done.stdout.split()[-1])


def main() -> None:
    with Platform() as server:
        deploy_sentences(server, idle="10m", keep="10m")
        callers = [Texts(server) for _ in range(CALLERS)]
        rate(callers)  # all slots are there, and the packed weights
        one, many, bare_one, bare_many = [], [], [], []
        cores = best_threads()
        for _ in range(RUNS):
            one.append(rate(callers[:1]))
            many.append(rate(callers))
            bare_one.append(bare_rate(cores, 1))
            bare_many.append(bare_rate(cores, CALLERS))
    ratio = statistics.median(many) / statistics.median(one)
    limit = statistics.median(bare_many) / statistics.median(bare_one)
    finish("onnx-batch", {"onnx-batch": ratio, "bare": limit}, {"one_caller": one, "callers": many, "bare_one_row": bare_one, "bare_rows": bare_many}, [
        f"one caller: {statistics.median(one):.0f} a second; {CALLERS} callers: {statistics.median(many):.0f} a second",
        f"bare, runs of {CALLERS} rows against runs of one: {statistics.median(bare_many):.0f} and {statistics.median(bare_one):.0f} a second, {limit:.2f} (information only)",
        f"onnx-batch: {ratio:.2f} of one caller (must >= 1.30, stretch >= 2.00)",
    ])


if __name__ == "__main__":
    main()
