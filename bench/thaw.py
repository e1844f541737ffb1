#!/usr/bin/env python3
"""A call to a frozen instance of a container function, against a round trip to the same program over a local socket

Both by the same small client on connections that are open. The instance is frozen before each call; round trips alternate with calls.
"""
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile

from measure import Platform, finish, percentile
from measure.functions import NOOP, Requests, deploy_noop

from harness.waiting import eventually

RUNS = int(os.environ.get("RUNS", "200"))


def is_open(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def main() -> None:
    port = free_port()
    alone = subprocess.Popen([NOOP], env={"PORT": str(port)})
    try:
        eventually(lambda: is_open(port), 10, "the program never listened")
        with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder, Platform() as server, Requests() as requests:
            deploy_noop(server, pathlib.Path(folder), ["noop"], idle="20ms", keep="10m")
            requests.burst((server.port, "/invoke/noop"))
            ours, theirs, warm = [], [], []
            for _ in range(RUNS):
                server.wait_for_state("parked", "noop", 30)
                theirs.append(requests.burst((port, "/")))
                ours.append(requests.burst((server.port, "/invoke/noop")))
                warm.append(requests.burst((server.port, "/invoke/noop")))
    finally:
        alone.kill()
        alone.wait()
    ratio = statistics.median(ours) / statistics.median(theirs)
    finish("thaw", {"thaw": ratio, "warm": statistics.median(warm) / statistics.median(theirs)}, {"frozen_us": ours, "warm_us": warm, "socket_us": theirs}, [
        f"round trip to the program alone: p50 {statistics.median(theirs):.0f} us",
        f"call to a frozen instance: p50 {statistics.median(ours):.0f} us, p99 {percentile(ours, 0.99):.0f} us; to a warm one: p50 {statistics.median(warm):.0f} us",
        f"thaw: {ratio:.1f} of a local round trip (must <= 6, stretch <= 3)",
    ])


if __name__ == "__main__":
    main()
