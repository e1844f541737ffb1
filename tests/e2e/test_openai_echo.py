"""Everything a chat may ask for, exactly: the real clients against the echo engine, whose answers are known."""
import json
import shutil
import subprocess

import openai
import pytest

from harness.server import ROOT

WORDS = [{"role": "user", "content": "one two three"}]
# The echo engine "calls" the first tool with the words of the last message as arguments.
ARGUMENTS = [{"role": "user", "content": '{"city": "Paris"}'}]
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
OTHER = {"type": "function", "function": {"name": "other"}}


@pytest.mark.sanitizer
def test_choices(server):
    server.deploy(scaling={"max": 2})
    client = server.openai()
    whole = client.chat.completions.create(model="e", messages=WORDS, n=3)
    assert [(choice.index, choice.message.content) for choice in whole.choices] == [(index, "one two three") for index in range(3)]
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (3, 9)
    assert server.bill()["total"]["calls"] == 3

    with client.chat.completions.stream(model="e", messages=WORDS, n=3) as stream:
        final = stream.get_final_completion()
    assert [choice.message.content for choice in final.choices] == ["one two three"] * 3
    server.wait_until_free()


def test_one_refused_choice_refuses_all(server):
    server.deploy(scaling={"max": 1}, limits={"queue": 1})
    with pytest.raises(openai.RateLimitError):
        server.openai().chat.completions.create(model="e", messages=WORDS, n=5)
    server.wait_until_free()


@pytest.mark.sanitizer
def test_tools_whole_and_streamed(server):
    server.deploy()
    client = server.openai()
    ask = {"model": "e", "messages": ARGUMENTS, "tools": [WEATHER, OTHER]}
    message = client.chat.completions.create(**ask, tool_choice="required").choices[0]
    assert message.finish_reason == "tool_calls" and message.message.content is None
    call = message.message.tool_calls[0]
    assert call.function.name == "get_weather" and json.loads(call.function.arguments) == {"city": "Paris"}
    assert call.id.startswith("call_")

    chunks = list(client.chat.completions.create(**ask, tool_choice="required", stream=True))
    deltas = [chunk.choices[0].delta.tool_calls[0] for chunk in chunks if chunk.choices[0].delta.tool_calls]
    assert [delta.function.name for delta in deltas] == ["get_weather"] + [None] * (len(deltas) - 1), "the name stands in the first delta only"
    assert [bool(delta.id) for delta in deltas] == [True] + [False] * (len(deltas) - 1)
    assert json.loads("".join(delta.function.arguments for delta in deltas)) == {"city": "Paris"}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"

    with client.chat.completions.stream(**ask, tool_choice="required") as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.arguments == '{"city": "Paris"}'

    # As the original has it: a named function ends with "stop".
    named = client.chat.completions.create(**ask, tool_choice={"type": "function", "function": {"name": "other"}}).choices[0]
    assert named.finish_reason == "stop" and named.message.tool_calls[0].function.name == "other"
    assert client.chat.completions.create(**ask).choices[0].message.content == '{"city": "Paris"}'
    assert client.chat.completions.create(**ask, tool_choice="none").choices[0].message.tool_calls is None


def test_a_loop_of_tools(server):
    """As an agent runs it: call, result, answer."""
    server.deploy()
    client = server.openai()
    messages = [{"role": "system", "content": "call_tool"}, *ARGUMENTS]
    first = client.chat.completions.create(model="e", messages=messages, tools=[WEATHER]).choices[0].message
    messages.append(first)
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "it is sunny"} for call in first.tool_calls]
    messages.pop(0)
    assert client.chat.completions.create(model="e", messages=messages, tools=[WEATHER]).choices[0].message.content == "it is sunny"


@pytest.mark.sanitizer
def test_logprobs(server):
    server.deploy()
    client = server.openai()
    whole = client.chat.completions.create(model="e", messages=WORDS, logprobs=True, top_logprobs=1).choices[0]
    assert [token.token for token in whole.logprobs.content] == ["one", " two", " three"]
    assert all(token.logprob == -1 and token.bytes == list(token.token.encode()) and len(token.top_logprobs) == 1 for token in whole.logprobs.content)
    chunks = client.chat.completions.create(model="e", messages=WORDS, logprobs=True, stream=True)
    tokens = [token.token for chunk in chunks if chunk.choices[0].logprobs for token in chunk.choices[0].logprobs.content]
    assert tokens == ["one", " two", " three"]
    assert client.chat.completions.create(model="e", messages=WORDS).choices[0].logprobs is None


@pytest.mark.parametrize(("fields", "param"), [
    ({"n": 129}, "n"),
    ({"n": 10**6}, "n"),
    ({"presence_penalty": -2.01}, "presence_penalty"),
    ({"logit_bias": {"x": 1}}, "logit_bias"),
    ({"top_logprobs": 1}, "top_logprobs"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
    ({"stop": ["x"] * 100_000}, "stop"),
    ({"tools": [WEATHER] * 129}, "tools"),
    ({"tools": [{"type": "function", "function": {"name": 'a"\n'}}]}, "tools[0].function.name"),
    ({"tools": [WEATHER, WEATHER]}, "tools"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "array", "maxItems": 100_000}}}}, "response_format.json_schema.schema"),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"modalities": ["audio"]}, "modalities"),
    ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages[0].tool_call_id"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]}, "messages[0].content[0].type"),
])
def test_refusals_name_the_field(server, fields, param):
    server.deploy()
    with pytest.raises(openai.BadRequestError) as caught:
        server.openai(max_retries=0).chat.completions.create(**{"model": "e", "messages": WORDS, **fields})
    assert caught.value.param == param, caught.value
    assert server.bill()["total"]["calls"] == 0


def test_langchain(server):
    langchain = pytest.importorskip("langchain_openai")
    server.deploy()
    chat = langchain.ChatOpenAI(model="e", base_url=server.url + "/v1", api_key="any")
    assert chat.invoke("one two three").content == "one two three"
    assert "".join(piece.content for piece in chat.stream("one two three")) == "one two three"

    def get_weather(city: str) -> str:
        """The weather of a city."""
        return city

    answer = chat.bind_tools([get_weather], tool_choice="any").invoke('{"city": "Paris"}')
    assert answer.tool_calls[0]["name"] == "get_weather" and answer.tool_calls[0]["args"] == {"city": "Paris"}
    assert answer.usage_metadata["total_tokens"] == 4


@pytest.mark.filterwarnings("ignore::UserWarning:pydantic")
def test_litellm(server, monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would look for prices on the network
    litellm = pytest.importorskip("litellm")
    server.deploy()
    target = {"model": "openai/e", "api_base": server.url + "/v1", "api_key": "any"}
    assert litellm.completion(messages=WORDS, **target).choices[0].message.content == "one two three"
    stream = litellm.completion(messages=WORDS, stream=True, **target)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "one two three"
    called = litellm.completion(messages=ARGUMENTS, tools=[WEATHER], tool_choice="required", **target)
    assert json.loads(called.choices[0].message.tool_calls[0].function.arguments) == {"city": "Paris"}


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_node_helpers(server):
    server.deploy()
    done = subprocess.run(["node", "helpers.mjs", server.url + "/v1", "e"], cwd=ROOT / "tests/node", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["streamed"] == "one two three"
    assert seen["call"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    assert seen["parsed"] == {"city": "Paris"}
    assert seen["ran"] == {"asked": [{"city": "Paris"}], "answer": "sunny in Paris"}
    server.wait_until_free()


@pytest.mark.sanitizer
def test_signs_of_life(server):
    """A stream that opens before there is text: comments that clients skip, and what fails later is told in it."""
    server.deploy()
    slow = {"model": "e", "stream": True, "messages": [{"role": "system", "content": "delay_ms=2500"}, *WORDS]}
    answer = server.request("POST", "/v1/chat/completions", json.dumps(slow).encode(), {"Ebb-Keep-Alive": "1s"})
    assert answer.body.count(b": keep-alive\n\n") >= 2 and answer.body.index(b": keep-alive") < answer.body.index(b"one")
    client = server.openai(default_headers={"Ebb-Keep-Alive": "1s"})
    assert "".join(chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**slow)) == "one two three"
    with pytest.raises(openai.APIError, match="worker"):
        broken = [{"role": "system", "content": "delay_ms=1500 crash_at=1"}, *WORDS]
        list(client.chat.completions.create(model="e", messages=broken, stream=True))
    server.wait_until_free()
