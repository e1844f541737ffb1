#!/usr/bin/env python3
"""Memory of the whole platform with a hundred idle endpoints against none, and its CPU share in an idle minute

Memory is PSS, summed over server, spawner, blanks and workers. Both states have served before: none is measured after an endpoint was
called and removed, the hundred were each called once and have gone away by themselves. Pages of programs that another server of this machine
maps as well would count half, so none may run.
"""
import os
import pathlib
import statistics
import sys
import time

from measure import Platform, finish, pss_kib, refuse_company, tree
from measure.llama import QUIET, deploy_model, first_token, prompts

from harness.waiting import eventually

ENDPOINTS = 100
MINUTE = float(os.environ.get("SECONDS_IDLE", "60"))


def cpu_seconds(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def settled_pss(server) -> float:
    """The median of some looks, once no worker is left and the blanks are ready again."""
    eventually(lambda: server.get("/ebb/v1/status").json["workers"] == 0 and len(tree(server)) == QUIET, 30, f"the platform never settled at {QUIET} processes")
    looks = []
    for _ in range(9):
        time.sleep(0.3)  # a sample over time, not a wait for something
        looks.append(pss_kib(tree(server)))
    return statistics.median(looks)


def main() -> None:
    refuse_company([])
    with Platform() as server:
        words = prompts(seed=3)
        deploy_model(server, "first", idle="50ms", keep="50ms")
        first_token(server, "first", next(words))
        server.request("DELETE", "/ebb/v1/endpoints/first")
        none = settled_pss(server)
        names = [f"endpoint-{number}" for number in range(ENDPOINTS)]
        for name in names:
            deploy_model(server, name, idle="50ms", keep="50ms")
        deployed = settled_pss(server)
        for name in names:
            first_token(server, name, next(words))
        for name in names:
            server.wait_for_state("absent", name, 60)
        called = settled_pss(server)
        refuse_company(tree(server))
        pids = tree(server)
        before, begun = cpu_seconds(pids), time.monotonic()
        time.sleep(MINUTE)
        cpu = (cpu_seconds(pids) - before) / (time.monotonic() - begun)

    ratio = called / none
    finish("idle", {"idle": ratio, "cpu-share": cpu, "deployed-only": deployed / none},
           {"none_kib": none, "deployed_kib": deployed, "called_kib": called, "processes": len(pids), "cpu_share": cpu}, [
        f"PSS of {len(pids)} processes: none {none / 1024:.1f} MiB; {ENDPOINTS} deployed {deployed / 1024:.1f} MiB; each called once and gone {called / 1024:.1f} MiB",
        f"CPU in an idle minute: {cpu * 100:.2f} % of one core",
        f"idle.deployed: {deployed / none:.3f} of the memory without endpoints (must <= 1.05, stretch <= 1.01)",
        f"idle.called: {ratio:.3f} of the memory without endpoints (must <= 1.05, stretch <= 1.01)",
    ])


if __name__ == "__main__":
    main()
