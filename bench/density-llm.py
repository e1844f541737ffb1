#!/usr/bin/env python3
"""Memory of eight executions of a language model at once, against one, and against eight llama.cpp servers

PSS, the most that was seen. Each call fills its context with a prompt of its own, so that the whole cache of each is touched and its size can be taken off.
Against one execution Ebb's worker is looked at; against llama.cpp's servers, each a process with one slot, all of Ebb's processes. Those servers answer one
after the other, since they give nothing back, and never while Ebb has a worker: both would map the same file, and each page would count half.
"""
import os
import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from measure import Platform, finish, huge_page_share, pss_kib, refuse_company, tree
from measure.conditions import Conditions, void
from measure.llama_server import LlamaServer, require_llama_server, versions_with_llama_server
from measure.model_file import ModelFile
from measure.streams import completed, deploy_with_context, new_prompt

from harness.server import DEMO_MODEL

RUNS, EXECUTIONS, CONTEXT, ANSWER = int(os.environ.get("RUNS", "5")), 8, int(os.environ.get("CONTEXT", "1024")), 32
CACHE_KIB = ModelFile(DEMO_MODEL).kv_bytes * CONTEXT / 1024
CHANCE = random.Random(3)


def fill(port: int, **more) -> None:
    completed(port, new_prompt(CHANCE, CONTEXT - ANSWER), ANSWER, **more)


def look(server) -> dict[str, float]:
    workers = server.worker_pids()
    worker = max(workers, key=lambda pid: pss_kib([pid]), default=0)  # the others are blank
    return {"worker_kib": pss_kib([worker]), "all_kib": pss_kib(tree(server)), "huge_page_share": huge_page_share([worker]),
            "slots_busy": server.endpoint("chat")["slots_busy"]}


def of_ebb(server, executions: int) -> dict[str, float]:
    """The most of each from an absent endpoint to the last answer. Its slots keep what they hold for some seconds after."""
    server.wait_for_state("absent", "chat", 60)
    with ThreadPoolExecutor(executions) as callers:
        calls = [callers.submit(fill, server.port, model="chat") for _ in range(executions)]
        looks = []
        while not looks or not all(call.done() for call in calls):
            looks.append(look(server))
            time.sleep(0.2)  # a sample over time, not a wait for something
        for call in calls:
            call.result()
    looks.append(look(server))
    most = {name: max(seen[name] for seen in looks) for name in looks[0]}
    if most["slots_busy"] != executions:
        sys.exit(f"bench: {most['slots_busy']} executions ran at once, not {executions}")
    return most


def of_llama_servers(threads: int) -> dict[str, float]:
    with ExitStack() as running:
        servers = [running.enter_context(LlamaServer(1, CONTEXT, threads)) for _ in range(EXECUTIONS)]
        for server in servers:
            fill(server.port)
        pids = [server.pid for server in servers]
        return {"all_kib": pss_kib(pids), "huge_page_share": huge_page_share(pids)}


def without_cache(runs: list[dict], what: str, executions: int) -> float:
    return statistics.median(run[what] for run in runs) - CACHE_KIB * executions


def main() -> None:
    require_llama_server()
    refuse_company([])
    threads = len(os.sched_getaffinity(0))
    one, eight, peers = [], [], []
    with Platform() as server, Conditions() as conditions:
        deploy_with_context(server, "chat", CONTEXT, max=EXECUTIONS, idle="3s", keep="50ms")
        for _ in range(RUNS):
            one.append(of_ebb(server, 1))
            eight.append(of_ebb(server, EXECUTIONS))
            server.wait_for_state("absent", "chat", 60)
            peers.append(of_llama_servers(threads))
        refuse_company(tree(server))

    single, many = without_cache(one, "worker_kib", 1), without_cache(eight, "worker_kib", EXECUTIONS)
    ours, theirs = without_cache(eight, "all_kib", EXECUTIONS), without_cache(peers, "all_kib", EXECUTIONS)
    cache = CACHE_KIB * EXECUTIONS
    figures = {"density-llm": many / single, "density-llm.peer": ours / theirs}
    raw = {"one": one, "eight": eight, "llama_servers": peers, "cache_of_one_kib": CACHE_KIB, "context": CONTEXT, "conditions": conditions,
           "versions": versions_with_llama_server()}
    finish("density-llm", figures, raw, [
        f"PSS of the worker, without {CACHE_KIB / 1024:.1f} MiB of cache for each: one execution {single / 1024:.1f} MiB, {EXECUTIONS} {many / 1024:.1f} MiB",
        f"PSS of all processes, without that: Ebb with {EXECUTIONS} executions {ours / 1024:.1f} MiB, {EXECUTIONS} llama-servers {theirs / 1024:.1f} MiB; "
        f"{RUNS} runs",
        f"of the llama-servers Ebb's worker alone is {many / theirs:.2f}, all of Ebb with all cache {(ours + cache) / (theirs + cache):.2f} (information only)",
        *void(conditions),
        f"density-llm: {figures['density-llm']:.3f} of one execution (must <= 1.10, stretch <= 1.03)",
        f"density-llm.peer: {figures['density-llm.peer']:.2f} of {EXECUTIONS} llama-servers (must <= 0.35, stretch <= 0.20)",
    ])


if __name__ == "__main__":
    main()
