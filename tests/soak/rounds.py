"""Rounds of calls at once against budgets, and a reference that knows what it may know from outside: what callers sent, when, and what they were told.

A call may be refused for good (`insufficient_quota`) only if its worst case is more than a budget has left, and for now (`budget_held`) only if calls that
run hold what is left. For each refusal the reference adds up what may have been spent and held at that time at most: what the calls cost that were sent
before the refusal came, and the worst case of those that were not over when it was asked for. If the refused call fits even so, it was refused falsely. With
one call at a time that is exact, and then the other way round too: a call that is let in must have fitted.

  overspent   units beyond a budget, over all rounds
  refused     falsely
  let in      that could not fit (one at a time)
  unlike      budgets of which the server says something else than the book, or calls that were refused and are in the book
"""
import asyncio
import bisect
import collections
import itertools
import json
import random
import time

from harness.book import Book
from harness.waiting import eventually
from soak import world
from soak.caller import Caller, Told
from soak.routes import ROUTES

CONCURRENCY = {1: 15, 8: 100, 64: 500, 512: 1500}  # calls of a round
KINDS = ("tenant", "key", "endpoint")
LIMIT_MS = 10_000  # of a call's time, where its deadline is not shorter
SLACK_MS = 200  # between its arrival and the look at its budgets, at most
AMPLE = 10**15
COUNTS = ("rounds", "calls", "answers", "refused for good", "refused for now", "refused otherwise", "too late", "left by their callers")
FAULTS = ("overspent units", "refused falsely", "let in", "unlike")
REFUSALS = {"insufficient_quota": "refused for good", "budget_held": "refused for now"}


class Made:
    """A call that was made."""

    def __init__(self, deadline_ms: int, told: Told) -> None:
        self.deadline_ms, self.told = deadline_ms, told
        self.worst = world.worst_cost(min(deadline_ms, LIMIT_MS))
        self.refusal = told.refusal
        self.cost: int | None = None  # None: not in the book


class Gone:
    """What may have been spent and held at most, at a time."""

    def __init__(self, made: list[Made]) -> None:
        ran = [one for one in made if not one.refusal]
        self.sent, self.worst = self.sums((one.told.sent, one.worst) for one in ran)
        self.over, self.saved = self.sums((one.told.ended, one.worst - one.cost) for one in ran if one.told.whole and one.cost is not None)

    @staticmethod
    def sums(pairs) -> tuple[list[float], list[int]]:
        ordered = sorted(pairs)
        return [at for at, _ in ordered], [0, *itertools.accumulate(amount for _, amount in ordered)]

    def most(self, refused: Made) -> int:
        """The worst cases of all that were sent before the refusal came; what those cost less that were over when it was asked for is free again."""
        sent = bisect.bisect_left(self.sent, refused.told.ended)
        return self.worst[sent] - self.saved[bisect.bisect_right(self.over, refused.told.sent)]


class Rounds:
    def __init__(self, server, chance: random.Random) -> None:
        self.server, self.chance, self.book = server, chance, Book()
        self.found: collections.Counter = collections.Counter()
        self.problems: list[str] = []
        server.deploy("e", scaling={"max": 64}, limits={"queue": 1000, "time": f"{LIMIT_MS}ms"})
        world.add_admin(server)
        self.key = world.add_key(server, "acme")
        self.names = {"tenant": "acme", "key": self.key.line, "endpoint": "e"}
        self.log_read = 0

    def one_round(self, concurrency: int, calls: int) -> None:
        spent = self.book.cost  # all calls are of one tenant, by one key, at one endpoint
        room = {kind: AMPLE for kind in KINDS}
        for kind in self.chance.sample(KINDS, self.chance.randint(1, 3)):
            room[kind] = int(world.worst_cost(1000) * self.chance.choice([0.5, 1.1, 2, 5, concurrency, 3 * concurrency, 9 * concurrency]) + 250_000 * self.chance.randint(0, calls))
        for kind in KINDS:
            world.set_budget(self.server, kind, self.names[kind], spent + room[kind])
        made = asyncio.run(self.call_all(concurrency, calls))
        rows = self.when_nothing_is_held()
        self.learn_costs(made)
        self.check_budgets(rows, {kind: spent + room[kind] for kind in KINDS})
        self.check_refusals(made, min(room.values()), concurrency)
        self.found["rounds"] += 1

    def when_nothing_is_held(self) -> list[dict]:
        def rows():
            budgets = self.server.get("/ebb/v1/budgets").json["budgets"]
            return budgets if not any(row["held_pico"] for row in budgets) else None

        return eventually(rows, 60, "something is held for ever")

    async def call_all(self, concurrency: int, calls: int) -> list[Made]:
        made: list[Made] = []
        left = iter(range(calls))
        await asyncio.gather(*(self.keep_calling(left, made, concurrency) for _ in range(concurrency)))
        return made

    async def keep_calling(self, left, made: list[Made], concurrency: int) -> None:
        caller, chance = Caller(self.server.port), self.chance
        for _ in left:
            route = chance.choice(ROUTES)
            script = chance.choice(["", f"delay_ms={chance.randint(1, 30)}", "tokens=4 tps=200", "delay_ms=120"]) if route.scripted else ""
            deadline = chance.choice([100, 1000, 1000, 3000, 20_000])
            body = json.dumps(route.body("e", "one two three", script)).encode()
            leave = chance.choice([0, 1, 2]) if chance.random() < 0.1 else None
            told = await caller.call(route.path.replace("{e}", "e"), body, {**self.key.headers, "Ebb-Deadline": f"{deadline}ms"}, leave)
            made.append(Made(deadline, told))
            if concurrency == 1:
                self.learn_cost(made[-1])
            elif made[-1].refusal == "budget_held":
                await asyncio.sleep(chance.random() * concurrency / 2000)
        caller.close()

    # --- the reference ---

    def learn_cost(self, one: Made) -> None:
        """One at a time: what is new in the book once nothing is held is its record. Nobody else waits for the loop meanwhile."""
        self.when_nothing_is_held()
        new = self.book.read(self.server)
        one.cost = sum(entry["cost_pico"] for entry in new) if new else None
        if len(new) > 1:
            self.fault("unlike", f"one call has {len(new)} records: {new}")

    def learn_costs(self, made: list[Made]) -> None:
        """From the book; where an answer did not say which call it was, the server's log does."""
        new = {entry["call"]: entry for entry in self.book.read(self.server)}
        calls = self.calls_in_log()
        for one in made:
            record = new.pop(one.told.call or calls.get(one.told.request), None)
            if record is not None:
                one.cost = record["cost_pico"]
        if len(new) > sum(one.told.left and not one.told.request for one in made):
            self.fault("unlike", f"{len(new)} records of calls that nobody made, for one {next(iter(new.values()))}")
        for how in self.book.wrong:
            self.fault("unlike", how)
        self.book.wrong.clear()

    def calls_in_log(self) -> dict[str, str]:
        with open(self.server.log_path, "rb") as log:
            log.seek(self.log_read)
            entries = [json.loads(line) for line in log if b'"msg":"request"' in line and b'"call":' in line]
            self.log_read = log.tell()
        return {entry["request"]: entry["call"] for entry in entries}

    def check_budgets(self, rows: list[dict], amounts: dict[str, int]) -> None:
        for row in rows:
            amount = amounts[row["of"]]
            if self.book.cost > amount:
                self.fault("overspent units", f"{self.book.cost} of {amount} are spent of the budget of {row['of']} {row['name']}", self.book.cost - amount)
            if row["spent_pico"] != self.book.cost:
                self.fault("unlike", f"{row} is said, {self.book.cost} are in the book")

    def check_refusals(self, made: list[Made], room: int, concurrency: int) -> None:
        """`room`: the least that any budget had left at the beginning of the round."""
        alone, gone = concurrency == 1, Gone(made)
        spent = 0  # of those before, where it is exact
        for one in made:
            self.count(one)
            most = spent if alone else gone.most(one)
            if one.refusal and one.worst <= room - most:
                self.fault("refused falsely", f"{one.refusal} at {concurrency} at once: it may cost {one.worst}, {room - most} are left at least: {one.told.body[:300]!r}")
            if one.refusal and one.cost is not None:
                self.fault("unlike", f"a call that was refused is in the book: {one.told.headers}")
            least = world.worst_cost(max(0, min(one.deadline_ms, LIMIT_MS) - SLACK_MS))
            if alone and one.cost is not None and least > room - spent:
                self.fault("let in", f"it may cost {least} at least, {room - spent} are left: {one.told.body[:300]!r}")
            spent += one.cost or 0

    def count(self, one: Made) -> None:
        self.found["calls"] += 1
        told = one.told
        kind = REFUSALS.get(one.refusal) or ("left by their callers" if told.left else "answers" if told.status == 200 else
                                             "too late" if told.status == 504 else "refused otherwise")
        self.found[kind] += 1

    def fault(self, what: str, how: str, many: int = 1) -> None:
        self.found[what] += many
        self.problems.append(f"{what}: {how}")


def soak(calls: int, seed: int) -> dict:
    """Rounds of so many calls in all, at 1, 8, 64 and 512 at once. Gives the counts, and the faults with what they were."""
    print(f"rounds: seed {seed}, {calls} calls", flush=True)
    begun = time.monotonic()
    chance = random.Random(seed)
    with world.new_server() as server:
        rounds = Rounds(server, chance)
        while rounds.found["calls"] < calls:
            for concurrency, many in CONCURRENCY.items():
                rounds.one_round(concurrency, chance.randint(many // 2, many))
        rounds.book.check(server)
        for how in rounds.book.wrong:
            rounds.fault("unlike", how)
    found = rounds.found
    return {"seed": seed, "seconds": round(time.monotonic() - begun, 1), **{name: found[name] for name in (*COUNTS, *FAULTS)}, "problems": rounds.problems[:20]}
