#!/usr/bin/env python3
"""Requests a second for a chat of one token from the echo engine, against nginx before a program that does nothing

The same POST over 64 kept connections of wrk to both, not streamed; the endpoint has a slot for each connection. nginx keeps its connections to the program,
logs nothing, and has one process or two, whichever is faster. Runs alternate.
"""
import json
import os

from measure import Platform, finish
from measure.conditions import Conditions, void
from measure.peers import CONNECTIONS, all_versions, alternately, best_workers, middle, proxy_run, require_billed, wrk

from harness.server import chat

RUNS, SECONDS = int(os.environ.get("RUNS", "10")), int(os.environ.get("SECONDS_EACH", "3"))
PATH, CHAT = "/v1/chat/completions", chat("hello", max_tokens=1)
BODY = json.dumps(CHAT)


def main() -> None:
    compared = all_versions()
    with Platform() as server, Conditions() as conditions:
        server.deploy("e", scaling={"max": CONNECTIONS, "idle": "10m", "keep": "10m"})
        answer = server.request("POST", PATH, CHAT)
        assert answer.status == 200 and answer.json["choices"][0]["message"]["content"] == "hello" and answer.json["usage"]["completion_tokens"] == 1, answer
        workers = best_workers(PATH, body=BODY)
        first = wrk(server.url + PATH, 1, body=BODY)  # slots appear as calls wait
        found = alternately(RUNS, {"ebb": lambda: wrk(server.url + PATH, SECONDS, body=BODY), "nginx": lambda: proxy_run(workers, PATH, SECONDS, body=BODY)})
        require_billed(server, sum(run["requests"] for run in [first, *found["ebb"]]), tokens_each=1)
    ours, theirs = middle(found["ebb"], "per_second"), middle(found["nginx"], "per_second")
    raw = {**found, "nginx_workers": workers, "connections": CONNECTIONS, "body": BODY, "versions": compared, "conditions": conditions}
    finish("gateway-local", {"gateway-local": ours / theirs}, raw, [
        f"nginx ({workers} worker processes) before the program: {theirs:.0f} requests/s, p99 {middle(found['nginx'], 'p99_us'):.0f} us",
        f"ebb, the echo engine: {ours:.0f} requests/s, p99 {middle(found['ebb'], 'p99_us'):.0f} us; {RUNS} runs of {SECONDS} s each",
        *void(conditions),
        f"gateway-local: {ours / theirs:.2f} of nginx's proxy_pass (must >= 1.0, stretch >= 1.7)",
    ])


if __name__ == "__main__":
    main()
