"""The book from outside: read over HTTP, and linked again as docs/billing.md says."""
import datetime
import hashlib
import json

PICO = 10**12
FIELDS = ["call", "endpoint", "revision", "ended", "tier", "outcome", "queued_ns", "start_ns", "busy_ns", "first_byte_ns", "total_ns", "billed_ms",
          "memory_mib", "cost_pico", "prompt_tokens", "completion_tokens", "tenant", "key"]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def pico(money: str) -> int:
    """An amount as the server writes it, in its smallest units."""
    whole, _, part = money.partition(".")
    return int(whole) * PICO + int(part.ljust(12, "0"))


def money(amount: int) -> str:
    return f"{amount // PICO}.{amount % PICO:012d}"


def fields_of(entry: dict) -> str:
    def text(name: str) -> str:
        if name in ("call", "revision"):
            return str(int(entry[name], 16))
        if name == "ended":
            return str(round((datetime.datetime.fromisoformat(entry[name].replace("Z", "+00:00")) - EPOCH) / datetime.timedelta(milliseconds=1)))
        return str(entry[name])

    priced = entry["prices"] != 0 or entry["list_cost_pico"] != entry["cost_pico"]
    return "\t".join(map(text, FIELDS + (["prices", "list_cost_pico"] if priced else [])))


class Book:
    """What was read of it so far; each entry is linked again, and each call may be there once."""

    def __init__(self) -> None:
        self.link, self.number, self.cost = "", 0, 0
        self.records: dict[str, dict] = {}  # by call; starts of functions' instances among them
        self.wrong: list[str] = []

    def read(self, server) -> list[dict]:
        """The entries that are new."""
        answer = server.request("GET", f"/ebb/v1/ledger?after={self.number}")
        assert answer.status == 200, answer
        entries = [json.loads(line) for line in answer.body.splitlines()]
        for entry in entries:
            self.add(entry)
        return entries

    def add(self, entry: dict) -> None:
        self.link = hashlib.sha256(f"{self.link}\n{fields_of(entry)}".encode()).hexdigest()
        if (entry["number"], entry["link"]) != (self.number + 1, self.link):
            self.wrong.append(f"entry {entry['number']} does not follow from entry {self.number}")
        if entry["call"] in self.records:
            self.wrong.append(f"call {entry['call']} is in the book twice")
        self.number = entry["number"]
        self.cost += entry["cost_pico"]
        self.records[entry["call"]] = entry

    def check(self, server) -> None:
        """The server's own check has to come to the same; the book must have been read to its end, and nothing may run."""
        answer = server.request("GET", "/ebb/v1/ledger/check")
        if answer.status != 200:
            self.wrong.append(f"the server finds its book damaged: {answer}")
            return
        said = answer.json
        if (said["entries"], said["head"] if self.number else "", said["cost_pico"]) != (self.number, self.link, self.cost):
            self.wrong.append(f"the server's check says {said}, the book read from outside has {self.number} entries, {self.cost} units and the link {self.link}")
