#!/usr/bin/env python3
"""From a parked worker to the first token, against the same bare time; and the platform's own milliseconds

A sixteen-token prompt that is new each time, so that no saved prefix helps; the same prompt again is told apart. Bare runs stand between
the wakes.
"""
import os
import statistics
import sys

from measure import Platform, finish, percentile, spread
from measure.llama import bare, best_bare_threads, deploy_model, first_token, prompts

RUNS = int(os.environ.get("RUNS", "100"))


def main() -> None:
    with Platform() as server:
        deploy_model(server, "chat", idle="50ms", keep="10m")
        words = prompts(seed=2)
        tokens = first_token(server, "chat", next(words))["tokens"]
        threads = best_bare_threads(tokens)

        def wake(prompt: tuple[str, str]) -> dict:
            server.wait_for_state("parked", "chat", 30)
            call = first_token(server, "chat", prompt)
            if call["tier"] != "parked":
                sys.exit(f"bench: a call that should have found a parked worker was {call['tier']}")
            return call

        calls, theirs = [], []
        for number in range(RUNS):
            if number % 4 == 0:
                theirs.append(bare(threads, tokens))
            calls.append(wake(next(words)))
        same = [wake(("fact", "month"))["ms"] for _ in range(11)][1:]

    ours = [call["ms"] for call in calls]
    starts = [call["start_ms"] for call in calls]
    ratio = statistics.median(ours) / statistics.median(theirs)
    same_ratio = statistics.median(same) / statistics.median(theirs)
    p50, p99 = percentile(starts, 0.5), percentile(starts, 0.99)
    finish("wake-to-token", {"wake-to-token": ratio, "platform-p50-ms": p50, "platform-p99-ms": p99, "same-prompt": same_ratio},
           {"ebb_ms": ours, "bare_ms": theirs, "start_ms": starts, "same_prompt_ms": same}, [
        f"bare ({threads} thread{'s' if threads > 1 else ''}, {tokens}-token prompt): {spread(theirs)}",
        f"ebb, parked: {spread(ours)}",
        f"a prompt that was asked before: {same_ratio:.2f} of a bare load (information only)",
        f"platform's part of a wake: p50 {p50:.1f} ms, p99 {p99:.1f} ms (aim 5 and 20)",
        f"wake-to-token: {ratio:.2f} of a bare load (must <= 0.30, stretch <= 0.10)",
    ])


if __name__ == "__main__":
    main()
