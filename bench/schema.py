#!/usr/bin/env python3
"""Tokens a second under a JSON schema against free text, with the same model

Both sides run alternately on a warm slot; the time is from the first token to the last.
"""
import statistics
import time

from measure import Platform, finish
from measure.llama import deploy_model

RUNS, TOKENS = 15, 100
SCHEMA = {"type": "object", "additionalProperties": False, "required": ["title", "people"], "properties": {
    "title": {"type": "string", "maxLength": 60},
    "people": {"type": "array", "minItems": 8, "maxItems": 12, "items": {
        "type": "object", "additionalProperties": False, "required": ["name", "age", "city"],
        "properties": {"name": {"type": "string", "maxLength": 30}, "age": {"type": "integer", "minimum": 1, "maximum": 99}, "city": {"enum": ["Paris", "Rome", "Oslo"]}}}}}}


def tokens_a_second(server, seed: int, **fields) -> float:
    client = server.openai()
    stream = client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "Write about some people and where they live."}], seed=seed,
                                            max_tokens=TOKENS, stream=True, stream_options={"include_usage": True}, **fields)
    first = last = None
    tokens = 0
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            last = time.monotonic()
            first = first or last
        if chunk.usage:
            tokens = chunk.usage.completion_tokens
    return (tokens - 1) / (last - first)


def main() -> None:
    with Platform() as server:
        deploy_model(server, "chat", idle="10m", keep="10m")
        schema = {"response_format": {"type": "json_schema", "json_schema": {"name": "people", "strict": True, "schema": SCHEMA}}}
        tokens_a_second(server, 0), tokens_a_second(server, 0, **schema)
        free, held = [], []
        for seed in range(1, RUNS + 1):
            free.append(tokens_a_second(server, seed))
            held.append(tokens_a_second(server, seed, **schema))
    ratio = statistics.median(held) / statistics.median(free)
    finish("schema", {"schema": ratio}, {"free_tokens_per_second": free, "schema_tokens_per_second": held}, [
        f"free text: median {statistics.median(free):.1f} tokens/s; under the schema: median {statistics.median(held):.1f} tokens/s; {RUNS} runs each",
        f"schema: {ratio:.2f} of free text (must >= 0.80, stretch >= 0.97)",
    ])


if __name__ == "__main__":
    main()
