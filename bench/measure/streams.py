"""Streamed answers as a client sees them, of any server with OpenAI's API; prompts of exact lengths.

The client shares its cores with what it measures: while an answer comes it only notes when each event came, and reads them afterwards.
"""
import http.client
import json
import random
import sys
import time

from harness.server import DEMO_MODEL, Server

# The demo model's special tokens, those that end an answer among them: without them an answer is as long as it may be.
NO_END = {str(token): -100 for token in range(17)}


def deploy_with_context(server: Server, name: str, context: int, **scaling) -> None:
    if not any(model["name"] == "smol" for model in server.get("/ebb/v1/models").json["models"]):
        server.ebb("model", "add", "smol", str(DEMO_MODEL))
    server.deploy(name, model="smol@1", context=context, scaling=scaling, limits={"time": "10m", "wait": "10m"})


def new_prompt(chance: random.Random, tokens: int) -> list[int]:
    """Tokens of the demo model's vocabulary without sense; two such prompts have no common beginning."""
    return [chance.randrange(1000, 40_000) for _ in range(tokens)]


def text_of(event: dict) -> str:
    return "".join(choice.get("text") or choice.get("delta", {}).get("content") or "" for choice in event["choices"])


def streamed(port: int, path: str, body: dict, seconds: float = 300, headers: dict[str, str] | None = None) -> dict:
    """One call on a connection of its own: milliseconds from the request to the first and the last text (to the end, where the tokens make no text), tokens,
    the clock's times of all texts, and what Ebb says of the start."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    connection.connect()
    data = json.dumps({**body, "stream": True, "stream_options": {"include_usage": True}})
    begun = time.monotonic()
    connection.request("POST", path, data, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    if response.status != 200:
        sys.exit(f"bench: the call failed: {response.status} {response.read()[:500]!r}")
    came = []
    while line := response.readline():
        if line.startswith(b"data: "):
            came.append((time.monotonic(), line))
    timing = response.getheader("Server-Timing") or ""
    connection.close()
    events = [(at, json.loads(line[6:])) for at, line in came if line.strip() != b"data: [DONE]"]
    for _, event in events:
        if "error" in event:
            sys.exit(f"bench: the call failed: {event['error']}")
    texts = [at for at, event in events if text_of(event)] or [came[-1][0]]
    usage = next(event["usage"] for _, event in reversed(events) if event.get("usage"))
    return {"first_ms": (texts[0] - begun) * 1000, "last_ms": (texts[-1] - begun) * 1000, "text_times": texts, "prompt_tokens": usage["prompt_tokens"], "tokens": usage["completion_tokens"],
            "cached_tokens": (usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
            "tier": timing.split('desc="')[1].split('"')[0] if 'desc="' in timing else None}


def completed(port: int, prompt: list[int], tokens: int, headers: dict[str, str] | None = None, **more) -> dict:
    """A greedy answer of exactly so many tokens."""
    body = {"prompt": prompt, "max_tokens": tokens, "temperature": 0, "logit_bias": NO_END, **more}
    call = streamed(port, "/v1/completions", body, headers=headers)
    if (call["prompt_tokens"], call["tokens"]) != (len(prompt), tokens):
        sys.exit(f"bench: asked for {tokens} tokens after {len(prompt)}, got {call['tokens']} after {call['prompt_tokens']}")
    return call
