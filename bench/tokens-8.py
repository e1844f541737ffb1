#!/usr/bin/env python3
"""Tokens per second with eight streams, against llama.cpp's own server

Eight callers take their calls from one list: prompts and answers an eighth as long as those of real calls (bench/measure/code_lengths.py). Both servers get
the same tokens, which are new in each round, with the same file, threads and number of slots, and answer greedily and to the full length. Rounds alternate,
and so does who comes first.
"""
import os
import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from measure import Platform, finish, huge_page_share, percentile, tree
from measure.code_lengths import scaled
from measure.conditions import Conditions, void
from measure.llama_server import LlamaServer, require_llama_server, versions_with_llama_server
from measure.streams import completed, deploy_with_context, new_prompt

RUNS, STREAMS, CONTEXT, PARTS = int(os.environ.get("RUNS", "5")), 8, 1024, 8
LENGTHS = scaled(PARTS)
CALLS = len(LENGTHS) // 5


def calls_of_round(number: int, chance: random.Random) -> list[tuple[list[int], int]]:
    begin = number % 5 * CALLS
    return [(new_prompt(chance, prompt), answer) for prompt, answer in LENGTHS[begin:begin + CALLS]]


def answered(port: int, calls: list[tuple[list[int], int]], **more) -> dict:
    """Tokens per second until the last call has its answer, and milliseconds to each first token."""
    with ThreadPoolExecutor(STREAMS) as callers:
        begun = time.monotonic()
        first = list(callers.map(lambda call: completed(port, *call, **more)["first_ms"], calls))
        seconds = time.monotonic() - begun
    return {"tokens_per_s": sum(len(prompt) + answer for prompt, answer in calls) / seconds, "seconds": seconds, "first_ms": first}


def told(name: str, rounds: list[dict]) -> str:
    first = [ms for found in rounds for ms in found["first_ms"]]
    rate = statistics.median(found["tokens_per_s"] for found in rounds)
    return (f"{name}: median {rate:.0f} tokens/s of prompts and answers, {RUNS} rounds of {CALLS} calls; "
            f"to the first token p50 {percentile(first, 0.5):.0f} ms, p99 {percentile(first, 0.99):.0f} ms")


def main() -> None:
    require_llama_server()
    threads = len(os.sched_getaffinity(0))
    chance = random.Random(8)
    warming = [(new_prompt(chance, 16), 8) for _ in range(2 * STREAMS)]
    ebb, peers = [], []
    with Platform() as server, LlamaServer(STREAMS, CONTEXT, threads) as peer, Conditions() as conditions:
        deploy_with_context(server, "chat", CONTEXT, max=STREAMS, idle="10m")
        sides = [(ebb, server.port, {"model": "chat"}), (peers, peer.port, {})]
        for _, port, more in sides:
            answered(port, warming, **more)
        for number in range(RUNS):
            calls = calls_of_round(number, chance)
            for found, port, more in sides:
                found.append(answered(port, calls, **more))
            sides.reverse()
        huge = {"ebb": huge_page_share(tree(server)), "llama_server": huge_page_share([peer.pid])}

    # Rounds have different calls: each is compared with itself.
    ratio = statistics.median(ours["tokens_per_s"] / theirs["tokens_per_s"] for ours, theirs in zip(ebb, peers))
    mean_prompt, mean_answer = (statistics.mean(column) for column in zip(*LENGTHS))
    raw = {"ebb": ebb, "llama_server": peers, "threads": threads, "slots": STREAMS, "context_of_a_slot": CONTEXT, "huge_page_share": huge,
           "conditions": conditions, "versions": versions_with_llama_server()}
    finish("tokens-8", {"tokens-8": ratio}, raw, [
        f"{STREAMS} streams, {threads} threads, prompts of {mean_prompt:.0f} tokens and answers of {mean_answer:.1f} in the mean; "
        "the figure is the median of what each round gave",
        told("llama-server", peers),
        told("ebb", ebb),
        *void(conditions),
        f"tokens-8: {ratio:.2f} of llama-server (must >= 1.10, stretch >= 1.50)",
    ])


if __name__ == "__main__":
    main()
