#!/usr/bin/env python3
"""What is left of the goodput at ten times the load that an endpoint can bear, how fast it refuses, and how soon it is well again

An echo endpoint of few slots, whose answers take a scripted time that varies by chance; every request has a deadline. Calls come at a rate that does not depend
on what becomes of them, from clients that try again (measure/open_loop.py). Capacity is what callers one for each slot get in a closed loop. The peak is the goodput at
that rate: answers a second, each whole within the deadline of its request. Then half of it shows what is normal, ten times of it is the burst, and half of it
again shows how long the burst is felt: the time from its end until the last call that was not answered, or not in half as much again as any normal call took, was sent.
"""
import asyncio
import json
import os
import random
import statistics
import time

from measure import Platform, finish, percentile
from measure.conditions import Conditions, void
from measure.open_loop import Call, Clients

from harness.server import chat

SECONDS, SLOTS, SERVICE_MS, DEADLINE_S = float(os.environ.get("SECONDS_EACH", "30")), 10, 500, 2.0
SETTLE_S = 3  # a phase's first seconds, not counted: the queue finds its length


def request(chance: random.Random) -> bytes:
    body = json.dumps(chat("hello", f"delay_ms={chance.randint(SERVICE_MS // 2, SERVICE_MS * 3 // 2)}", max_tokens=1)).encode()
    return (f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nEbb-Deadline: {DEADLINE_S:g}s\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


async def capacity(clients: Clients, seconds: float) -> float:
    """Answers a second where there is a caller for each slot."""
    end = time.monotonic() + seconds

    async def keep_calling() -> int:
        count = 0
        while time.monotonic() < end:
            answer = await clients.exchange(request(clients.chance))
            assert answer.status == 200, answer
            count += answer.done < end
        return count

    return sum(await asyncio.gather(*(keep_calling() for _ in range(SLOTS)))) / seconds


def is_good(call: Call) -> bool:
    return call.answered and call.tries[-1].done - call.tries[-1].sent <= DEADLINE_S


def goodput(calls: list[Call], begin: float, end: float) -> float:
    """Good answers a second that came in this time."""
    return sum(is_good(call) and begin <= call.tries[-1].done < end for call in calls) / (end - begin)


async def phase(clients: Clients, per_second: float) -> tuple[list[Call], float]:
    """Its calls with their retries, and its goodput."""
    begin = time.monotonic()
    calls = await clients.arrive(per_second, begin, begin + SECONDS)
    return calls, goodput(calls, begin + SETTLE_S, begin + SECONDS)


async def burst_and_after(clients: Clients, rate: float, normal_ms: float) -> dict:
    """The retries of the burst go on while half of the load comes after it."""
    begin = time.monotonic()
    end = begin + SECONDS
    burst, after = await asyncio.gather(clients.arrive(10 * rate, begin, end), clients.arrive(0.5 * rate, end, end + SECONDS))
    felt = [call.due - end for call in after if not is_good(call) or (call.tries[-1].done - call.due) * 1000 > 1.5 * normal_ms]
    refused = [answer.ms for call in burst for answer in call.tries if answer.status in (429, 503)]
    return {"calls": len(burst), "requests": sum(len(call.tries) for call in burst), "goodput": goodput(burst, begin + SETTLE_S, end),
            "good_calls": sum(map(is_good, burst)), "refused_ms": refused, "late": sum(answer.status == 504 for call in burst for answer in call.tries),
            "statuses": sorted({answer.status for call in burst for answer in call.tries}), "recovery_s": max(felt, default=0.0)}


async def measured(port: int) -> dict:
    clients = Clients(port, request, random.Random(3))
    rate = await capacity(clients, SECONDS / 3)
    _, peak = await phase(clients, rate)
    normal, _ = await phase(clients, 0.5 * rate)
    normal_ms = [(call.tries[-1].done - call.due) * 1000 for call in normal]
    burst = await burst_and_after(clients, rate, max(normal_ms))
    clients.close()
    return {"capacity": rate, "peak": peak, "normal_ms": normal_ms, "burst": burst}


def main() -> None:
    with Platform() as server, Conditions() as conditions:
        server.deploy("e", scaling={"max": SLOTS, "idle": "10m", "keep": "10m"})
        assert server.ask("hello").status == 200
        found = asyncio.run(measured(server.port))
    burst = found["burst"]
    figure = burst["goodput"] / found["peak"]
    refused = percentile(burst["refused_ms"], 0.99) if burst["refused_ms"] else float("nan")
    finish("overload", {"overload": figure, "overload.refusal_ms": refused, "overload.recovery_s": burst["recovery_s"]}, {**found, "conditions": conditions}, [
        f"{SLOTS} slots, answers in {SERVICE_MS} ms in the mean, deadlines of {DEADLINE_S:g} s: capacity {found['capacity']:.1f} calls/s, "
        f"peak goodput {found['peak']:.1f}/s; at half of it p50 {statistics.median(found['normal_ms']):.0f} ms, at most {max(found['normal_ms']):.0f} ms",
        f"ten times: {burst['calls']} calls in {SECONDS:.0f} s became {burst['requests']} requests; goodput {burst['goodput']:.1f}/s, "
        f"{len(burst['refused_ms'])} refused, {burst['late']} too late",
        *void(conditions),
        f"overload: {figure:.2f} of the peak goodput at ten times the load (must >= 0.90, stretch >= 0.97)",
        f"overload.refusal: p99 {refused:.1f} ms until a refusal (information only)",
        f"overload.recovery: {burst['recovery_s']:.1f} s until the burst is not felt any more (information only)",
    ])


if __name__ == "__main__":
    main()
