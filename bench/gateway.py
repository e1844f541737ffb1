#!/usr/bin/env python3
"""Requests a second to a container function that does nothing, against nginx before the same program

64 kept connections of wrk, which are 64 calls at once in one instance. nginx keeps its connections to the program, logs nothing, and has one process or two,
whichever is faster. Runs alternate.
"""
import os
import pathlib
import tempfile

from measure import Platform, finish
from measure.conditions import Conditions, void
from measure.peers import CONNECTIONS, all_versions, alternately, best_workers, deploy_noop_shared, middle, proxy_run, require_billed, wrk

RUNS, SECONDS = int(os.environ.get("RUNS", "10")), int(os.environ.get("SECONDS_EACH", "3"))


def main() -> None:
    compared = all_versions()
    with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder, Platform() as server, Conditions() as conditions:
        url = deploy_noop_shared(server, pathlib.Path(folder))
        workers = best_workers("/")
        first = wrk(url, 1)
        found = alternately(RUNS, {"ebb": lambda: wrk(url, SECONDS), "nginx": lambda: proxy_run(workers, "/", SECONDS)})
        require_billed(server, sum(run["requests"] for run in [first, *found["ebb"]]))
    ours, theirs = middle(found["ebb"], "per_second"), middle(found["nginx"], "per_second")
    raw = {**found, "nginx_workers": workers, "connections": CONNECTIONS, "versions": compared, "conditions": conditions}
    finish("gateway", {"gateway": ours / theirs}, raw, [
        f"nginx ({workers} worker processes) before the program: {theirs:.0f} requests/s, p99 {middle(found['nginx'], 'p99_us'):.0f} us",
        f"ebb, the same program as a container function: {ours:.0f} requests/s, p99 {middle(found['ebb'], 'p99_us'):.0f} us; {RUNS} runs of {SECONDS} s each",
        *void(conditions),
        f"gateway: {ours / theirs:.2f} of nginx's proxy_pass (must >= 1.2, stretch >= 1.7)",
    ])


if __name__ == "__main__":
    main()
