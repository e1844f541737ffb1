"""A client that keeps its connection, may leave in the middle, and writes down what it was told. Thousands of calls a second in one process."""
import asyncio
import dataclasses
import json
import re
import time

from harness.book import pico

CALL_ID = re.compile(rb'"id":"(?:chatcmpl-|cmpl-|resp_)([0-9a-f]{16})"')
COST = re.compile(rb'"cost":"([0-9.]+)"')
BUDGET_CODES = ("insufficient_quota", "budget_held")
PATIENCE_S = 120


@dataclasses.dataclass
class Told:
    """What became of one call, as its caller knows it."""
    status: int = 0  # 0: the connection ended before there was any
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""
    whole: bool = False  # the answer came to its end
    left: bool = False  # we went away
    sent: float = 0.0
    ended: float = 0.0

    @property
    def call(self) -> str | None:
        """The call's id, where the answer has it."""
        found = CALL_ID.search(self.body)
        return found[1].decode() if found else self.headers.get("ebb-call")

    @property
    def request(self) -> str:
        return self.headers.get("x-request-id", "")

    @property
    def cost(self) -> str | None:
        if "ebb-cost" in self.headers:
            return self.headers["ebb-cost"]
        found = COST.findall(self.body)
        return found[-1].decode() if found else None

    @property
    def code(self) -> str:
        """Of an error, whichever dialect it is in."""
        try:
            error = json.loads(self.body).get("error", "")
        except (ValueError, AttributeError):
            return ""
        return error.get("code") or "" if isinstance(error, dict) else str(error)

    @property
    def refusal(self) -> str:
        """The code of a refusal by a budget; '' if it was none. Dialects without codes have a sentence: 'the budget of … is A USD: S are spent, H are held for calls
        that run, and this call may cost up to W'."""
        code = self.code if self.status == 429 else ""
        if code in BUDGET_CODES or "the budget of" not in code:
            return code if code in BUDGET_CODES else ""
        words = code.split(" ")
        amount, spent, worst = (pico(words[words.index(word) + step].rstrip(".;")) for word, step in (("is", 1), ("are", -1), ("up", 2)))
        return BUDGET_CODES[1] if worst <= amount - spent else BUDGET_CODES[0]


class Caller:
    """One connection at a time, made anew when it ended. Not shared."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def call(self, path: str, body: bytes, headers: dict[str, str], leave_after: int | None = None) -> Told:
        """`leave_after`: goes away after so many pieces of the body; 0: once the request is sent."""
        told = Told(sent=time.monotonic())
        try:
            await asyncio.wait_for(self.exchange(told, path, body, headers, leave_after), PATIENCE_S)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError):
            self.close()
        told.ended = time.monotonic()
        return told

    async def exchange(self, told: Told, path: str, body: bytes, headers: dict[str, str], leave_after: int | None) -> None:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)
        told.sent = time.monotonic()
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await self.writer.drain()
        if leave_after == 0:
            told.left = True
            self.close()
            return
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        told.status = int(head[0].split(" ")[1])
        told.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        await self.read_body(told, leave_after)
        if told.headers.get("connection", "").lower() == "close":
            self.close()

    async def read_body(self, told: Told, leave_after: int | None) -> None:
        if "content-length" in told.headers:
            told.body = await self.reader.readexactly(int(told.headers["content-length"]))
            told.whole = True
            return
        pieces = 0
        while size := int(await self.reader.readline(), 16):
            told.body += (await self.reader.readexactly(size + 2))[:-2]
            pieces += 1
            if pieces == leave_after:
                told.left = True
                self.close()
                return
        await self.reader.readline()
        told.whole = True

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None
