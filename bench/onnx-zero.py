#!/usr/bin/env python3
"""From an absent ONNX model to its answer, against a default session and a run in a bare program

A sentence model and a text of 32 tokens, over HTTP with tokenizing and pooling on our side, bare tensors on the other. Files in the page cache. The endpoint
goes away between two calls by itself, and the next blank worker is ready, as after any pause. Runs alternate.
"""
import os
import statistics
import sys

from measure import Platform, finish, spread, tree
from measure.onnx import QUIET, Texts, bare_ms, best_threads, deploy_sentences

from harness.waiting import eventually

RUNS = int(os.environ.get("RUNS", "30"))


def main() -> None:
    with Platform() as server:
        deploy_sentences(server, idle="50ms", keep="50ms")
        texts = Texts(server)
        texts.call()
        threads = best_threads()
        ours, theirs = [], []
        for _ in range(RUNS):
            theirs.append(bare_ms(threads))
            server.wait_for_state("absent", "sentences", 30)
            eventually(lambda: len(tree(server)) >= QUIET, 10, otherwise=None)
            took, tier = texts.call()
            if tier != "cold":
                sys.exit(f"bench: a call that should have been cold was {tier}")
            ours.append(took)
    ratio = statistics.median(ours) / statistics.median(theirs)
    finish("onnx-zero", {"onnx-zero": ratio}, {"ebb_ms": ours, "bare_ms": theirs}, [
        f"bare session and run ({threads} thread{'s' if threads > 1 else ''}): {spread(theirs)}",
        f"ebb, absent: {spread(ours)}",
        f"onnx-zero: {ratio:.2f} of a bare session and run (must <= 0.40, stretch <= 0.10)",
    ])


if __name__ == "__main__":
    main()
