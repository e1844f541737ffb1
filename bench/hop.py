#!/usr/bin/env python3
"""What the way through the platform adds to a call of a container function, against what nginx adds to the same program

At one connection: the median of a call less that of a round trip to the program itself, for both; and the same while processors are kept awake for all three,
as Ebb keeps them for its own calls, where the machine lets us. Then p99 at half load: 64 connections of wrk that pause at
random, so that both get half of the requests a second that the slower of the two can answer; wrk's own time is in both. Runs alternate.
"""
import contextlib
import os
import pathlib
import struct
import tempfile

from measure import Platform, finish
from measure.conditions import Conditions, void
from measure.peers import CONNECTIONS, Noop, Proxy, all_versions, alternately, best_workers, deploy_noop_shared, middle, proxy_run, require_billed, wrk

RUNS, SECONDS = int(os.environ.get("RUNS", "10")), int(os.environ.get("SECONDS_EACH", "2"))
FULL_RUNS = 3


@contextlib.contextmanager
def all_awake():
    """Idle processors do not sleep, whoever is called; gives whether that could be asked for."""
    try:
        device = os.open("/dev/cpu_dma_latency", os.O_WRONLY)
    except OSError:
        yield False
        return
    try:
        os.write(device, struct.pack("i", 0))
        yield True
    finally:
        os.close(device)


def hops(found: dict[str, list[dict]]) -> dict[str, float]:
    return {name: middle(found[name], "p50_us") - middle(found["bare"], "p50_us") for name in ("nginx", "ebb")}


def main() -> None:
    compared = all_versions()
    with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder, Platform() as server, Conditions() as conditions:
        url = deploy_noop_shared(server, pathlib.Path(folder))
        workers = best_workers("/")
        with Noop() as bare, Proxy(workers) as proxy:
            one_connection = {name: lambda to=to: wrk(to, SECONDS, connections=1) for name, to in {"bare": bare.url, "nginx": proxy.url, "ebb": url}.items()}
            alone = alternately(RUNS, one_connection)
            with all_awake() as are_awake:
                awake = alternately(RUNS, one_connection)
        full = alternately(FULL_RUNS, {"nginx": lambda: proxy_run(workers, "/", SECONDS), "ebb": lambda: wrk(url, SECONDS)})
        half = min(middle(runs, "per_second") for runs in full.values()) / 2
        pause = max(1, round(CONNECTIONS / half * 1000))
        loaded = alternately(RUNS, {"nginx": lambda: proxy_run(workers, "/", SECONDS, pause_ms=pause), "ebb": lambda: wrk(url, SECONDS, pause_ms=pause)})
        require_billed(server, sum(run["requests"] for runs in (alone, awake, full, loaded) for run in runs["ebb"]))
    hop, awake_hop = hops(alone), hops(awake)
    late = {name: middle(loaded[name], "p99_us") for name in ("nginx", "ebb")}
    rate = {name: middle(loaded[name], "per_second") for name in ("nginx", "ebb")}
    figures = {"hop.p50": hop["ebb"] / hop["nginx"], "hop.p99": late["ebb"] / late["nginx"]}
    raw = {"one_connection": alone, "one_connection_all_awake": awake if are_awake else None, "full": full, "half": loaded, "pause_ms": pause, "nginx_workers": workers, "versions": compared, "conditions": conditions}
    finish("hop", figures, raw, [
        f"one connection, p50: the program {middle(alone['bare'], 'p50_us'):.0f} us; nginx ({workers} worker processes) adds {hop['nginx']:.0f} us, "
        f"ebb {hop['ebb']:.0f} us; {RUNS} runs of {SECONDS} s each",
        *([f"processors kept awake for all: the program {middle(awake['bare'], 'p50_us'):.0f} us; nginx adds {awake_hop['nginx']:.0f} us, ebb "
           f"{awake_hop['ebb']:.0f} us: {awake_hop['ebb'] / awake_hop['nginx']:.2f} of nginx's hop (information only)"] if are_awake else []),
        f"full load, {CONNECTIONS} connections: nginx {middle(full['nginx'], 'per_second'):.0f} requests/s, ebb {middle(full['ebb'], 'per_second'):.0f}",
        f"half load: nginx {rate['nginx']:.0f} requests/s, p99 {late['nginx']:.0f} us; ebb {rate['ebb']:.0f} requests/s, p99 {late['ebb']:.0f} us",
        *void(conditions),
        f"hop.p50: {figures['hop.p50']:.2f} of nginx's hop (must <= 0.6, stretch <= 0.25)",
        f"hop.p99: {figures['hop.p99']:.2f} of nginx's p99 (must <= 1.0, stretch <= 0.7)",
    ])


if __name__ == "__main__":
    main()
