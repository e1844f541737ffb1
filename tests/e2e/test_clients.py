"""The real OpenAI clients, for Python and Node, unchanged."""
import json
import shutil
import subprocess

import openai
import pytest

from harness.server import ROOT
from harness.waiting import eventually

WORDS = [{"role": "user", "content": "one two three"}]


@pytest.mark.sanitizer
def test_python_whole_and_streamed(server):
    server.deploy()
    client = server.openai()
    assert [model.id for model in client.models.list()] == ["e"]
    assert client.models.retrieve("e").owned_by == "ebb"

    whole = client.chat.completions.create(model="e", messages=WORDS)
    assert whole.choices[0].message.content == "one two three"
    assert whole.choices[0].finish_reason == "stop"
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (3, 3, 6)
    assert whole._request_id

    chunks = list(client.chat.completions.create(model="e", messages=WORDS, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "one two three"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 3
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


def test_python_limits_of_an_answer(server):
    server.deploy()
    client = server.openai()
    cut = client.chat.completions.create(model="e", messages=WORDS, max_tokens=2)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("one two", "length")
    stopped = client.chat.completions.create(model="e", messages=WORDS, stop=["three"])
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("one two ", "stop")


@pytest.mark.parametrize(("fields", "error", "param"), [
    ({"model": "nobody"}, openai.NotFoundError, "model"),
    ({"n": 0}, openai.BadRequestError, "n"),
    ({"temperature": 3}, openai.BadRequestError, "temperature"),
    ({"max_tokens": -1}, openai.BadRequestError, "max_tokens"),
    ({"messages": []}, openai.BadRequestError, "messages"),
    ({"audio": {"voice": "x", "format": "wav"}}, openai.BadRequestError, "audio"),
])
def test_python_errors(server, fields, error, param):
    server.deploy()
    with pytest.raises(error) as caught:
        server.openai().chat.completions.create(**{"model": "e", "messages": WORDS, **fields})
    assert caught.value.param == param
    assert server.bill()["total"]["calls"] == 0


def test_python_retries_what_it_should(server):
    """Its own retries go by our Retry-After: a call that meets a full queue succeeds in the end."""
    server.deploy(scaling={"max": 1}, limits={"queue": 1, "wait": "30s"})
    with server.stream(script="tokens=6 tps=5") as running:
        next(running.texts())
        waiting = server.stream()
        eventually(lambda: server.endpoint()["waiting"] == 1, 10, "the second call never waited")
        answer = server.openai(max_retries=8).chat.completions.create(model="e", messages=WORDS)
        assert answer.choices[0].message.content == "one two three"
        assert list(waiting.texts()) == ["hello"]
        waiting.close()


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_node(server):
    server.deploy()
    done = subprocess.run(["node", "client.mjs", server.url + "/v1", "e"], cwd=ROOT / "tests/node", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["models"] == ["e"]
    assert seen["whole"] == seen["streamed"] == "one two three"
    assert seen["finish"] == "stop"
    assert seen["usage"]["total_tokens"] == seen["streamUsage"]["total_tokens"] == 6
    assert seen["requestId"]
    assert seen["unknown"] == {"status": 404, "code": "model_not_found", "param": "model", "name": "NotFoundError"}
    assert seen["refused"] == {"status": 400, "param": "n", "name": "BadRequestError"}
    server.wait_until_free()
