#!/usr/bin/env python3
"""From a parked or absent endpoint to the first token after a prefix that is stored, against computing the prefix

The prefix is a system message of 4,096 tokens, then comes a short question. It is new for a first call, and stored for a second, which asks something else;
before each of the two the worker is parked, or gone. Where the platform does not reuse the prefix there is nothing to measure: the run then says what it saw of
`cached_tokens`, and fails.
"""
import os
import random
import statistics
import sys

from measure import Platform, finish, spread, tree
from measure.conditions import Conditions, void
from measure.llama import QUIET, WORDS
from measure.streams import NO_END, deploy_with_context, streamed
from measure.versions import versions

from harness.server import chat
from harness.waiting import eventually

RUNS, PREFIX, CONTEXT = int(os.environ.get("RUNS", "4")), 4096, 8192
# How the endpoint gets into each state by itself, and how a call says that it found it so.
TIERS = {"parked": {"idle": "50ms", "keep": "10m"}, "absent": {"idle": "50ms", "keep": "50ms"}}
SAID = {"parked": "parked", "absent": "cold"}


class Endpoint:
    def __init__(self, server, tier: str) -> None:
        self.server, self.tier = server, tier
        deploy_with_context(server, "chat", CONTEXT, max=1, **TIERS[tier])
        streamed(server.port, "/v1/chat/completions", chat("Hello", name="chat", max_tokens=2, logit_bias=NO_END))

    def call(self, prefix: str, question: str) -> dict:
        """A call that finds the endpoint in its tier, and the platform at rest."""
        self.server.wait_for_state(self.tier, "chat", 60)
        if self.tier == "absent":
            eventually(lambda: len(tree(self.server)) >= QUIET, 10, otherwise=None)  # the next blank worker is prepared
        call = streamed(self.server.port, "/v1/chat/completions", chat(question, prefix, "chat", max_tokens=2, temperature=0, logit_bias=NO_END))
        if call["tier"] != SAID[self.tier]:
            sys.exit(f"bench: a call that should have been {SAID[self.tier]} was {call['tier']}")
        return call


def measured(tier: str) -> tuple[list[dict], list[dict], dict]:
    """Calls with a new prefix and with a stored one, and the conditions while the platform lived. Ends with the first that did not reuse its prefix."""
    chance = random.Random(4)
    new, stored = [], []
    with Platform() as server, Conditions() as conditions:  # whose processes nobody waits for would count as foreign afterwards
        endpoint = Endpoint(server, tier)
        for _ in range(RUNS):
            prefix = " ".join(chance.choices(WORDS, k=PREFIX))
            first, second = chance.sample(WORDS, 2)
            new.append(endpoint.call(prefix, first))
            stored.append(endpoint.call(prefix, second))
            if new[-1]["cached_tokens"] > PREFIX / 10:
                sys.exit(f"bench: of a prefix that is new {new[-1]['cached_tokens']} tokens were said to be cached")
            if stored[-1]["cached_tokens"] < PREFIX * 0.9:
                break
    return new, stored, conditions


def main() -> None:
    figures, raw, lines, without = {}, {}, [], []
    for tier in TIERS:
        new, stored, conditions = measured(tier)
        raw[tier] = {"new": new, "stored": stored, "conditions": conditions}
        lines += void(conditions)
        cached = [call["cached_tokens"] for call in stored]
        lines.append(f"{tier}: a prompt of {new[0]['prompt_tokens']} tokens, new: {spread([call['first_ms'] for call in new])}; "
                     f"with a stored prefix ({min(cached)} tokens cached): {spread([call['first_ms'] for call in stored])}")
        if min(cached) < PREFIX * 0.9:
            without.append(tier)
            continue
        figures[f"wake-with-prefix.{tier}"] = statistics.median(call["first_ms"] for call in stored) / statistics.median(call["first_ms"] for call in new)
    lines += [f"{name}: {ratio:.3f} of computing the prefix (must <= 0.10, stretch <= 0.02)" for name, ratio in figures.items()]
    finish("wake-with-prefix", figures, {**raw, "versions": versions()}, lines)
    if without:
        sys.exit(f"bench: a prefix of {PREFIX} tokens that was computed before was not reused: {', '.join(without)}; there is no figure for that")


if __name__ == "__main__":
    main()
