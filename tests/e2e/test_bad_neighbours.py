"""What a hostile or careless caller sends, while somebody else's answer is being written by the same worker: the caller gets the contract's error, and
the neighbour's text is the same to the last byte."""
import json
import threading

import pytest

from harness import server as servers
from harness.server import Stream
from harness.waiting import eventually

pytestmark = pytest.mark.real_model

QUESTION = [{"role": "user", "content": "Write a long story about the sea."}]
ASK = [{"role": "user", "content": "Hi."}]


def schema(inner, strict=False):
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": strict, "schema": inner}}}


def tool(name="f", **function):
    return {"type": "function", "function": {"name": name, **function}}


def nested(depth, inner=None):
    inner = inner or {"type": "string"}
    for _ in range(depth):
        inner = {"anyOf": [{"type": "array", "items": inner}, {"type": "array", "minItems": 1, "items": inner}]}
    return inner


DEEP = {"type": "object"}
for _ in range(40):
    DEEP = {"type": "object", "properties": {"a": DEEP}}

REFUSED = {
    "repeats without measure": (schema({"type": "array", "items": {}, "maxItems": 100_000}), "response_format"),
    "alternatives that multiply": (schema(nested(9)), "response_format"),
    "recursion that multiplies": (schema({"anyOf": [{"type": "array", "items": {"$ref": "#"}}, {"type": "array", "minItems": 1, "items": {"$ref": "#"}}]}), "response_format"),
    "a schema that is too large": (schema({"enum": [f"value {i}" for i in range(5000)]}), "response_format"),
    "a schema that is too deep": (schema(DEEP), ""),
    "a pattern that explodes": (schema({"type": "object", "properties": {"a": {"type": "string", "pattern": "^((a?){40}){40}$"}}}, True), "response_format"),
    "a million choices": ({"n": 10**6}, "n"),
    "a hundred thousand stop strings": ({"stop": ["x"] * 10**5}, "stop"),
    "a bias for no token": ({"logit_bias": {"99999999": 1}}, "logit_bias"),
    "a bias without measure": ({"logit_bias": {"1": 101}}, "logit_bias"),
    "a tool's name with a quote": ({"tools": [tool('a"b')]}, "tools"),
    "a tool's name with a line break": ({"tools": [tool("a\nb")]}, "tools"),
    "tools of one name": ({"tools": [tool(), tool()]}, "tools"),
    "no messages": ({"messages": []}, "messages"),
    "an unknown role": ({"messages": [{"role": "wizard", "content": "x"}]}, "messages"),
    "a result without a call": ({"messages": [{"role": "tool", "content": "x"}]}, "messages"),
    "megabytes of one letter": ({"messages": [{"role": "user", "content": "a" * 7_000_000}]}, "messages"),
    "an image": ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]}, "messages"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = servers.Server(tmp_path_factory.mktemp("neighbours") / "home")
    server.start()
    server.ebb("deploy", "chat", "--model", str(servers.DEMO_MODEL), "--keep", "10m", "--idle", "10m", "--max", "4", "--context", "2048")
    yield server
    assert server.stop() == []


def story(server) -> Stream:
    return Stream(server, {"model": "chat", "messages": QUESTION, "temperature": 0, "max_tokens": 200, "stream": True})


@pytest.fixture(scope="module")
def alone(server):
    with story(server) as stream:
        return "".join(stream.texts())


def beside(server, alone, work):
    """Runs `work` while the story is being written, again until the story is over; the story must be the same."""
    text, done = [], threading.Event()

    def write():
        with story(server) as stream:
            text.extend(stream.texts())
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        eventually(lambda: server.endpoint("chat")["slots_busy"] >= 1 or done.is_set(), 30, "the story never began")
        rounds = 0
        while not done.is_set():
            work()
            rounds += 1
    finally:
        writer.join()
    assert "".join(text) == alone
    return rounds


def test_refusals(server, alone):
    def work():
        for what, (fields, param) in REFUSED.items():
            answer = server.request("POST", "/v1/chat/completions", {"model": "chat", "messages": ASK, "max_tokens": 4, **fields})
            assert answer.status in (400, 413), (what, answer)
            assert (answer.json["error"]["param"] or "").startswith(param), (what, answer)

    assert beside(server, alone, work) >= 1


def test_odd_but_answerable(server, alone):
    """Accepted, however odd, and none of the neighbour's business."""
    odd = [
        schema(nested(5)), schema({"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z]{0,1000}$"}}, "required": ["a"]}, True),
        schema({"type": "object", "required": ["next"], "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}),
        {"messages": [{"role": "assistant", "content": "first"}, {"role": "system", "content": "last"}, {"role": "user", "content": ""}]},
        {"seed": 7, "temperature": 2, "top_p": 0.1, "presence_penalty": 2, "frequency_penalty": -2, "logit_bias": {"5": 100}},
        {"logprobs": True, "top_logprobs": 20, "stop": ["e" * 512]}, {"n": 3},
        {"tools": [tool(parameters={"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]})], "tool_choice": "required"},
    ]

    def work():
        for fields in odd:
            answer = server.request("POST", "/v1/chat/completions", {"model": "chat", "messages": ASK, "max_tokens": 6, **fields})
            assert answer.status == 200, (fields, answer)

    assert beside(server, alone, work) >= 1


def test_callers_who_leave(server, alone):
    def work():
        for _ in range(5):
            with Stream(server, {"model": "chat", "messages": ASK, "stream": True, "max_tokens": 200, **schema({"type": "object"})}) as stream:
                next(stream.texts(), None)

    assert beside(server, alone, work) >= 1
    server.wait_until_free("chat")


def test_many_schemas_take_no_memory(server, alone):
    """Each is new: what is kept of one would add up."""
    def work(number=iter(range(10**6))):
        for _ in range(40):
            name = f"field_{next(number)}"
            answer = server.request("POST", "/v1/chat/completions", {"model": "chat", "messages": ASK, "max_tokens": 1, **schema(
                {"type": "object", "properties": {name: {"enum": [f"{name}_{i}" for i in range(50)]}}, "required": [name], "additionalProperties": False})})
            assert answer.status == 200, answer

    def memory():
        return sum(int(line.split()[1]) for pid in server.worker_pids() for line in open(f"/proc/{pid}/smaps_rollup") if line.startswith("Private_Dirty"))

    beside(server, alone, work)
    before = memory()
    beside(server, alone, work)
    assert memory() - before < 8 * 1024, "KiB more after as many schemas again"


def test_bodies_in_single_bytes_and_of_other_types(server, alone):
    body = json.dumps({"model": "chat", "messages": ASK, "max_tokens": 2}).encode()

    def work():
        connection = server.socket()
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        for byte in body:
            connection.sendall(b"1\r\n%c\r\n" % byte)
        connection.sendall(b"0\r\n\r\n")
        assert b"200 OK" in connection.recv(100)
        connection.close()
        assert server.request("POST", "/v1/chat/completions", body, {"Content-Type": "text/plain"}).status in (200, 415)
        assert server.request("POST", "/v1/chat/completions", body.replace(b"Hi.", b"\\ud800"), {}).status == 400
        assert server.request("POST", "/v1/chat/completions", b"--x\r\n", {"Content-Type": "multipart/form-data; boundary=x"}).status in (400, 415)

    assert beside(server, alone, work) >= 1
