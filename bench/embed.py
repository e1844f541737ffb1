#!/usr/bin/env python3
"""Embeddings a second, a batch of 64 short texts over HTTP, against the same batch by a bare program on the same library

Both sides run alternately: the platform on a warm slot, from the request to the last byte of the answer (base64, as the OpenAI clients ask for),
and the bare program with the batch size and the threads that are best for it here today.
"""
import os
import random
import statistics
import subprocess
import sys
import time

from measure import BUILT, Platform, finish
from measure.llama import WORDS

from harness.server import SENTENCE_MODEL

RUNS, TEXTS, PASSES = 15, 64, 10
BARE = BUILT / "bare-embed"


def texts() -> list[str]:
    chance = random.Random(1)
    return [" ".join(chance.choices(WORDS, k=chance.randint(6, 14))) for _ in range(TEXTS)]


def bare(batch: list[str], threads: int, batch_tokens: int, passes: int = PASSES) -> float:
    """Embeddings a second: the median of some passes in one process."""
    done = subprocess.run([BARE, str(SENTENCE_MODEL), "--threads", str(threads), "--batch-tokens", str(batch_tokens), "--repeat", str(passes)],
                          check=True, input="\n".join(batch), capture_output=True, text=True)
    return len(batch) / statistics.median(map(float, done.stdout.split()))


def best_bare(batch: list[str]) -> tuple[int, int]:
    cores = len(os.sched_getaffinity(0))
    return max(((threads, tokens) for threads in sorted({1, cores}) for tokens in (256, 512, 1024)), key=lambda way: bare(batch, *way))


def platform(server, batch: list[str], passes: int = PASSES) -> float:
    took = []
    for _ in range(passes):
        begun = time.monotonic()
        answer = server.request("POST", "/v1/embeddings", {"model": "embed", "input": batch, "encoding_format": "base64"})
        took.append(time.monotonic() - begun)
        if answer.status != 200 or len(answer.json["data"]) != len(batch):
            sys.exit("bench: not every text got its vector")
    return len(batch) / statistics.median(took)


def main() -> None:
    batch = texts()
    with Platform() as server:
        server.ebb("model", "add", "minilm", str(SENTENCE_MODEL))
        server.deploy("embed", model="minilm@1", scaling={"max": 4, "idle": "10m", "keep": "10m"})
        platform(server, batch)
        threads, tokens = best_bare(batch)
        ours, theirs = [], []
        for _ in range(RUNS):
            ours.append(platform(server, batch))
            theirs.append(bare(batch, threads, tokens))
    ratio = statistics.median(ours) / statistics.median(theirs)
    finish("embed", {"embed": ratio}, {"platform_per_second": ours, "bare_per_second": theirs, "bare_threads": threads, "bare_batch_tokens": tokens}, [
        f"over HTTP: median {statistics.median(ours):.1f} embeddings/s; bare ({threads} threads, batches of {tokens} tokens): median {statistics.median(theirs):.1f}; "
        f"{RUNS} runs of {PASSES} batches each",
        f"embed: {ratio:.2f} of a bare program (must >= 0.85, stretch >= 0.97)",
    ])


if __name__ == "__main__":
    main()
