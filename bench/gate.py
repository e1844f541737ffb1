#!/usr/bin/env python3
"""Calls a second with keys, budgets and limits by rate on, against a server without any of them

64 kept connections of wrk to the echo engine, which are 64 calls at once in one worker. With: each request brings a key, and its tenant, its key and the endpoint
have budgets by the hour, day and month, and limits of requests, tokens, spending and concurrency. Without: none of these. Records are written to the ledger in both. Runs alternate.
"""
import json
import os

from measure import Platform, finish
from measure.conditions import Conditions, void
from measure.peers import CONNECTIONS, alternately, middle, require_billed, wrk

RUNS, SECONDS = int(os.environ.get("RUNS", "10")), int(os.environ.get("SECONDS_EACH", "3"))
BODY = json.dumps({"model": "e", "messages": [{"role": "user", "content": "a"}]})
SCALING = {"min": CONNECTIONS, "max": CONNECTIONS}


def govern(server) -> str:
    """A tenant with a key, nine budgets and twelve limits by rate; gives the key."""
    server.ebb("tenant", "add", "acme")
    server.key = server.ebb("key", "create", "--tenant", "acme", "--scope", "admin").stdout.strip()
    line = json.loads(server.ebb("key", "ls", "--json").stdout)["keys"][0]["id"]
    for period in ("hour", "day", "month"):
        for whose in (("--tenant", "acme"), ("--key", line), ("--endpoint", "e")):
            server.ebb("budget", "set", *whose, "--amount", "1000", "--period", period)
    for whose in (("--tenant", "acme"), ("--key", line), ("--endpoint", "e")):
        server.ebb("limit", "set", *whose, "--requests", "1000000/second", "--tokens", "1000000000/second", "--spending", "1000/hour", "--concurrency", "10000")
    return server.key


def main() -> None:
    with Platform() as open_server, Platform() as governed, Conditions() as conditions:
        for server in (open_server, governed):
            server.deploy(scaling=SCALING)
        key = govern(governed)
        url = "/v1/chat/completions"

        def run(server, **how) -> dict:
            return wrk(server.url + url, SECONDS, body=BODY, **how)

        first = [wrk(server.url + url, 1, body=BODY, key=key) for server in (open_server, governed)]
        found = alternately(RUNS, {"with": lambda: run(governed, key=key), "without": lambda: run(open_server)})
        for server, begun, runs in ((open_server, first[0], found["without"]), (governed, first[1], found["with"])):
            require_billed(server, sum(one["requests"] for one in [begun, *runs]))
    with_all, without = middle(found["with"], "per_second"), middle(found["without"], "per_second")
    finish("gate", {"gate": with_all / without}, {**found, "connections": CONNECTIONS, "conditions": conditions}, [
        f"without keys, budgets and limits: {without:.0f} calls/s, p99 {middle(found['without'], 'p99_us'):.0f} us",
        f"with a key, nine budgets and twelve limits: {with_all:.0f} calls/s, p99 {middle(found['with'], 'p99_us'):.0f} us; {RUNS} runs of {SECONDS} s each",
        *void(conditions),
        f"gate: {with_all / without:.2f} of the same without (must >= 0.85, stretch >= 0.97)",
    ])


if __name__ == "__main__":
    main()
