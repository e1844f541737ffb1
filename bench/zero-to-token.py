#!/usr/bin/env python3
"""From an absent endpoint to the first token, against a bare process's load and first token

With the demo model, and with one of 0.4 billion random weights (measure/random_model.py). Weights in the page cache, a sixteen-token prompt that is new each
time. The endpoint goes away between two calls by itself, and the platform has prepared its next blank worker before the next call, as it has after any
pause. Runs alternate: bare, Ebb, bare, Ebb.
"""
import os
import pathlib
import statistics
import sys

from measure import Platform, finish, spread, tree
from measure.conditions import Conditions, void
from measure.llama import QUIET, bare, best_bare_threads, deploy_model, first_token, prompts
from measure.random_model import random_model

from harness.server import DEMO_MODEL
from harness.waiting import eventually

RUNS = int(os.environ.get("RUNS", "25"))


def measured(server, name: str, path: pathlib.Path, runs: int) -> dict:
    deploy_model(server, name, idle="50ms", keep="50ms", path=path)

    def wait_until_absent() -> None:
        server.wait_for_state("absent", name, 30)
        eventually(lambda: len(tree(server)) >= QUIET, 10, otherwise=None)

    words = prompts(seed=1)
    tokens = first_token(server, name, next(words))["tokens"]
    wait_until_absent()
    threads = best_bare_threads(tokens, path)
    ours, theirs, starts, same = [], [], [], []
    for _ in range(runs):
        theirs.append(bare(threads, tokens, path))
        wait_until_absent()
        call = first_token(server, name, next(words))
        if call["tier"] != "cold":
            sys.exit(f"bench: a call that should have been cold was {call['tier']}")
        ours.append(call["ms"])
        starts.append(call["start_ms"])
    again = ("fact", "month")
    for _ in range(6):
        wait_until_absent()
        same.append(first_token(server, name, again)["ms"])
    return {"threads": threads, "tokens": tokens, "ebb_ms": ours, "bare_ms": theirs, "start_ms": starts, "same_prompt_ms": same}


def ratio(found: dict) -> float:
    return statistics.median(found["ebb_ms"]) / statistics.median(found["bare_ms"])


def told(name: str, found: dict) -> list[str]:
    same = statistics.median(found["same_prompt_ms"][1:]) / statistics.median(found["bare_ms"])
    return [
        f"{name}: bare ({found['threads']} thread{'s' if found['threads'] > 1 else ''}, {found['tokens']}-token prompt): {spread(found['bare_ms'])}",
        f"{name}: ebb, absent: {spread(found['ebb_ms'])}; of it the platform's start: {spread(found['start_ms'])}",
        f"{name}: a prompt that was asked before: {same:.2f} of a bare load (information only)",
    ]


def main() -> None:
    large = random_model()
    with Platform() as server, Conditions() as conditions:
        demo = measured(server, "demo", DEMO_MODEL, RUNS)
        random = measured(server, "large", large, max(1, RUNS * 2 // 5))
    figures = {"zero-to-token": ratio(demo), "zero-to-token.large": ratio(random)}
    finish("zero-to-token", figures, {"demo": demo, "large": random, "conditions": conditions}, [
        *told("demo model", demo),
        *told("0.4 billion weights", random),
        *void(conditions),
        *(f"{name}: {figure:.2f} of a bare load (must <= 1.03, stretch <= 0.50)" for name, figure in figures.items()),
    ])


if __name__ == "__main__":
    main()
