"""What bad input gets: a typed error, nothing started, nothing billed."""
import json
import subprocess

import pytest

from harness.server import BIN, DEMO_MODEL

CHAT = "/v1/chat/completions"
GOOD = {"model": "e", "messages": [{"role": "user", "content": "x"}]}


def with_field(**fields):
    return json.dumps({**GOOD, **fields})


@pytest.mark.parametrize(("body", "status"), [
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b"null", 400),
    (b'{"model": "e"}', 400),
    (b'{"model": "e", "messages": "x"}', 400),
    (b'{"model": "nobody", "messages": [{"role": "user", "content": "x"}]}', 404),
    (b'{"model": "../e", "messages": [{"role": "user", "content": "x"}]}', 404),
    (b'{"model": "e", "messages": [{"role": "user", "content": "\xff\xfe"}]}', 400),
    (b"[" * 10_000 + b"]" * 10_000, 400),
    (b'{"model": "e", "temperature": NaN, "messages": [{"role": "user", "content": "x"}]}', 400),
    (with_field(temperature=1e308), 400),
    (with_field(max_tokens=10**30), 400),
    (with_field(max_tokens=1.5), 400),
    (with_field(seed="x"), 400),
    (with_field(stop=["a"] * 5), 400),
    (with_field(response_format={"type": "xml"}), 400),
    (with_field(messages=[{"role": "wizard", "content": "x"}]), 400),
])
@pytest.mark.sanitizer
def test_bodies(server, body, status):
    server.deploy()
    answer = server.request("POST", CHAT, body)
    assert answer.status == status, answer
    error = answer.json["error"]
    assert set(error) >= {"message", "type", "param", "code"} and error["message"]
    row = server.endpoint()
    assert (row["state"], row["calls"]) == ("absent", 0)


def raw(server, data: bytes) -> bytes:
    """What the server says to these bytes, until it closes or answers."""
    with server.socket() as connection:
        try:
            connection.sendall(data)
            connection.shutdown(1)
        except OSError:
            pass
        got = b""
        try:
            while piece := connection.recv(65536):
                got += piece
        except ConnectionError:
            pass
        return got


HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(("data", "statuses"), [
    (HEAD + b"X: " + b"a" * 10_000_000 + b"\r\n\r\n", {400, 413, 431}),
    (HEAD + b"Content-Length: 100\r\n\r\n{}", {400, 408}),  # a body smaller than declared
    (HEAD + b"Content-Length: 999999999999\r\n\r\n", {413}),
    (HEAD + b"Content-Length: -1\r\n\r\n", {400}),
    (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", {400}),
    (b"GET / HTTP/9.9\r\n\r\n", {400, 505}),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400}),  # a TLS greeting
])
@pytest.mark.sanitizer
def test_broken_http(server, data, statuses):
    server.deploy()
    answer = raw(server, data)
    if answer:  # closing without a word is an answer to what is no HTTP
        assert int(answer.split(b" ")[1]) in statuses, answer[:300]
    assert server.ask().status == 200


def test_unknown_paths_and_methods(server):
    assert server.get("/nothing").status == 404
    wrong = server.request("PUT", CHAT)
    assert wrong.status == 405 and "POST" in wrong.headers["allow"]


@pytest.mark.parametrize("spec", [
    {"engine": "echo", "scaling": {"max": 0}},
    {"engine": "echo", "scaling": {"max": 10**9}},
    {"engine": "echo", "scaling": {"idle": "-1s"}},
    {"engine": "nothing"},
    {"engine": "echo", "colour": "red"},
    {"model": "nobody@1"},
    {},
])
def test_specifications(server, spec):
    answer = server.request("PUT", "/ebb/v1/endpoints/e", {"endpoint": "e", **spec})
    assert answer.status in (400, 404), answer
    assert answer.json["error"]["message"]
    assert server.get("/ebb/v1/endpoints").json["endpoints"] == []


@pytest.mark.parametrize("name", ["UPPER", "a" * 64, ".dot", "a%2Fb", "%00"])
def test_endpoint_names(server, name):
    assert server.request("PUT", f"/ebb/v1/endpoints/{name}", {"engine": "echo"}).status in (400, 404)


@pytest.mark.parametrize(("make", "what"), [
    (lambda path: path.write_bytes(b""), "empty"),
    (lambda path: path.write_bytes(b"not a model at all" * 100), "no GGUF"),
    (lambda path: path.write_bytes(b"GGUF\x03\0\0\0" + b"\xff" * 64), "lying counts"),
    (lambda path: path.mkdir(), "a directory"),
    (lambda path: path.symlink_to("/etc/passwd"), "a symlink out"),
    (lambda path: None, "missing"),
])
def test_model_files(server, tmp_path, make, what):
    path = tmp_path / "model.gguf"
    make(path)
    done = server.ebb("model", "add", "m", str(path), check=False)
    assert done.returncode not in (0, 139), what
    assert done.stderr.strip(), what
    assert server.get("/ebb/v1/models").json["models"] == []


@pytest.mark.real_model
def test_a_truncated_model(server, tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(DEMO_MODEL.read_bytes()[:1_000_000])
    done = server.ebb("model", "add", "m", str(path), check=False)
    assert done.returncode == 1 and done.stderr.strip()
    assert server.get("/ebb/v1/models").json["models"] == []


def test_beyond_loopback_is_refused(tmp_path):
    done = subprocess.run([BIN / "ebb", "serve", "--home", tmp_path / "h", "--port", "0", "--listen", "0.0.0.0"],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and "will not listen on 0.0.0.0" in done.stderr


@pytest.mark.parametrize("written, said", [(None, "is not a file"), ("port: no\n", "'port'"), ("#" * 70_000, "is larger than 65536 bytes")])
def test_settings_that_are_none(tmp_path, written, said):
    settings = tmp_path / "ebb.yaml"
    settings.mkdir() if written is None else settings.write_text(written)
    done = subprocess.run([BIN / "ebb", "serve", "--home", tmp_path, "--port", "0"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2 and str(settings) in done.stderr and said in done.stderr
