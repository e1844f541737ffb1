"""A language model on the platform and in a bare program, the demo model if nothing else is said: prompts, first tokens, the fastest setting of the bare one."""
import itertools
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

from harness.server import DEMO_MODEL, Server, Stream, chat
from measure import BUILT

BARE = BUILT / "bare-llama"
CONTEXT = 2048
QUIET = 4  # processes once no worker runs: the server, the spawner and the blank workers of the engine
# One token each in the demo model's vocabulary, so that prompts have the same length and no common beginning.
WORDS = ("time year people way day man thing woman life child world school state family student group country problem hand part place "
         "case week company system program question work government number night point home water room mother area money story fact month").split()


def deploy_model(server: Server, name: str, idle: str, keep: str, path: pathlib.Path = DEMO_MODEL) -> None:
    model = "smol" if path == DEMO_MODEL else "other"
    if not any(known["name"] == model for known in server.get("/ebb/v1/models").json["models"]):
        server.ebb("model", "add", model, str(path))
    server.deploy(name, model=f"{model}@1", context=CONTEXT, scaling={"max": 4, "idle": idle, "keep": keep})


def prompts(seed: int):
    """System and user text that make sixteen tokens with the demo model's template; never the same pair twice in a row of a thousand."""
    chance = random.Random(seed)
    for first, second in itertools.cycle(chance.sample(list(itertools.permutations(WORDS, 2)), 1000)):
        yield first, second


def first_token(server: Server, name: str, prompt: tuple[str, str]) -> dict:
    """Sends one streamed call on an open connection: milliseconds to the first text, and what the platform says of it."""
    system, user = prompt
    body = chat(user, system, name, stream=True, max_tokens=2, temperature=0, stream_options={"include_usage": True})
    with Stream(server, body) as stream:
        begun = stream.sent
        took = prompt_tokens = None
        for event in stream.events():
            if "error" in event:
                sys.exit(f"bench: the call failed: {event['error']}")
            if took is None and event["choices"] and event["choices"][0]["delta"].get("content"):
                took = (time.monotonic() - begun) * 1000
            if event.get("usage"):
                prompt_tokens = event["usage"]["prompt_tokens"]
        timing = {}
        for entry in (stream.head().getheader("Server-Timing") or "").split(","):
            name, *values = entry.strip().split(";")
            for value in values:
                key, _, text = value.partition("=")
                timing[f"{name}.{key}"] = text.strip('"')
    return {"ms": took, "tokens": prompt_tokens, "tier": timing.get("start.desc"), "start_ms": float(timing.get("start.dur", "nan")),
            "queue_ms": float(timing.get("queue.dur", "nan")), "prompt_ms": float(timing.get("prompt.dur", "nan"))}


def bare(threads: int, prompt_tokens: int, path: pathlib.Path = DEMO_MODEL) -> float:
    """Milliseconds from exec to the first token, of a process that does nothing else."""
    done = subprocess.run([BARE, str(path), "--threads", str(threads), "--context", str(CONTEXT), "--prompt-tokens", str(prompt_tokens), "--repeat", "1"],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["first_token_ms"]


def best_bare_threads(prompt_tokens: int, path: pathlib.Path = DEMO_MODEL) -> int:
    """One thread or as many as there are cores: whichever is faster here today, since barriers suffer where the host steals."""
    cores = len(os.sched_getaffinity(0))
    medians = {threads: statistics.median(bare(threads, prompt_tokens, path) for _ in range(5)) for threads in sorted({1, cores})}
    return min(medians, key=medians.get)
