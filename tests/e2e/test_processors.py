"""Idle processors are kept awake while calls come close together, where the machine lets the server ask for it."""
import os
import threading

import pytest

from harness.waiting import eventually

DEVICE = "/dev/cpu_dma_latency"
may_ask = os.access(DEVICE, os.W_OK)


def awake(server) -> bool:
    return "\nebb_processors_awake 1\n" in server.get("/metrics").body.decode()


@pytest.mark.skipif(not may_ask, reason=f"{DEVICE} is not ours to open")
def test_awake_under_calls_and_asleep_after_them(server):
    server.deploy(scaling={"max": 8, "idle": "10m"})
    assert "processors asleep when idle; kept awake while calls come close together" in server.ebb("status").stdout
    done = threading.Event()

    def call() -> None:
        while not done.is_set():
            assert server.ask("a").status == 200

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        eventually(lambda: awake(server), 30, "calls came one after the other, and processors were not kept awake")
    finally:
        done.set()
        for caller in callers:
            caller.join()
    eventually(lambda: not awake(server), 30, "no calls came, and processors were kept awake")


@pytest.mark.skipif(may_ask, reason=f"{DEVICE} is ours to open")
def test_where_it_may_not_ask_it_says_so(server):
    assert f"processors asleep when idle: {DEVICE} cannot be opened" in server.ebb("status").stdout
