#!/usr/bin/env python3
"""From an absent endpoint to the first token, against a bare process's load and first token

Weights in the page cache, a sixteen-token prompt that is new each time. The endpoint goes away between two calls by itself, and
the platform has prepared its next blank worker before the next call, as it has after any pause. Runs alternate: bare, Ebb, bare, Ebb.
"""
import os
import statistics
import sys

from measure import Platform, finish, spread, tree
from measure.llama import bare, best_bare_threads, deploy_demo, first_token, prompts

from harness.waiting import eventually

RUNS = int(os.environ.get("RUNS", "25"))


def main() -> None:
    with Platform() as server:
        quiet = len(tree(server))
        deploy_demo(server, "chat", idle="50ms", keep="50ms")

        def wait_until_absent() -> None:
            server.wait_for_state("absent", "chat", 30)
            eventually(lambda: len(tree(server)) >= quiet, 10, otherwise=None)

        words = prompts(seed=1)
        warm = [first_token(server, "chat", next(words)) for _ in range(1)]
        wait_until_absent()
        tokens = warm[0]["tokens"]
        threads = best_bare_threads(tokens)
        ours, theirs, starts, same = [], [], [], []
        for _ in range(RUNS):
            theirs.append(bare(threads, tokens))
            wait_until_absent()
            call = first_token(server, "chat", next(words))
            if call["tier"] != "cold":
                sys.exit(f"bench: a call that should have been cold was {call['tier']}")
            ours.append(call["ms"])
            starts.append(call["start_ms"])
        again = ("fact", "month")
        for _ in range(6):
            wait_until_absent()
            same.append(first_token(server, "chat", again)["ms"])

    ratio = statistics.median(ours) / statistics.median(theirs)
    same_ratio = statistics.median(same[1:]) / statistics.median(theirs)
    finish("zero-to-token", {"zero-to-token": ratio, "same-prompt": same_ratio}, {"ebb_ms": ours, "bare_ms": theirs, "start_ms": starts, "same_prompt_ms": same}, [
        f"bare ({threads} thread{'s' if threads > 1 else ''}, {tokens}-token prompt): {spread(theirs)}",
        f"ebb, absent: {spread(ours)}; of it the platform's start: {spread(starts)}",
        f"a prompt that was asked before: {same_ratio:.2f} of a bare load (information only)",
        f"zero-to-token: {ratio:.2f} of a bare load (must <= 1.10, stretch <= 0.50)",
    ])


if __name__ == "__main__":
    main()
