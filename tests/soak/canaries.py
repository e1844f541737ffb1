"""Tenants whose prompts hold secrets: none may turn up in another's answer, and none in a file, a log or a metric of the server. Nor may a key.

Each call has a secret of its own, a word that begins like no other, and the echo engine says it back: an answer must hold the secrets of its call and no
other. Some calls are broken on purpose, with the secret in what is wrong: what is said of that goes to the caller, and not into the log.

  crossed   answers with a secret of another call
  mute      whole answers without the secret of their own call, or with another vector than its words have
  leaked    places that hold a secret or a key's secret part
"""
import asyncio
import collections
import json
import pathlib
import random
import re
import time

from soak import world
from soak.caller import Caller, Told
from soak.routes import FUNCTION, ROUTES, Route

TENANTS, CALLERS = 50, 100
MARK = "qzjx"  # nothing else has these four letters
SECRET = re.compile(rb"qzjx[0-9a-f]{24}")
COUNTS = ("calls", "answers", "refused", "broken on purpose", "left by their callers", "places searched", "bytes searched")
FAULTS = ("crossed", "mute", "leaked")


def broken(chance: random.Random, endpoint: str, secret: str) -> tuple[str, bytes]:
    """A request that is refused for what it says, with the secret in it."""
    prompt = {"role": "user", "content": secret}
    chats = [
        {"model": endpoint, "messages": [{"role": "user", "content": [{"type": "text", "text": secret}, {"type": secret}]}]},
        {"model": endpoint, "messages": [prompt], "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": secret}}}},
        {"model": endpoint, "messages": [prompt], "max_tokens": secret},
        {"model": endpoint, "messages": [prompt], "stop": [secret] * 40},
        {"model": endpoint, "messages": [prompt], "tools": [{"type": "function", "function": {"name": "a", "parameters": {"$ref": secret}}}]},
        {"model": endpoint, "messages": [{"role": "system", "content": "refuse"}, prompt]},
        {"model": endpoint, "messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "a", "arguments": secret}}]}, prompt]},
    ]
    whole = json.dumps(chance.choice(chats)).encode()
    kinds = [("/v1/chat/completions", whole), ("/v1/chat/completions", whole[:-3]), ("/v1/completions", json.dumps({"model": endpoint, "prompt": {"a": secret}}).encode()),
             ("/v1/embeddings", json.dumps({"model": endpoint, "input": [secret, 1]}).encode()), ("/v1/responses", f'{{"model":"{endpoint}","input":"{secret}\n'.encode()),
             ("/api/generate", json.dumps({"model": endpoint, "prompt": secret, "images": [secret]}).encode()),
             (f"/v2/models/{endpoint}/infer", json.dumps({"inputs": [{"name": secret, "datatype": "FP32", "shape": [1], "data": [secret]}]}).encode())]
    return chance.choice(kinds)


class Canaries:
    def __init__(self, server, chance: random.Random, function: bool) -> None:
        self.server, self.chance, self.function = server, chance, function
        self.found: collections.Counter = collections.Counter()
        self.problems: list[str] = []
        for name in ("e", "w"):
            server.deploy(name, scaling={"max": 32}, limits={"queue": 1000})
        if function:
            world.deploy_function(server, "f")
        world.add_admin(server)
        self.keys = [world.add_key(server, f"tenant-{n}", "invoke,read") for n in range(TENANTS)]
        for key in self.keys[::5]:
            world.set_budget(server, "tenant", key.tenant, world.worst_cost(120_000) * 40)

    async def call_all(self, calls: int) -> None:
        left = iter(range(calls))
        await asyncio.gather(*(self.keep_calling(left) for _ in range(CALLERS)))

    async def keep_calling(self, left) -> None:
        caller, chance = Caller(self.server.port), self.chance
        for _ in left:
            key, endpoint = chance.choice(self.keys), chance.choice("ew")
            secret = f"{MARK}{chance.getrandbits(96):024x}"
            self.found["calls"] += 1
            if chance.random() < 0.05:
                self.found["broken on purpose"] += 1
                path, body = broken(chance, endpoint, secret)
                self.judge(await caller.call(path, body, key.headers), None, secret, secret)
                continue
            function = self.function and chance.random() < 0.005
            route = FUNCTION if function else chance.choice(ROUTES)
            words = f"{secret} {chance.randint(0, 9999)} {secret}"
            script = chance.choice(["", "", "delay_ms=5", "tokens=3 tps=500"]) if route.scripted else ""
            body = json.dumps(route.body("f" if function else endpoint, words, script)).encode()
            leave = chance.choice([0, 1, 2]) if chance.random() < 0.03 else None
            answer = await caller.call(route.path.replace("{e}", "f" if function else endpoint), body, key.headers, leave)
            self.judge(answer, route, words, secret)
        caller.close()

    def judge(self, answer: Told, route: Route | None, words: str, secret: str) -> None:
        heads = json.dumps(answer.headers).encode()
        if others := set(SECRET.findall(answer.body + heads)) - {secret.encode()}:
            self.fault("crossed", f"{others} in the answer to {secret}: {answer.body[:300]!r}")
        self.found["left by their callers"] += answer.left
        good = answer.status == 200 and answer.whole and route is not None and route.ends in answer.body
        self.found["answers" if good else "refused"] += not answer.left
        if good and not route.echoes(answer.body, words):
            self.fault("mute", f"{route.name} to {words!r}: {answer.body[:300]!r}")

    def fault(self, what: str, how: str) -> None:
        self.found[what] += 1
        self.problems.append(f"{what}: {how}")

    # --- afterwards ---

    def search(self, place: str, content: bytes) -> None:
        self.found["places searched"] += 1
        self.found["bytes searched"] += len(content)
        for match in {*SECRET.findall(content), *(key for key in self.secret_parts() if key in content)}:
            at = content.find(match)
            self.fault("leaked", f"{place} has {match.decode()}: {content[max(0, at - 200):at + 100]!r}")

    def secret_parts(self) -> list[bytes]:
        return [text.split("_")[2][:30].encode() for text in (self.server.key, *(key.text for key in self.keys))]

    def search_answers(self) -> None:
        """What anybody may see, and what an administrator may."""
        self.search("/metrics", self.server.get("/metrics").body)
        for path in ("endpoints/e/decisions", "endpoints/w/decisions", "endpoints/e/logs", "usage", "ledger", "audit", "keys", "budgets", "bill?by=tenant,key", "status"):
            answer = self.server.get(f"/ebb/v1/{path}")
            assert answer.status == 200, answer
            self.search(path, answer.body)

    def search_memory_of_disk(self, when: str) -> None:
        for file in sorted(pathlib.Path(self.server.home).rglob("*")):
            if file.is_file() and not file.is_symlink() and "images" not in file.relative_to(self.server.home).parts:
                self.search(f"{file.relative_to(self.server.home)} {when}", file.read_bytes())
        self.search(f"the log {when}", self.server.log_path.read_bytes())


def soak(calls: int, seed: int) -> dict:
    """So many calls of fifty tenants. Gives the counts, and the faults with what they were."""
    print(f"canaries: seed {seed}, {calls} calls", flush=True)
    begun = time.monotonic()
    function = not world.why_no_function()
    with world.new_server() as server:
        canaries = Canaries(server, random.Random(seed), function)
        asyncio.run(canaries.call_all(calls))
        canaries.search_answers()
        canaries.search_memory_of_disk("of the server that runs")  # its log of writes and what is pending too
        server.kill()
        canaries.search_memory_of_disk("of the server that was killed")
        server.start()
        server.terminate()
        canaries.search_memory_of_disk("of the server that ended")
    found = canaries.found
    return {"seed": seed, "seconds": round(time.monotonic() - begun, 1), "function": function, "tenants": TENANTS,
            **{name: found[name] for name in (*COUNTS, *FAULTS)}, "problems": canaries.problems[:20]}
