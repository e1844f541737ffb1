"""Every answer by the client's own types: validated, not merely built, so that a missing or mistyped member fails."""
import json

import pytest
from openai.types import Completion, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

WORDS = [{"role": "user", "content": "one two three"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
FLAT = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}

CHATS = [{}, {"n": 2}, {"logprobs": True, "top_logprobs": 2}, {"max_tokens": 1}, {"tools": [TOOL], "tool_choice": "required"}]
PROMPTS = [{"prompt": "a b"}, {"prompt": ["a", "b"], "n": 2, "echo": True}, {"prompt": "a b", "logprobs": 2}, {"prompt": [1, 2]}]
INPUTS = [{"input": "a b"}, {"input": WORDS, "instructions": "x"}, {"input": "a", "tools": [FLAT], "tool_choice": "required"},
          {"input": "a " * 20, "max_output_tokens": 16}, {"input": "a b", "include": ["message.output_text.logprobs"], "top_logprobs": 1}]


def post(server, path, body):
    answer = server.request("POST", path, json.dumps({"model": "e", **body}).encode())
    assert answer.status == 200, answer
    return answer


def events(server, path, body):
    lines = post(server, path, {**body, "stream": True}).body.decode().split("\n\n")
    for event in filter(None, lines):
        data = event.split("data: ", 1)[1]
        if data != "[DONE]":
            yield event, json.loads(data)


@pytest.mark.sanitizer
def test_chats(server):
    server.deploy(scaling={"max": 2})
    for body in CHATS:
        ChatCompletion.model_validate(post(server, "/v1/chat/completions", {"messages": WORDS, **body}).json)
        for _, chunk in events(server, "/v1/chat/completions", {"messages": WORDS, "stream_options": {"include_usage": True}, **body}):
            ChatCompletionChunk.model_validate(chunk)


@pytest.mark.sanitizer
def test_completions(server):
    server.deploy(scaling={"max": 2})
    for body in PROMPTS:
        whole = post(server, "/v1/completions", body).json
        Completion.model_validate(whole)
        for _, chunk in events(server, "/v1/completions", body):
            # The type wants a reason in every chunk; the original sends null until the last, as we do.
            for choice in chunk["choices"]:
                choice["finish_reason"] = choice["finish_reason"] or "stop"
            Completion.model_validate(chunk)


@pytest.mark.sanitizer
def test_responses(server):
    server.deploy()
    any_event = TypeAdapter(ResponseStreamEvent)
    for body in INPUTS:
        Response.model_validate(post(server, "/v1/responses", body).json)
        for event, data in events(server, "/v1/responses", body):
            assert event.startswith(f"event: {data['type']}\n")
            any_event.validate_python(data)


def test_models(server):
    server.deploy()
    for model in server.get("/v1/models").json["data"]:
        Model.model_validate(model)
