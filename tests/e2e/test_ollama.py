"""The real Ollama client against Ollama's routes."""
import json
import urllib.request

import ollama
import pytest

from harness.server import DEMO_MODEL

WORDS = [{"role": "user", "content": "one two three"}]
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city",
                                         "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


@pytest.mark.sanitizer
def test_chat_whole_and_streamed(server):
    server.deploy()
    client = ollama.Client(host=server.url)
    whole = client.chat(model="e", messages=WORDS)
    assert (whole.message.content, whole.done, whole.done_reason) == ("one two three", True, "stop")
    assert (whole.prompt_eval_count, whole.eval_count) == (3, 3)
    assert whole.total_duration >= whole.eval_duration >= 0
    pieces = list(client.chat(model="e:latest", messages=WORDS, stream=True))
    assert "".join(piece.message.content for piece in pieces) == "one two three"
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert client.chat(model="e", messages=WORDS, options={"num_predict": 1}).done_reason == "length"
    assert client.chat(model="e", messages=WORDS, options={"stop": ["two"]}).message.content == "one "


@pytest.mark.sanitizer
def test_tools(server):
    server.deploy()
    client = ollama.Client(host=server.url)
    messages = [{"role": "system", "content": "call_tool"}, {"role": "user", "content": '{"city": "Paris"}'}]
    for stream in (False, True):
        answers = client.chat(model="e", messages=messages, tools=[TOOL], stream=stream)
        calls = [call for answer in (answers if stream else [answers]) for call in answer.message.tool_calls or []]
        assert [(call.function.name, call.function.arguments) for call in calls] == [("get_weather", {"city": "Paris"})]
    history = [messages[1], {"role": "assistant", "tool_calls": [{"function": {"name": "get_weather", "arguments": {"city": "Paris"}}}]},
               {"role": "tool", "tool_name": "get_weather", "content": "it is sunny"}]
    assert client.chat(model="e", messages=history, tools=[TOOL]).message.content == "it is sunny"


def test_what_only_loads_is_answered_at_once(server):
    server.deploy()
    client = ollama.Client(host=server.url)
    assert client.chat(model="e").done_reason == client.generate(model="e").done_reason == "load"
    assert client.embed(model="e", input="").embeddings == []
    with pytest.raises(ollama.ResponseError, match="nobody"):
        client.generate(model="nobody")
    assert server.bill()["total"]["calls"] == 0


def test_generate(server):
    server.deploy()
    client = ollama.Client(host=server.url)
    assert client.generate(model="e", prompt="one two").response == "one two"
    assert client.generate(model="e", prompt="one two", raw=True).response == "one two"
    assert "".join(piece.response for piece in client.generate(model="e", prompt="one two", stream=True)) == "one two"


@pytest.mark.parametrize(("route", "body", "word"), [
    ("chat", {"messages": WORDS, "template": "x"}, "template"),
    ("chat", {"messages": [{"role": "user", "content": "x", "images": ["AA=="]}]}, "text only"),
    ("chat", {"messages": 3}, "messages"),
    ("chat", {"messages": WORDS, "format": 3}, "format"),
    ("chat", {"messages": WORDS, "options": {"temperature": -1}}, "options.temperature"),
    ("generate", {"prompt": 3}, "prompt"),
    ("generate", {"prompt": "x", "suffix": "y"}, "suffix"),
    ("generate", {"prompt": "x", "context": [1]}, "context"),
])
def test_refusals(server, route, body, word):
    server.deploy()
    answer = server.request("POST", f"/api/{route}", json.dumps({"model": "e", **body}).encode())
    assert answer.status == 400 and set(answer.json) == {"error"} and word in answer.json["error"], answer
    assert server.bill()["total"]["calls"] == 0


def test_what_is_not_there(server):
    server.deploy()
    client = ollama.Client(host=server.url)
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat(model="nobody", messages=WORDS)
    assert caught.value.status_code == 404
    with pytest.raises(ollama.ResponseError) as caught:
        client.show("nobody")
    assert caught.value.status_code == 404


def test_a_stream_that_breaks(server):
    server.deploy()
    with pytest.raises(ollama.ResponseError, match="worker"):
        list(ollama.Client(host=server.url).chat(model="e", messages=[{"role": "system", "content": "crash_at=3 tps=20"}, {"role": "user", "content": "a b c d"}],
                                                 stream=True))
    server.wait_until_free()


@pytest.mark.real_model
def test_models_and_json(server):
    server.ebb("deploy", "chat", "--model", str(DEMO_MODEL))
    client = ollama.Client(host=server.url)
    [model] = client.list().models
    assert (model.model, model.details.quantization_level, model.details.family) == ("chat:latest", "Q4_1", "llama")
    assert model.size > 90_000_000 and len(model.digest) == 64
    assert client.ps().models == []
    shown = client.show("chat")
    assert shown.modelinfo["llama.context_length"] == 8192 and "tools" in shown.capabilities
    schema = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}}, "required": ["name", "age"]}
    answer = client.chat(model="chat", messages=[{"role": "user", "content": "Describe a pet."}], format=schema, options={"num_predict": 100, "seed": 1})
    assert set(json.loads(answer.message.content)) == {"name", "age"}
    assert [model.model for model in client.ps().models] == ["chat:latest"]
    with urllib.request.urlopen(server.url + "/api/version") as version:
        assert json.load(version)["version"]
