#!/usr/bin/env python3
"""Tokens per second of one stream, against what reading the memory allows

A token takes at least the time to read all weights once, and what the cache holds of the tokens before it. How fast memory is read is measured in the same
run, by as many threads as there are cores and over a buffer as large as the model; it alternates with the answers of one caller. What the same engine does in
a bare program is told beside it.

The figure is of tokens computed one by one. The text of these answers has no sense and soon repeats itself, so that most of its tokens can be guessed
(docs/decisions/0029-guessed-tokens.md): what that brings here is told apart. Whether tokens may be guessed is said in the file of the layout.
"""
import json
import os
import random
import statistics
import subprocess

from measure import BUILT, Platform, finish
from measure.conditions import Conditions, void
from measure.model_file import ModelFile
from measure.streams import completed, deploy_with_context, new_prompt
from measure.versions import versions

from harness.server import DEMO_MODEL

RUNS, PROMPT, TOKENS, CONTEXT = int(os.environ.get("RUNS", "11")), 16, 256, 2048


def bytes_per_s(size: int, threads: int) -> float:
    done = subprocess.run([BUILT / "read-bandwidth", str(size), str(threads), "1"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["bytes_per_s"]


def bare_tokens_per_s(threads: int) -> float:
    done = subprocess.run([BUILT / "bare-llama", str(DEMO_MODEL), "--threads", str(threads), "--context", str(CONTEXT), "--prompt-tokens", str(PROMPT),
                           "--generate", str(TOKENS)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["tokens_per_s"]


def add_without_guesses(server) -> None:
    server.ebb("model", "add", "smol", str(DEMO_MODEL))
    for prepared in (server.home / "models/prepared").rglob("layout*"):
        with prepared.open("r+b") as file:
            page = file.read(4096)
            file.seek(0)
            file.write(page.replace(b'"tokens_alike":true', b'"tokens_alike":false').rstrip().ljust(4096)[:4096])


def main() -> None:
    model = ModelFile(DEMO_MODEL)
    # Token by token the cache grows: what is read of it is the mean.
    token_bytes = model.weight_bytes + model.kv_bytes * (PROMPT + TOKENS / 2)
    threads = len(os.sched_getaffinity(0))
    chance = random.Random(1)
    read, ours, guessed, bare = [], [], [], []
    with Platform() as one_by_one, Platform() as guesses, Conditions() as conditions:
        add_without_guesses(one_by_one)
        for server in (one_by_one, guesses):
            deploy_with_context(server, "chat", CONTEXT, max=1, idle="10m")

        def answer(server) -> float:
            call = completed(server.port, new_prompt(chance, PROMPT), TOKENS, model="chat")
            return (TOKENS - 1) / (call["last_ms"] - call["first_ms"]) * 1000

        for server in (one_by_one, guesses):
            answer(server)
        for _ in range(RUNS):
            read.append(bytes_per_s(model.weight_bytes, threads))
            ours.append(answer(one_by_one))
            bare.append(bare_tokens_per_s(threads))
            guessed.append(answer(guesses))

    roof = statistics.median(read) / token_bytes
    ratio = statistics.median(ours) / roof
    finish("decode-1", {"decode-1": ratio},
           {"ebb_tokens_per_s": ours, "ebb_guessing_tokens_per_s": guessed, "bare_tokens_per_s": bare, "read_bytes_per_s": read, "token_bytes": token_bytes, "weight_bytes": model.weight_bytes,
            "threads": threads, "conditions": conditions, "versions": versions()}, [
        f"memory is read at {statistics.median(read) / 1e9:.1f} GB/s ({threads} threads), {token_bytes / 1e6:.1f} MB a token: at most {roof:.0f} tokens/s",
        f"one stream of {TOKENS} tokens: median {statistics.median(ours):.1f} tokens/s, {len(ours)} runs",
        f"with guesses, where the text repeats itself: median {statistics.median(guessed):.1f} tokens/s, {statistics.median(guessed) / roof:.2f} of the bound (information only)",
        f"a bare program: median {statistics.median(bare):.1f} tokens/s, {statistics.median(bare) / roof:.2f} of the bound (information only)",
        *void(conditions),
        f"decode-1: {ratio:.2f} of what reading the memory allows (must >= 0.75, stretch >= 0.90)",
    ])


if __name__ == "__main__":
    main()
