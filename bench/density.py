#!/usr/bin/env python3
"""Memory of eight executions of an ONNX model at once, against one

PSS of the worker's process while as many callers ask for vectors without a pause: the most that was seen. Another server's programs would share pages with this one's,
so none may run. The worker starts anew for each look.
"""
import os
import statistics
import threading

from measure import Platform, finish, pss_kib, refuse_company, tree
from measure.onnx import Texts, deploy_sentences

RUNS, CALLS = int(os.environ.get("RUNS", "7")), 60


def peak_kib(server, executions: int) -> int:
    server.wait_for_state("absent", "sentences", 30)
    callers = [Texts(server) for _ in range(executions)]
    callers[0].call()
    worker = max(server.worker_pids(), key=lambda pid: pss_kib([pid]))  # the others are blank
    ended = threading.Event()
    looks = []

    def look() -> None:
        while not ended.is_set():
            looks.append(pss_kib([worker]))

    watcher = threading.Thread(target=look)
    askers = [threading.Thread(target=lambda caller=caller: [caller.call() for _ in range(CALLS)]) for caller in callers]
    watcher.start()
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    ended.set()
    watcher.join()
    return max(looks)


def main() -> None:
    refuse_company([])
    with Platform() as server:
        deploy_sentences(server, idle="200ms", keep="50ms")
        one, eight = [], []
        for _ in range(RUNS):
            one.append(peak_kib(server, 1))
            eight.append(peak_kib(server, 8))
        refuse_company(tree(server))
    ratio = statistics.median(eight) / statistics.median(one)
    finish("density", {"density": ratio}, {"one_kib": one, "eight_kib": eight}, [
        f"PSS of the worker: one execution {statistics.median(one) / 1024:.1f} MiB, eight {statistics.median(eight) / 1024:.1f} MiB",
        f"density: {ratio:.3f} of one execution (must <= 1.10, stretch <= 1.03)",
    ])


if __name__ == "__main__":
    main()
