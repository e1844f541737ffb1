"""A server that is killed at each of its syncs, before and after it: what it had said is true of the next one, and nothing is half done.

The whole story of a home is told from the beginning: an endpoint, tenants, keys, budgets, prices, limits, calls. The server dies somewhere in it; the next one
must know all that was answered, takes the story up where it broke off, and ends with books that are right. `EBB_CRASH_EVERY=1` takes every point, not some.
"""
import itertools
import json
import os
import pathlib
import subprocess

import pytest

from harness import leaks
from harness.accounts import as_tenant
from harness.book import pico
from harness.server import Server, chat
from harness.waiting import BIN, eventually

EVERY = int(os.environ.get("EBB_CRASH_EVERY", "9"))
DIED = (OSError, EOFError, AssertionError)  # of a request to a server that is gone; http.client's own are of the first


@pytest.fixture(scope="session")
def shim(tmp_path_factory) -> pathlib.Path:
    library = tmp_path_factory.mktemp("crash") / "crash_point.so"
    source = pathlib.Path(__file__).parents[1] / "harness/crash_point.c"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


class Story:
    """What is done to a server step by step, and what it must know of that afterwards."""

    def __init__(self, home: pathlib.Path, shim: pathlib.Path) -> None:
        self.server, self.shim = Server(home), shim
        self.tried: set[str] = set()
        self.done: set[str] = set()
        self.keys: dict[str, str] = {}
        self.told: dict[str, int] = {}

    # --- steps: a name, and a request; what it answers is kept ---

    def steps(self):
        put = lambda path, body, wanted: (lambda: self.expect("PUT", path, body, wanted))  # noqa: E731
        yield "endpoint", put("/ebb/v1/endpoints/e", {"endpoint": "e", "engine": "echo", "scaling": {"min": 1}}, (200, 201))
        yield "us", put("/ebb/v1/tenants/us", {}, (200,))
        yield "admin", lambda: self.make_key("us", "admin")
        yield "acme", put("/ebb/v1/tenants/acme", {}, (200,))
        yield "invoke", lambda: self.make_key("acme", "invoke")
        yield "budget", put("/ebb/v1/budgets/tenant/acme/total", {"amount": "5"}, (200,))
        yield "prices", lambda: self.expect("POST", "/ebb/v1/prices", {"per_gib_second": "0.001", "per_call": "0.01"}, (200,))
        yield "limit", put("/ebb/v1/limits/tenant/acme/requests", {"limit": "1000/hour"}, (200,))
        for number in range(4):
            yield f"call {number}", self.call
        yield "budget again", put("/ebb/v1/budgets/tenant/acme/total", {"amount": "7"}, (200,))
        yield "last call", self.call

    def expect(self, method: str, path: str, body: dict, wanted: tuple) -> None:
        answer = self.server.request(method, path, body)
        assert answer.status in wanted or (answer.status == 409 and "already" in str(answer.body)), (path, answer)

    def make_key(self, tenant: str, scope: str) -> None:
        answer = self.server.request("POST", "/ebb/v1/keys", {"tenant": tenant, "scopes": scope})
        assert answer.status == 200, answer
        self.keys[scope] = answer.json["key"]
        if scope == "admin":
            self.server.key = answer.json["key"]

    def call(self) -> None:
        answer = self.server.request("POST", "/v1/chat/completions", chat("hello"), as_tenant(self.keys["invoke"]))
        assert answer.status == 200, answer
        self.told[answer.json["id"].split("-")[1]] = pico(answer.headers["ebb-cost"])

    # --- its lives ---

    def live(self, crash: str = "") -> bool:
        """Goes on with the story; false: the server died."""
        self.server.inside = ["env", f"LD_PRELOAD={self.shim}", f"EBB_TEST_CRASH={crash}"] if crash else []
        try:
            self.start()
            self.remembers()
            for name, step in self.steps():
                if name not in self.done:
                    self.tried.add(name)
                    step()
                    self.done.add(name)
            return self.server.terminate() == 0
        except DIED:
            died = eventually(lambda: self.server.process.poll(), 10, otherwise=None)
            if not crash or died not in (-9, 137):
                raise
            eventually(lambda: not any(leaks.is_alive(pid) for pid in leaks.children(self.server.pid)), 10)
            return False

    def start(self) -> None:
        """A server that died when its first key was made and not told yet is opened by a new one."""
        lost = "admin" in self.tried and "admin" not in self.done
        if lost and not self.server.inside:
            found = subprocess.run([BIN / "ebb", "key", "recover", "--home", self.server.home], capture_output=True, text=True, check=False)
            assert found.returncode == 0 or "nothing is lost" in found.stderr, found
            self.server.key = found.stdout.strip()
            if self.server.key:
                self.done.add("admin")
        self.server.start()

    def remembers(self) -> None:
        """All that was answered, and of what was not, all or nothing."""
        server = self.server
        if "endpoint" in self.done:
            assert server.get("/ebb/v1/endpoints/e").status == 200
        tenants = {row["name"] for row in server.get("/ebb/v1/tenants").json["tenants"]}
        assert tenants >= {"us", "acme"} & self.done, tenants
        budgets = server.get("/ebb/v1/budgets").json["budgets"]
        amounts = {"5.00"} if "budget" in self.done else set()
        if "budget again" in self.tried:
            amounts.add("7.00")
        if "budget again" in self.done:
            amounts = {"7.00"}
        assert len(budgets) <= 1 and (not amounts or budgets[0]["amount"] in amounts), (budgets, self.done)
        versions = [row["version"] for row in server.get("/ebb/v1/prices").json["prices"]]
        assert (2 if "prices" in self.done else 1) <= len(versions) <= 3, versions
        if "limit" in self.done:
            assert [row["limit"] for row in server.get("/ebb/v1/limits").json["limits"]] == ["1000/hour"]
        check = server.get("/ebb/v1/ledger/check")
        assert check.status == 200, check
        records = {record["call"]: record["cost_pico"] for record in map(json.loads, server.get("/ebb/v1/usage").body.splitlines())}
        assert self.told.items() <= records.items(), (self.told, records)
        assert not budgets or budgets[0]["spent_pico"] == sum(records.values()), (budgets, records)


def test_dies_at_its_syncs(tmp_path, shim):
    points = 0
    for number in itertools.count(1, EVERY):
        for side in ("before", "after"):
            story = Story(tmp_path / f"home-{number}-{side}", shim)
            if story.live(crash=f"{number}:{side}"):
                assert points >= 5, "hardly any sync was reached"
                print(f"{points} points")
                return
            points += 1
            assert story.live(), "the next server takes it up"
            story.server.start()
            story.remembers()
            assert story.server.terminate() == 0
            assert len(story.told) >= 5, story.told
