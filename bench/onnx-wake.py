#!/usr/bin/env python3
"""From a parked ONNX model to its answer, against a default session and a run in a bare program

As onnx-zero, but the worker is parked between two calls. What the run itself takes in a bare program that is warm is told besides: no wake can be faster.
"""
import os
import statistics
import sys

from measure import Platform, finish, spread
from measure.onnx import Texts, bare, best_threads, deploy_sentences

RUNS = int(os.environ.get("RUNS", "60"))


def main() -> None:
    with Platform() as server:
        deploy_sentences(server, idle="50ms", keep="10m")
        texts = Texts(server)
        texts.call()
        threads = best_threads()
        ours, theirs, runs = [], [], []
        for number in range(RUNS):
            if number % 3 == 0:
                measured = bare(threads)
                theirs.append(measured["session"] + measured["first-run"])
                runs.append(measured["best-run"])
            server.wait_for_state("parked", "sentences", 30)
            took, tier = texts.call()
            if tier != "parked":
                sys.exit(f"bench: a call that should have found a parked worker was {tier}")
            ours.append(took)
    ratio = statistics.median(ours) / statistics.median(theirs)
    limit = statistics.median(runs) / statistics.median(theirs)
    finish("onnx-wake", {"onnx-wake": ratio, "run-alone": limit}, {"ebb_ms": ours, "bare_ms": theirs, "bare_run_ms": runs}, [
        f"bare session and run ({threads} thread{'s' if threads > 1 else ''}): {spread(theirs)}; a warm run alone: {limit:.3f} of it",
        f"ebb, parked: {spread(ours)}",
        f"onnx-wake: {ratio:.3f} of a bare session and run (must <= 0.25, stretch <= 0.05)",
    ])


if __name__ == "__main__":
    main()
