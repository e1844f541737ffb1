#!/usr/bin/env python3
"""First tokens of critical calls while batch calls take all they can get, and what the classes cost in tokens a second

A list of batch calls is worked off by more callers than there are slots; with every third of them, after a moment by chance, a critical call is sent, one at
a time. The same calls are sent without classes, first come, first served, and the critical ones alone on an idle server. All tokens are new in each run. Rounds
alternate, and so does who comes first.
"""
import os
import random
import statistics
import time
from concurrent.futures import Future, ThreadPoolExecutor

from measure import Platform, finish, percentile
from measure.code_lengths import CALLS
from measure.conditions import Conditions, void
from measure.streams import completed, deploy_with_context, new_prompt

RUNS, SLOTS, CALLERS, CONTEXT = int(os.environ.get("RUNS", "8")), 8, 16, 1024
BATCH_CALLS, EVERY = 40, 3
PROMPT, ANSWER = 200, 8  # of a critical call
PAUSE_S = 0.5            # at most, before it is sent
CRITICAL, BATCH = {"Ebb-Priority": "critical"}, {"Ebb-Priority": "batch"}


def lengths_of_round(number: int) -> list[tuple[int, int]]:
    """Of batch calls: prompts of a sixteenth of those of real calls, and their answers."""
    begin = number * BATCH_CALLS % len(CALLS)
    return [(max(1, prompt // 16), answer) for prompt, answer in CALLS[begin:begin + BATCH_CALLS]]


class Run:
    """One round of one side; a critical call is sent when the one before it has its answer."""

    def __init__(self, port: int, chance: random.Random, classes: bool) -> None:
        self.port, self.chance = port, chance
        self.critical_headers, self.batch_headers = (CRITICAL, BATCH) if classes else ({}, {})
        self.one = ThreadPoolExecutor(1)
        self.sent: list[Future] = []

    def critical(self, pause: float, prompt: list[int]) -> dict:
        time.sleep(pause)
        return completed(self.port, prompt, ANSWER, headers=self.critical_headers, model="chat")

    def send_critical(self) -> None:
        self.sent.append(self.one.submit(self.critical, self.chance.uniform(0, PAUSE_S), new_prompt(self.chance, PROMPT)))

    def batch(self, numbered: tuple[int, tuple[list[int], int]]) -> dict:
        number, call = numbered
        if number % EVERY == 0:
            self.send_critical()
        return completed(self.port, *call, headers=self.batch_headers, model="chat")

    def loaded(self, lengths: list[tuple[int, int]]) -> dict:
        calls = [(new_prompt(self.chance, prompt), answer) for prompt, answer in lengths]
        with ThreadPoolExecutor(CALLERS) as callers:
            begun = time.monotonic()
            batch = list(callers.map(self.batch, enumerate(calls)))
        critical = [future.result() for future in self.sent]
        seconds = time.monotonic() - begun
        tokens = sum(call["prompt_tokens"] + call["tokens"] for call in [*batch, *critical])
        return {"tokens_per_s": tokens / seconds, "seconds": seconds, "critical_ms": [call["first_ms"] for call in critical],
                "batch_ms": [call["first_ms"] for call in batch]}

    def alone(self, count: int) -> list[float]:
        for _ in range(count):
            self.send_critical()
        return [future.result()["first_ms"] for future in self.sent]


def told(name: str, rounds: list[dict]) -> str:
    critical, batch = ([ms for found in rounds for ms in found[which]] for which in ("critical_ms", "batch_ms"))
    rate = statistics.median(found["tokens_per_s"] for found in rounds)
    return (f"{name}: median {rate:.0f} tokens/s; to the first token of critical calls p50 {percentile(critical, 0.5):.0f} ms, p99 {percentile(critical, 0.99):.0f} ms; "
            f"of batch calls p50 {percentile(batch, 0.5):.0f} ms, p99 {percentile(batch, 0.99):.0f} ms")


def main() -> None:
    chance = random.Random(7)
    classes, in_order, alone = [], [], []
    with Platform() as server, Conditions() as conditions:
        deploy_with_context(server, "chat", CONTEXT, max=SLOTS, idle="10m")
        Run(server.port, chance, True).loaded([(16, 8)] * 2 * SLOTS)
        sides = [(classes, True), (in_order, False)]
        for number in range(RUNS):
            alone += Run(server.port, chance, True).alone(-(-BATCH_CALLS // EVERY))
            for found, with_classes in sides:
                found.append(Run(server.port, chance, with_classes).loaded(lengths_of_round(number)))
            sides.reverse()

    # Rounds have different calls: each is compared with itself.
    tokens = statistics.median(ours["tokens_per_s"] / theirs["tokens_per_s"] for ours, theirs in zip(classes, in_order))
    critical = [ms for found in classes for ms in found["critical_ms"]]
    latency = percentile(critical, 0.99) / percentile(alone, 0.99)
    raw = {"classes": classes, "in_order": in_order, "alone_ms": alone, "slots": SLOTS, "callers": CALLERS, "critical_prompt": PROMPT, "conditions": conditions}
    finish("critical", {"critical.latency": latency, "critical.tokens": tokens}, raw, [
        f"{RUNS} rounds of {BATCH_CALLS} batch calls from {CALLERS} callers on {SLOTS} slots, and {len(critical)} critical calls of {PROMPT} tokens",
        f"critical calls alone: to the first token p50 {percentile(alone, 0.5):.0f} ms, p99 {percentile(alone, 0.99):.0f} ms",
        told("first come, first served", in_order),
        told("with classes", classes),
        *void(conditions),
        f"critical.latency: {latency:.2f} of the p99 alone (must <= 1.50, stretch <= 1.15)",
        f"critical.tokens: {tokens:.2f} of the same load without classes (must >= 0.95, stretch >= 0.99)",
    ])


if __name__ == "__main__":
    main()
