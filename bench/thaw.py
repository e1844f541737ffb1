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


class Chain:
    """The program alone, and behind two that do nothing but pass requests on: as many processes as stand between a caller and a function."""

    def __enter__(self) -> "Chain":
        self.ports = [free_port() for _ in range(3)]
        self.programs = []
        for number, port in enumerate(self.ports):
            behind = {"FORWARD": str(self.ports[number - 1])} if number else {}
            self.programs.append(subprocess.Popen([NOOP], env={"PORT": str(port), **behind}))
            eventually(lambda port=port: is_open(port), 10, "the program never listened")
        return self

    def __exit__(self, *_) -> None:
        for program in self.programs:
            program.kill()
            program.wait()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder, Chain() as chain, Platform() as server, Requests() as requests:
        deploy_noop(server, pathlib.Path(folder), ["noop"], idle="20ms", keep="10m")
        requests.burst((server.port, "/invoke/noop"))
        ours, alone, behind, warm = [], [], [], []
        for _ in range(RUNS):
            server.wait_for_state("parked", "noop", 30)
            alone.append(requests.burst((chain.ports[0], "/")))
            behind.append(requests.burst((chain.ports[2], "/")))
            ours.append(requests.burst((server.port, "/invoke/noop")))
            warm.append(requests.burst((server.port, "/invoke/noop")))
    ratio = statistics.median(ours) / statistics.median(alone)
    limit = statistics.median(behind) / statistics.median(alone)
    finish("thaw", {"thaw": ratio, "chain": limit, "warm": statistics.median(warm) / statistics.median(alone)},
           {"frozen_us": ours, "warm_us": warm, "socket_us": alone, "chain_us": behind}, [
        f"round trip to the program alone: p50 {statistics.median(alone):.0f} us; behind two that only pass it on: p50 {statistics.median(behind):.0f} us, {limit:.1f} of it",
        f"call to a frozen instance: p50 {statistics.median(ours):.0f} us, p99 {percentile(ours, 0.99):.0f} us; again at once: p50 {statistics.median(warm):.0f} us",
        f"thaw: {ratio:.1f} of a local round trip (must <= 6, stretch <= 3)",
    ])


if __name__ == "__main__":
    main()
