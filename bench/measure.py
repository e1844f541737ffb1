"""What the benchmarks share: the platform under test, the bare program to compare with, and how a figure is written down.

Absolute times of a small virtual machine move by a third with its neighbours, so both sides of a ratio run alternately, and only
the ratio of their medians is a figure.
"""
import itertools
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
os.environ["EBB_PRESET"] = "release"

from harness import leaks  # noqa: E402
from harness.server import DEMO_MODEL, SENTENCE_MODEL, Server, Stream, chat  # noqa: E402
from harness.waiting import eventually  # noqa: E402

BARE = ROOT / "build/release/bin/bare-llama"
CONTEXT = 2048
# One token each in the demo model's vocabulary, so that prompts have the same length and no common beginning.
WORDS = ("time year people way day man thing woman life child world school state family student group country problem hand part place "
         "case week company system program question work government number night point home water room mother area money story fact month").split()


class Platform:
    """A server on a home of its own, removed at the end."""

    def __init__(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ebb-bench-"))
        self.server = Server(self.folder / "home")

    def __enter__(self) -> Server:
        self.server.start()
        return self.server

    def __exit__(self, *_) -> None:
        errors = self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        if errors:
            print("\n".join(errors), file=sys.stderr)


def deploy_demo(server: Server, name: str, idle: str, keep: str) -> None:
    if not any(model["name"] == "smol" for model in server.get("/ebb/v1/models").json["models"]):
        server.ebb("model", "add", "smol", str(DEMO_MODEL))
    server.deploy(name, model="smol@1", context=CONTEXT, scaling={"max": 4, "idle": idle, "keep": keep})


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


def bare(threads: int, prompt_tokens: int) -> float:
    """Milliseconds from exec to the first token, of a process that does nothing else."""
    done = subprocess.run([BARE, str(DEMO_MODEL), "--threads", str(threads), "--context", str(CONTEXT), "--prompt-tokens", str(prompt_tokens), "--repeat", "1"],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["first_token_ms"]


def best_bare_threads(prompt_tokens: int) -> int:
    """One thread or as many as there are cores: whichever is faster here today, since barriers suffer where the host steals."""
    cores = len(os.sched_getaffinity(0))
    medians = {threads: statistics.median(bare(threads, prompt_tokens) for _ in range(5)) for threads in sorted({1, cores})}
    return min(medians, key=medians.get)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(values: list[float]) -> str:
    return f"median {statistics.median(values):.1f} ms ({percentile(values, 0.25):.1f} to {percentile(values, 0.75):.1f}), {len(values)} runs"


def tree(server: Server) -> list[int]:
    return [server.pid, *leaks.descendants(server.pid)]


def finish(name: str, figures: dict[str, float], raw: dict, lines: list[str]) -> None:
    """Writes bench/out/NAME.json and prints the closing lines."""
    out = ROOT / "bench/out"
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps({"name": name, "figures": figures, "raw": raw}, indent=1) + "\n")
    for line in lines:
        print(line)


__all__ = ["CONTEXT", "ROOT", "SENTENCE_MODEL", "WORDS", "Platform", "bare", "best_bare_threads", "deploy_demo", "eventually", "finish", "first_token", "leaks",
           "percentile", "prompts", "random", "spread", "statistics", "sys", "tree"]
