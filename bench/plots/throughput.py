"""Requests a second over concurrency: Ebb's function proxy and echo engine against nginx's proxy_pass

The same requests as in gateway.py and gateway-local.py, on 1 to 64 kept connections of wrk. nginx has one process or two, whichever is faster with 64. At each
number of connections all sides run one after the other, and who comes first changes; then comes the next number, and then all again.
"""
import json
import os
import pathlib
import tempfile

from measure import Platform, finish
from measure.conditions import Conditions, void
from measure.peers import CONNECTIONS, all_versions, best_workers, deploy_noop_shared, middle, proxy_run, require_billed, wrk
from plots.machine import circumstances

from harness.server import chat

RUNS, SECONDS = int(os.environ.get("RUNS", "5")), int(os.environ.get("SECONDS_EACH", "2"))
LEVELS = [2**power for power in range(CONNECTIONS.bit_length())]
PATH, BODY = "/v1/chat/completions", json.dumps(chat("hello", max_tokens=1))


def rotated(names: list, by: int) -> list:
    return names[by % len(names):] + names[:by % len(names)]


def curves(sides: dict) -> dict[str, list[dict]]:
    """Of each side a point for each level, with all its runs."""
    found = {name: [{"connections": level, "runs": []} for level in LEVELS] for name in sides}
    for number in range(RUNS):
        for place, level in enumerate(LEVELS):
            for name in rotated(list(sides), number + place):
                found[name][place]["runs"].append(sides[name](level))
    return found


def lines(kind: str, ours: list[dict], theirs: list[dict]) -> list[str]:
    rates = [(point["connections"], middle(point["runs"], "per_second"), middle(other["runs"], "per_second")) for point, other in zip(ours, theirs)]
    return [f"{kind}, {level:2} connections: ebb {mine:6.0f} requests/s, nginx {other:6.0f}, ratio {mine / other:.2f}" for level, mine, other in rates]


def measure() -> None:
    compared = all_versions()
    with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder, Platform() as server, Conditions() as conditions:
        url = deploy_noop_shared(server, pathlib.Path(folder))
        server.deploy("e", scaling={"max": CONNECTIONS, "idle": "10m", "keep": "10m"})
        workers = {"function": best_workers("/"), "chat": best_workers(PATH, body=BODY)}
        wrk(server.url + PATH, 1, body=BODY)  # slots appear as calls wait
        found = curves({
            "function.ebb": lambda level: wrk(url, SECONDS, level),
            "function.nginx": lambda level: proxy_run(workers["function"], "/", SECONDS, connections=level),
            "chat.ebb": lambda level: wrk(server.url + PATH, SECONDS, level, body=BODY),
            "chat.nginx": lambda level: proxy_run(workers["chat"], PATH, SECONDS, connections=level, body=BODY),
        })
        require_billed(server, sum(run["requests"] for name in ("function.ebb", "chat.ebb") for point in found[name] for run in point["runs"]))
    raw = {"points": found, "nginx_workers": workers, "seconds_each": SECONDS, "body": BODY, **circumstances(compared, conditions)}
    finish("throughput", {}, raw, [
        *(line for kind in workers for line in lines(kind, found[f"{kind}.ebb"], found[f"{kind}.nginx"])),
        *void(conditions),
    ])
