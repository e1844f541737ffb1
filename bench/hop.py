#!/usr/bin/env python3
"""What the way through the platform adds to a call of a container function, against what nginx adds to the same program

At one connection: the median of a call less that of a round trip to the program itself, for both. Then p99 at half load: 64 connections of wrk that pause at
random, so that both get half of the requests a second that the slower of the two can answer; wrk's own time is in both. Runs alternate.
"""
import os
import pathlib
import tempfile

from measure import Platform, finish
from measure.conditions import Conditions, void
from measure.peers import CONNECTIONS, Noop, Proxy, all_versions, alternately, best_workers, deploy_noop_shared, middle, proxy_run, require_billed, wrk

RUNS, SECONDS = int(os.environ.get("RUNS", "10")), int(os.environ.get("SECONDS_EACH", "2"))
FULL_RUNS = 3


def main() -> None:
    compared = all_versions()
    with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder, Platform() as server, Conditions() as conditions:
        url = deploy_noop_shared(server, pathlib.Path(folder))
        workers = best_workers("/")
        with Noop() as bare, Proxy(workers) as proxy:
            alone = alternately(RUNS, {name: lambda to=to: wrk(to, SECONDS, connections=1) for name, to in
                                       {"bare": bare.url, "nginx": proxy.url, "ebb": url}.items()})
        full = alternately(FULL_RUNS, {"nginx": lambda: proxy_run(workers, "/", SECONDS), "ebb": lambda: wrk(url, SECONDS)})
        half = min(middle(runs, "per_second") for runs in full.values()) / 2
        pause = max(1, round(CONNECTIONS / half * 1000))
        loaded = alternately(RUNS, {"nginx": lambda: proxy_run(workers, "/", SECONDS, pause_ms=pause), "ebb": lambda: wrk(url, SECONDS, pause_ms=pause)})
        require_billed(server, sum(run["requests"] for runs in (alone, full, loaded) for run in runs["ebb"]))
    hop = {name: middle(alone[name], "p50_us") - middle(alone["bare"], "p50_us") for name in ("nginx", "ebb")}
    late = {name: middle(loaded[name], "p99_us") for name in ("nginx", "ebb")}
    rate = {name: middle(loaded[name], "per_second") for name in ("nginx", "ebb")}
    figures = {"hop.p50": hop["ebb"] / hop["nginx"], "hop.p99": late["ebb"] / late["nginx"]}
    raw = {"one_connection": alone, "full": full, "half": loaded, "pause_ms": pause, "nginx_workers": workers, "versions": compared, "conditions": conditions}
    finish("hop", figures, raw, [
        f"one connection, p50: the program {middle(alone['bare'], 'p50_us'):.0f} us; nginx ({workers} worker processes) adds {hop['nginx']:.0f} us, "
        f"ebb {hop['ebb']:.0f} us; {RUNS} runs of {SECONDS} s each",
        f"full load, {CONNECTIONS} connections: nginx {middle(full['nginx'], 'per_second'):.0f} requests/s, ebb {middle(full['ebb'], 'per_second'):.0f}",
        f"half load: nginx {rate['nginx']:.0f} requests/s, p99 {late['nginx']:.0f} us; ebb {rate['ebb']:.0f} requests/s, p99 {late['ebb']:.0f} us",
        *void(conditions),
        f"hop.p50: {figures['hop.p50']:.2f} of nginx's hop (must <= 0.6, stretch <= 0.25)",
        f"hop.p99: {figures['hop.p99']:.2f} of nginx's p99 (must <= 1.0, stretch <= 0.7)",
    ])


if __name__ == "__main__":
    main()
