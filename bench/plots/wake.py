"""The phases of a wake, of a bare process and of Ebb's endpoint absent and parked

A sixteen-token prompt that is new each time, weights in the page cache, a few tokens of answer. Each endpoint has a server for itself; before each run both
are at rest: the endpoint absent or parked, the next blank worker prepared, no processor time taken. Runs alternate.
"""
import json
import os
import statistics
import subprocess
import sys
import time

from measure import Platform, finish, spread, tree
from measure.conditions import Conditions, times, void
from measure.llama import BARE, CONTEXT, best_bare_threads, deploy_model, first_token, prompts
from measure.peers import alternately
from measure.streams import NO_END
from measure.versions import versions
from plots.machine import circumstances

from harness.server import DEMO_MODEL, Answer, Server, Stream, chat
from harness.waiting import eventually

RUNS, TOKENS = int(os.environ.get("RUNS", "25")), 8
# How the endpoint gets into each state by itself, and how a call says that it found it so.
KEEP = {"absent": "50ms", "parked": "10m"}
SAID = {"absent": "cold", "parked": "parked"}


def ticks(server: Server) -> int:
    table = times()
    return sum(table[pid][1] for pid in tree(server) if pid in table)


def is_still(server: Server) -> bool:
    before = ticks(server)
    time.sleep(0.05)
    return ticks(server) == before


class Endpoint:
    def __init__(self, server: Server, state: str) -> None:
        self.server, self.state, self.quiet = server, state, len(tree(server))
        self.prompts = prompts(seed=5)
        deploy_model(server, "chat", idle="50ms", keep=KEEP[state])
        self.prompt_tokens = first_token(server, "chat", next(self.prompts))["tokens"]

    def rest(self) -> None:
        self.server.wait_for_state(self.state, "chat", 30)
        eventually(lambda: len(tree(self.server)) >= self.quiet and is_still(self.server), 10, f"the platform with a {self.state} endpoint never was at rest")

    def call(self) -> dict:
        system, user = next(self.prompts)
        body = chat(user, system, "chat", stream=True, max_tokens=TOKENS, temperature=0, logit_bias=NO_END)
        with Stream(self.server, body) as stream:
            came = [(time.monotonic() - stream.sent) * 1000 for _ in stream.texts()]
            timing = Answer(200, {"server-timing": stream.head().getheader("Server-Timing") or ""}, b"").timing
        if timing["start.desc"] != SAID[self.state]:
            sys.exit(f"bench: a call that should have been {SAID[self.state]} was {timing['start.desc']}")
        told = {name: float(timing[f"{name}.dur"]) for name in ("queue", "start", "prompt")}
        return {"first_ms": came[0], "texts_ms": came,
                "phases_ms": {**told, "HTTP": max(0.0, came[0] - sum(told.values())), "generation": came[-1] - came[0]}}


def bare(threads: int, prompt_tokens: int) -> dict:
    done = subprocess.run([BARE, str(DEMO_MODEL), "--threads", str(threads), "--context", str(CONTEXT), "--prompt-tokens", str(prompt_tokens),
                           "--generate", str(TOKENS), "--repeat", "1"], check=True, capture_output=True, text=True)
    said = json.loads(done.stdout)
    return {"first_ms": said["first_token_ms"], "phases_ms": {**{name: said[f"{name}_ms"] for name in ("libraries", "load", "context", "prompt")},
                                                              "generation": (TOKENS - 1) / said["tokens_per_s"] * 1000}}


def measure() -> None:
    with Platform() as first, Platform() as second:
        endpoints = {"absent": Endpoint(first, "absent"), "parked": Endpoint(second, "parked")}
        tokens = endpoints["absent"].prompt_tokens
        threads = best_bare_threads(tokens)

        def at_rest(run):
            for endpoint in endpoints.values():
                endpoint.rest()
            return run()

        sides = {"bare": lambda: bare(threads, tokens), **{state: endpoint.call for state, endpoint in endpoints.items()}}
        with Conditions() as conditions:
            found = alternately(RUNS, {name: lambda run=run: at_rest(run) for name, run in sides.items()})
    firsts = {name: [run["first_ms"] for run in runs] for name, runs in found.items()}
    ratios = {state: statistics.median(firsts[state]) / statistics.median(firsts["bare"]) for state in endpoints}
    raw = {"runs": found, "prompt_tokens": tokens, "answer_tokens": TOKENS, "bare_threads": threads, "model": DEMO_MODEL.stem,
           **circumstances(versions(), conditions)}
    finish("wake", ratios, raw, [
        f"to the first token, bare ({threads} thread{'s' if threads > 1 else ''}, {tokens}-token prompt): {spread(firsts['bare'])}",
        *(f"ebb, {state}: {spread(firsts[state])}; {ratio:.2f} of bare" for state, ratio in ratios.items()),
        *void(conditions),
    ])
