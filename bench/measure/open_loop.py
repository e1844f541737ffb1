"""Calls that come by chance at a given rate, whatever becomes of those before them, from clients that try again as OpenAI's do.

A client tries three times: again after a 408, 409, 429 or 5xx, when the server says (Retry-After-Ms, Retry-After), else after half a second and then a second, up
to a quarter less by chance; X-Should-Retry has the last word. Connections are kept and used again. One thread: a few thousand requests a second at most.
"""
import asyncio
import random
import time
from dataclasses import dataclass, field

TRIES = 3
FIRST_WAIT_S, WAIT_MAX_S, RETRY_AFTER_MAX_S = 0.5, 8, 120


@dataclass
class Answer:
    sent: float  # by time.monotonic()
    done: float
    status: int
    headers: dict[str, str]

    @property
    def ms(self) -> float:
        return (self.done - self.sent) * 1000


@dataclass
class Call:
    """One call of a client: what each of its tries got."""
    due: float
    tries: list[Answer] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        return self.tries[-1].status == 200


def wait_before_retry(answer: Answer, tried: int, chance: random.Random) -> float | None:
    """Seconds; None: no other try."""
    told = answer.headers.get("x-should-retry")
    again = answer.status in (408, 409, 429) or answer.status >= 500
    if tried == TRIES or told == "false" or not (again or told == "true"):
        return None
    for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
        if name in answer.headers:
            seconds = float(answer.headers[name]) / divisor
            if seconds > RETRY_AFTER_MAX_S:
                return None
            if seconds > 0:
                return seconds
    return min(FIRST_WAIT_S * 2 ** (tried - 1), WAIT_MAX_S) * (1 - 0.25 * chance.random())


class Clients:
    """All clients of one server. `request` makes the bytes of a call, by chance."""

    def __init__(self, port: int, request, chance: random.Random) -> None:
        self.port, self.request, self.chance = port, request, chance
        self.kept: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def exchange(self, request: bytes) -> Answer:
        reader, writer = self.kept.pop() if self.kept else await asyncio.open_connection("127.0.0.1", self.port)
        sent = time.monotonic()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        await reader.readexactly(int(headers["content-length"]))
        answer = Answer(sent, time.monotonic(), int(head[0].split()[1]), headers)
        if headers.get("connection", "").lower() == "close":
            writer.close()
        else:
            self.kept.append((reader, writer))
        return answer

    async def run(self, call: Call) -> None:
        request = self.request(self.chance)
        while True:
            call.tries.append(await self.exchange(request))
            wait = wait_before_retry(call.tries[-1], len(call.tries), self.chance)
            if wait is None:
                return
            await asyncio.sleep(wait)

    async def arrive(self, per_second: float, begin: float, end: float) -> list[Call]:
        """Calls at intervals of an exponential distribution from begin to end; returns when all have their last answer."""
        calls, tasks = [], []
        due = begin + self.chance.expovariate(per_second)
        while due < end:
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            calls.append(Call(due))
            tasks.append(asyncio.create_task(self.run(calls[-1])))
            due += self.chance.expovariate(per_second)
        await asyncio.gather(*tasks)
        return calls

    def close(self) -> None:
        for _, writer in self.kept:
            writer.close()
