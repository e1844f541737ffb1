"""kill -9 of the server, its workers and its spawner under load; what callers were told is compared with the book after each restart.

Each caller writes down what it was told. After a restart, by the book read from outside:

  lost      a whole answer whose call is not in the book, or with another cost, tenant, key or endpoint
  twice     a call that is in the book more than once
  invented  records of a key and an endpoint beyond the calls that may have run
  overspent money beyond a budget; budgets are set anew for each life of the server, so low that calls are refused
  wrong     a book whose links, sums or check by the server are not those of its entries; a bill or budget that says something else
"""
import asyncio
import collections
import json
import os
import random
import signal
import time

from harness import leaks
from harness.book import Book, money, pico
from harness.waiting import eventually
from soak import world
from soak.caller import Caller, Told
from soak.routes import FUNCTION, ROUTES, Route

CALLERS = 24
DEADLINE_MS = 1000
LIFE_S = 3.0  # a server is killed after this, however few were answered
LIVES_EACH_HOME = 150
COUNTS = ("kills", "kills of servers", "calls", "answers told", "refused by budgets", "left by their callers", "under way at a kill", "entries in the books")
FAULTS = ("lost", "twice", "invented", "overspent units", "wrong")


class Home:
    """One home through many lives of its server."""

    def __init__(self, server, chance: random.Random, function: bool) -> None:
        self.server, self.chance, self.book = server, chance, Book()
        self.found: collections.Counter = collections.Counter()
        self.problems: list[str] = []
        self.log_read = 0
        for name in ("e", "w"):
            server.deploy(name, scaling={"max": 16}, limits={"queue": 500})
        if function:
            world.deploy_function(server, "f")
        self.function = function
        world.add_admin(server)
        self.keys = [world.add_key(server, tenant) for tenant in ("free", "acme", "beta")]
        self.budgets = [("tenant", "acme"), ("key", self.keys[2].line), ("endpoint", "w")]
        self.amounts: dict[tuple[str, str], int] = {}

    # --- one life ---

    def set_budgets(self) -> None:
        """From one worst case beyond what is spent to eight."""
        for budget in self.budgets:
            self.amounts[budget] = self.spent(budget) + int(world.worst_cost(DEADLINE_MS) * self.chance.uniform(1, 8))
            world.set_budget(self.server, *budget, self.amounts[budget])

    def spent(self, budget: tuple[str, str]) -> int:
        of, name = budget
        return sum(record["cost_pico"] for record in self.book.records.values() if record[of] == name)

    async def live(self, workers_to_kill: int) -> list[tuple[world.Key, str, Route, Told]]:
        """Callers call until the server is killed; workers or the spawner die before that."""
        told: list[tuple[world.Key, str, Route, Told]] = []
        over = asyncio.Event()
        callers = [asyncio.create_task(self.keep_calling(told, over)) for _ in range(CALLERS)]
        for left in range(workers_to_kill, -1, -1):
            await self.answered(told, len(told) + self.chance.randint(10, 150))
            if left:
                self.kill_some_worker()
        os.kill(self.server.pid, signal.SIGKILL)  # in the same turn of the loop as the last answer: in the middle of everything
        self.found["kills"] += 1
        self.found["kills of servers"] += 1
        over.set()
        await asyncio.gather(*callers)
        self.server.process.wait(30)
        return told

    async def answered(self, told: list, count: int) -> None:
        until = time.monotonic() + LIFE_S
        while len(told) < count and time.monotonic() < until and self.server.process.poll() is None:
            await asyncio.sleep(0.002)

    def kill_some_worker(self) -> None:
        spawners = [pid for pid in leaks.children(self.server.pid) if (stat := leaks.stat_of(pid)) and stat[0] == "ebb-spawner"]
        if not spawners:
            return
        workers = leaks.descendants(spawners[0])
        victims = self.chance.choices([[self.chance.choice(workers or spawners)], workers, spawners], [7, 2, 1])[0]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
                self.found["kills"] += 1
            except ProcessLookupError:
                pass

    async def keep_calling(self, told: list, over: asyncio.Event) -> None:
        caller, chance = Caller(self.server.port), self.chance
        while not over.is_set():
            function = self.function and chance.random() < 0.02
            route, endpoint, key = FUNCTION if function else chance.choice(ROUTES), "f" if function else chance.choice("eew"), chance.choice(self.keys)
            script = chance.choice(["", f"delay_ms={chance.randint(1, 20)}", "tokens=6 tps=300", "delay_ms=60"]) if route.scripted else ""
            deadline = 30 if script == "delay_ms=60" and chance.random() < 0.5 else DEADLINE_MS
            leave = chance.choice([0, 1, 2]) if chance.random() < 0.1 else None
            body = json.dumps(route.body(endpoint, "one two three four", script)).encode()
            answer = await caller.call(route.path.replace("{e}", endpoint), body, {**key.headers, "Ebb-Deadline": f"{deadline}ms"}, leave)
            told.append((key, endpoint, route, answer))
            if answer.status in (0, 503) and not answer.left:
                await asyncio.sleep(0.005)  # the server, or its workers, come back
        caller.close()

    # --- what is in the book ---

    def audit(self, told: list[tuple[world.Key, str, Route, Told]]) -> None:
        new = {entry["call"]: entry for entry in self.book.read(self.server) if entry["tier"] != "init"}
        self.book.check(self.server)
        calls = self.calls_in_log()
        may_have_run: collections.Counter = collections.Counter()
        unnamed = []
        for key, endpoint, route, answer in told:
            good = answer.status == 200 and answer.whole and route.ends in answer.body
            self.count(answer, good)
            if not good:
                may_have_run[key.line, endpoint] += not answer.refusal
                continue
            call = answer.call or calls.get(answer.request)
            record = new.pop(call, None) if call else None
            if call is None:
                unnamed.append((key, endpoint, answer))
            elif record is None or not self.fits(record, key, endpoint, answer):
                self.fault("lost", f"{route.name} {call} of {key.tenant} at {endpoint} was told to cost {answer.cost}, the book has {record}")
        # Killed between the answer and its line in the log: told by what they cost.
        for key, endpoint, answer in unnamed:
            call = next((call for call, record in new.items() if self.fits(record, key, endpoint, answer)), None)
            if call is None:
                self.fault("lost", f"request {answer.request} of {key.tenant} at {endpoint} was told to cost {answer.cost}, the book has none of that cost left")
            else:
                new.pop(call)
        for whose, many in collections.Counter((record["key"], record["endpoint"]) for record in new.values()).items():
            if many > may_have_run[whose]:
                self.fault("invented", f"{many} records of {whose} that nobody was told of, {may_have_run[whose]} calls may have run: "
                           f"{[record for record in new.values() if (record['key'], record['endpoint']) == whose]}")

    def count(self, answer: Told, good: bool) -> None:
        self.found["calls"] += 1
        self.found["answers told"] += good
        self.found["refused by budgets"] += bool(answer.refusal)
        self.found["left by their callers"] += answer.left
        self.found["under way at a kill"] += not good and not answer.left and not answer.whole

    @staticmethod
    def fits(record: dict, key: world.Key, endpoint: str, answer: Told) -> bool:
        costs = answer.cost is None or record["cost_pico"] == pico(answer.cost)
        return (record["tenant"], record["key"], record["endpoint"], record["outcome"]) == (key.tenant, key.line, endpoint, "ok") and costs

    def calls_in_log(self) -> dict[str, str]:
        """The calls of requests, where the log came to tell."""
        with open(self.server.log_path, "rb") as log:
            log.seek(self.log_read)
            lines = log.read().splitlines()
            self.log_read = log.tell()
        found = {}
        for line in lines:
            if b'"msg":"request"' in line and b'"call":' in line and line.endswith(b"}"):
                entry = json.loads(line)
                found[entry["request"]] = entry["call"]
        return found

    def check_budgets(self) -> None:
        rows = {(row["of"], row["name"]): row for row in self.server.get("/ebb/v1/budgets").json["budgets"]}
        for budget, amount in self.amounts.items():
            spent, row = self.spent(budget), rows[budget]
            if spent > amount:
                self.fault("overspent units", f"{spent} of {amount} are spent of the budget of {budget}", spent - amount)
            if (row["spent_pico"], row["held_pico"], row["amount_pico"] if "amount_pico" in row else pico(row["amount"])) != (spent, 0, amount):
                self.fault("wrong", f"the budget of {budget} is {row}, by the book {money(spent)} are spent")

    def check_all(self) -> None:
        """By the commands, at the end of a home."""
        said = json.loads(self.server.ebb("ledger", "verify", "--json").stdout)
        exported = [json.loads(line) for line in self.server.ebb("usage", "export").stdout.splitlines()]
        debits = sum(pico(line.split(",")[4]) for line in self.server.ebb("ledger", "export", "--csv").stdout.splitlines()[1:] if line.split(",")[4])
        sums = {"verify": said["cost_pico"], "export": sum(record["cost_pico"] for record in exported), "debits": debits,
                "bill": self.server.bill()["total"]["cost_pico"]}
        if set(sums.values()) != {self.book.cost}:
            self.fault("wrong", f"the book costs {self.book.cost}, {sums}")
        if {record["call"] for record in exported} != self.book.records.keys() or len(exported) != len(self.book.records):
            self.fault("wrong", f"{len(exported)} records are exported, the book has {len(self.book.records)}")
        self.found["entries in the books"] += self.book.number

    def fault(self, what: str, how: str, many: int = 1) -> None:
        self.found[what] += many
        self.problems.append(f"{what}: {how}")

    def one_life(self) -> None:
        self.set_budgets()
        told = asyncio.run(self.live(self.chance.choice([0, 0, 1, 2])))
        self.server.start()
        self.audit(told)
        self.check_budgets()
        for how in self.book.wrong:
            self.fault("twice" if "twice" in how else "wrong", how)
        self.book.wrong.clear()
        self.found["lives"] += 1


def soak(kills: int, seed: int) -> dict:
    """Until so many servers were killed, besides workers. Gives the counts, and the faults with what they were."""
    print(f"kills: seed {seed}, {kills} kills of servers", flush=True)
    chance, found, problems = random.Random(seed), collections.Counter(), []
    begun = time.monotonic()
    function = not world.why_no_function()
    while found["lives"] < kills:
        with world.new_server() as server:
            home = Home(server, chance, function)
            while found["lives"] + home.found["lives"] < kills and home.found["lives"] < LIVES_EACH_HOME:
                home.one_life()
            eventually(lambda: not any(row["held_pico"] for row in server.get("/ebb/v1/budgets").json["budgets"]), 30, "something is held for ever")
            home.check_all()
        found.update(home.found)
        problems += home.problems
    return {"seed": seed, "seconds": round(time.monotonic() - begun, 1), "function": function, **{name: found[name] for name in (*COUNTS, *FAULTS)},
            "problems": problems[:20]}
