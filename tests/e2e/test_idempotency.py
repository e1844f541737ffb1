"""The header Idempotency-Key: one call and one charge, however often it is asked for and whatever happens in between."""
import json
import os
import pathlib
import signal
import socket
import sqlite3
import struct
import uuid
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from harness.images import tool
from harness.server import chat
from harness.waiting import eventually

KEPT_BYTES_MAX = 1 << 20


def keyed(key: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key, **more}


# On a socket of its own, a request that http.client would send the same way.
AS_HTTP_CLIENT = {"Accept-Encoding": "identity"}


def is_replay(answer) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


def records(server) -> list[dict]:
    return [record for record in map(json.loads, server.ebb("usage", "export").stdout.splitlines()) if record["tier"] != "init"]


def only_record(server) -> dict:
    """The one call that was made: its record is written a moment after its end, and none follows it."""
    server.wait_for_bill(1)
    server.wait_until_free()
    (record,) = records(server)
    return record


@pytest.fixture
def echo(server):
    server.deploy(scaling={"max": 4})
    return server


@pytest.mark.sanitizer
def test_openais_client_gets_the_same_answer_for_one_charge(echo):
    client = echo.openai()
    key = str(uuid.uuid4())

    def ask(text="a b c"):
        raw = client.chat.completions.with_raw_response.create(model="e", messages=[{"role": "user", "content": text}], extra_headers=keyed(key))
        return raw.headers, raw.parse()

    first_headers, first = ask()
    assert "idempotent-replayed" not in first_headers
    for _ in range(3):
        headers, again = ask()
        assert again == first
        assert headers["idempotent-replayed"] == "true"
        assert headers["ebb-original-request"] == first_headers["x-request-id"] != headers["x-request-id"]
        assert headers["ebb-cost"] == first_headers["ebb-cost"]
    with pytest.raises(openai.UnprocessableEntityError) as other:
        ask("d e f")
    assert other.value.code == "idempotency_key_reused"
    record = only_record(echo)
    assert first.id == f"chatcmpl-{record['call']}"
    assert 'ebb_replayed_answers_total{endpoint="e"} 3' in echo.get("/metrics").body.decode()
    replays = [line for line in map(json.loads, echo.log().splitlines()) if line.get("replay_of")]
    assert [line["replay_of"] for line in replays] == [first_headers["x-request-id"]] * 3
    assert {line["call"] for line in replays} == {record["call"]}
    assert record["call"] in echo.ebb("why", headers["x-request-id"]).stdout, "the story of a replay is that of its call"


def test_a_client_that_tries_again_by_itself_sends_the_same_key_and_pays_once(echo):
    """OpenAI's client after an answer that it takes for a failure of the way: the same request once more."""
    client = echo.openai(max_retries=3)
    key = str(uuid.uuid4())
    with pytest.raises(openai.InternalServerError) as late:
        client.with_options(default_headers={"Ebb-Deadline": "300ms"}).chat.completions.create(
            **chat("a", "delay_ms=60000"), extra_headers=keyed(key))
    assert late.value.status_code == 504 and late.value.response.headers["idempotent-replayed"] == "true"
    record = only_record(echo)
    assert record["outcome"] == "timeout" and record["billed_ms"] > 0


STREAM = chat("a b c", "tokens=50", stream=True, stream_options={"include_usage": True})
ROUTES = [
    ("/v1/chat/completions", STREAM),
    ("/v1/completions", {"model": "e", "prompt": "a b c"}),
    ("/v1/completions", {"model": "e", "prompt": "a b c", "stream": True}),
    ("/v1/responses", {"model": "e", "input": "a b c"}),
    ("/v1/responses", {"model": "e", "input": "a b c", "stream": True}),
    ("/v1/embeddings", {"model": "e", "input": ["a", "b"]}),
    ("/api/chat", {"model": "e", "messages": [{"role": "user", "content": "a b c"}]}),
    ("/api/generate", {"model": "e", "prompt": "a b c", "stream": False}),
    ("/api/embed", {"model": "e", "input": "a"}),
    ("/v2/models/e/infer", {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1.5]}]}),
]


@pytest.mark.parametrize("path,body", ROUTES)
def test_every_route_that_costs_takes_a_key(echo, path, body):
    answers = [echo.request("POST", path, body, keyed("k")) for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3, answers
    assert [is_replay(answer) for answer in answers] == [False, True, True]
    assert answers[1].body == answers[2].body == answers[0].body
    assert answers[1].headers["content-type"] == answers[0].headers["content-type"]
    only_record(echo)


def test_choices_are_made_once(echo):
    answers = [echo.ask("a b", n=3, headers=keyed("k")) for _ in range(2)]
    assert is_replay(answers[1]) and answers[0].body == answers[1].body and len(answers[0].json["choices"]) == 3
    echo.wait_for_bill(3)
    assert len(records(echo)) == 3


@pytest.mark.sanitizer
def test_a_repeat_waits_for_the_first(echo):
    with ThreadPoolExecutor(4) as pool, echo.stream("a", "tokens=60 tps=30", headers=keyed("k", **AS_HTTP_CLIENT)) as first:
        texts = first.texts()
        next(texts)
        body = chat("a", "tokens=60 tps=30", stream=True)
        repeats = [pool.submit(echo.request, "POST", "/v1/chat/completions", body, keyed("k")) for _ in range(3)]
        hurried = echo.request("POST", "/v1/chat/completions", body, keyed("k", **{"Ebb-Deadline": "20ms"}))
        assert hurried.status == 409 and hurried.json["error"]["code"] == "idempotency_in_progress" and hurried.headers["retry-after"] == "1"
        assert echo.request("POST", "/v1/chat/completions", chat("b", stream=True), keyed("k")).status == 422
        said = "".join(texts)
        bodies = {repeat.result().body for repeat in repeats}
        assert all(is_replay(repeat.result()) for repeat in repeats)
    assert len(bodies) == 1
    events = [json.loads(line[6:]) for line in bodies.pop().decode().split("\n\n") if line.startswith("data: {")]
    assert said and "".join(event["choices"][0]["delta"].get("content") or "" for event in events if event["choices"]).endswith(said)
    only_record(echo)


@pytest.mark.sanitizer
@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_that_leaves_does_not_end_its_call(echo, streamed):
    script = "tokens=40 tps=40"
    if streamed:
        with echo.stream("a", script, headers=keyed("k", **AS_HTTP_CLIENT)) as call:
            next(call.texts())
    else:
        body = json.dumps(chat("a", script)).encode()
        with echo.socket() as connection:
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n"
                               b"Accept-Encoding: identity\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            eventually(lambda: echo.endpoint()["slots_busy"], otherwise="the call never began")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    again = echo.ask("a", script, headers=keyed("k"), **({"stream": True} if streamed else {}))
    assert again.status == 200 and is_replay(again)
    if not streamed:
        assert again.json["usage"]["completion_tokens"] == 40
    record = only_record(echo)
    assert (record["outcome"], record["completion_tokens"]) == ("ok", 40)


def test_without_a_key_a_client_that_leaves_ends_its_call(echo):
    with echo.stream("a", "tokens=4000 tps=40") as call:
        next(call.texts())
    assert only_record(echo)["outcome"] == "left"


@pytest.mark.sanitizer
def test_answers_outlive_a_restart_and_a_kill(launch):
    server = launch()
    server.deploy()
    answers = {key: server.ask(key, headers=keyed(key)) for key in ("a", "b")}
    streamed = server.request("POST", "/v1/chat/completions", STREAM, keyed("c"))
    server.kill()
    server = launch()
    for key, answer in answers.items():
        again = server.ask(key, headers=keyed(key))
        assert is_replay(again) and again.body == answer.body
    again = server.request("POST", "/v1/chat/completions", STREAM, keyed("c"))
    assert is_replay(again) and again.body == streamed.body
    assert server.terminate() == 0
    server = launch()
    server.request("DELETE", "/ebb/v1/endpoints/e")
    assert server.ask("a", headers=keyed("a")).body == answers["a"].body, "also of an endpoint that is gone"
    assert len(records(server)) == 3


@pytest.mark.sanitizer
def test_what_a_kill_cut_off_cost_nothing_and_runs_again(launch):
    server = launch()
    server.deploy()
    with server.stream("a", "tokens=4000 tps=40", headers=keyed("k")) as call:
        next(call.texts())
        server.kill()
    server = launch()
    assert records(server) == []
    with server.stream("a", "tokens=4000 tps=40", headers=keyed("k")) as call:
        assert call.head().getheader("Idempotent-Replayed") is None
        next(call.texts())
    server.kill()  # which would wait for its end, half a minute long


def checksum(row) -> int:
    """As src/store/checksum.h has it."""
    state = 0xCBF29CE484222325

    def add(data: bytes) -> None:
        nonlocal state
        for byte in data:
            state = (state ^ byte) * 0x100000001B3 % 2**64

    for value in row:
        if value is None:
            add(b"\xff")
        elif isinstance(value, int):
            add((value % 2**64).to_bytes(8, "little"))
        else:
            data = value.encode()
            add(len(data).to_bytes(8, "little") + data)
    return state - 2**64 if state >= 2**63 else state


def forget_the_end(home: pathlib.Path) -> None:
    """What a server leaves that is killed after a call is in the book and before its answer is kept."""
    with sqlite3.connect(home / "answers.db") as file:
        columns = "id, tenant, parameters, endpoint, request, first_call, calls, begun_ms, ended_ms, state, answer"
        for row in file.execute(f"SELECT {columns}, checksum FROM answers").fetchall():
            assert checksum(row[:-1]) == row[-1]
            begun = (*row[:8], None, "begun", "")
            file.execute("UPDATE answers SET ended_ms = NULL, state = 'begun', answer = '', checksum = ? WHERE id = ?", (checksum(begun), row[0]))
    file.close()


def test_an_answer_that_is_lost_is_not_paid_for_twice(launch):
    server = launch()
    server.deploy()
    first = server.ask("a b", headers=keyed("k"))
    assert first.status == 200
    server.wait_for_bill(1)
    server.terminate()
    forget_the_end(server.home)
    server = launch()
    for _ in range(2):
        lost = server.ask("a b", headers=keyed("k"))
        assert lost.status == 409 and lost.json["error"]["code"] == "idempotency_answer_lost"
        assert first.json["id"].removeprefix("chatcmpl-") in lost.json["error"]["message"]
        assert lost.headers["x-should-retry"] == "false"
    assert server.ask("a b", headers=keyed("another")).status == 200
    server.wait_for_bill(2)


def test_kill_9_under_load_charges_each_key_once(launch):
    """Callers with keys that try again until they have an answer: what they are told to pay is what is on the bill, whatever is killed meanwhile."""
    told, lost = {}, set()
    server = launch()
    server.deploy(scaling={"max": 8})
    rounds = 4
    for n in range(rounds):
        last = n + 1 == rounds

        def call(key, server=server):
            if key in told or key in lost:
                return
            try:
                answer = server.ask(key, "delay_ms=5", headers=keyed(key))
            except OSError:
                return
            except Exception as cut:  # a part of an answer
                assert "IncompleteRead" in repr(cut) or "BadStatusLine" in repr(cut) or "RemoteDisconnected" in repr(cut), cut
                return
            if answer.status == 200:
                told[key] = answer.json["id"].removeprefix("chatcmpl-")
            else:
                assert answer.json["error"]["code"] == "idempotency_answer_lost", answer
                lost.add(key)

        keys = [f"k{i}" for i in range((n + 1) * 150)]
        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(call, key) for key in keys]
            if not last:
                eventually(lambda n=n: len(told) + len(lost) >= n * 150 + 60, 60, "too few answers")
                server.kill()
            for one in running:
                one.result()
        if not last:
            server = launch()
    assert len(told) + len(lost) == rounds * 150
    server.wait_for_bill(len(told))
    billed = [record["call"] for record in records(server)]
    assert len(set(billed)) == len(billed) == len(told) + len(lost), "a call for each key, and no more"
    assert set(told.values()) <= set(billed)
    assert len(lost) <= 8 * rounds, "only what ended at the very moment of a kill"


def test_each_tenant_and_each_key_has_its_own(echo):
    answers = [echo.ask("a", headers=keyed("same", **{"Ebb-Tenant": tenant})) for tenant in ("t1", "t2", "t1")]
    assert [is_replay(answer) for answer in answers] == [False, False, True]
    echo.ebb("tenant", "add", "us")
    echo.key = echo.ebb("key", "create", "--tenant", "us", "--scope", "admin").stdout.strip()
    echo.ebb("tenant", "add", "acme")
    secrets = [echo.ebb("key", "create", "--tenant", "acme", "--scope", "invoke").stdout.strip() for _ in range(2)]
    as_keys = [keyed("same", Authorization=f"Bearer {secret}") for secret in (*secrets, secrets[0])]
    assert [is_replay(echo.ask("b", headers=headers)) for headers in as_keys] == [False, False, True]
    assert echo.ask("b", headers=keyed("same", Authorization="Bearer sk-guess")).status == 401
    line = json.loads(echo.ebb("key", "ls", "--json").stdout)["keys"][1]["id"]
    rotated = echo.ebb("key", "rotate", line, "--overlap", "0ms").stdout.strip()
    assert is_replay(echo.ask("b", headers=keyed("same", Authorization=f"Bearer {rotated}"))), "a line of keys is one"
    echo.wait_for_bill(4)
    assert {row["tenant"]: row["calls"] for row in echo.bill("tenant")["rows"]} == {"t1": 1, "t2": 1, "acme": 2}


def test_refusals_are_no_answers(server):
    assert server.ask("a", headers=keyed("k")).status == 404
    server.deploy(limits={"queue": 0}, scaling={"max": 1})
    assert server.ask("a", temperature=99, headers=keyed("k")).status == 400
    with server.stream("b", "tokens=4000 tps=40") as busy:
        next(busy.texts())
        assert server.ask("a", headers=keyed("k")).status == 429
    server.wait_until_free()
    answer = server.ask("a", headers=keyed("k"))
    assert answer.status == 200 and not is_replay(answer)
    assert is_replay(server.ask("a", headers=keyed("k")))


def test_a_worker_that_dies_cost_nothing_and_the_call_is_made_again(echo):
    for _ in range(2):
        broken = echo.ask("a b c", "crash_at=2 tokens=5", stream=True, headers=keyed("k"))
        assert b'"error"' in broken.body and not is_replay(broken)
    eventually(lambda: len(records(echo)) == 2, otherwise="the records")
    assert {(record["outcome"], record["cost_pico"]) for record in records(echo)} == {("fault", 0)}


def test_a_large_answer_is_given_once(echo):
    body = chat("x" * 900, "tokens=1300 tps=2000", stream=True)
    first = echo.request("POST", "/v1/chat/completions", body, keyed("k"))
    assert first.status == 200 and len(first.body) > KEPT_BYTES_MAX
    again = echo.request("POST", "/v1/chat/completions", body, keyed("k"))
    assert again.status == 409 and again.json["error"]["code"] == "idempotency_answer_not_kept"
    assert only_record(echo)["call"] in again.json["error"]["message"]


def test_a_key_is_in_no_file_and_no_log(launch):
    server = launch()
    server.deploy()
    key = "a-secret-of-some-caller"
    server.ask("a", headers=keyed(key))
    server.ask("b", headers=keyed(key))
    server.ask("b", headers=keyed(key * 20))
    server.terminate()
    assert key not in server.log()
    for file in pathlib.Path(server.home).rglob("*"):
        if file.is_file():
            assert key.encode() not in file.read_bytes(), file


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_on_a_full_disk_nothing_is_begun(launch, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    tool("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk)
    server = None
    try:
        server = launch(home=disk / "home")
        server.deploy()
        kept = server.ask("a", headers=keyed("before"))
        assert kept.status == 200
        server.wait_for_bill(1)
        with open(disk / "fill", "wb", buffering=0) as fill:
            try:
                while True:
                    fill.write(bytes(1 << 16))
            except OSError:
                pass
        refused = eventually(lambda: (answer := server.ask("a", headers=keyed(str(uuid.uuid4())))).status == 503 and answer, 20, "a full disk was not noticed")
        assert "disk" in refused.json["error"]["message"]
        eventually(lambda: server.get("/readyz").status == 503, 20, "still ready")
        calls = server.bill()["total"]["calls"]
        assert server.ask("a", headers=keyed("during")).status == 503
        assert server.ask("a", headers=keyed("before")).body == kept.body, "what is kept can be read"
        assert server.bill()["total"]["calls"] == calls
        (disk / "fill").unlink()
        answer = eventually(lambda: (answer := server.ask("a", headers=keyed("during"))).status == 200 and answer, 20, "it does not go on")
        assert not is_replay(answer)
        assert is_replay(server.ask("a", headers=keyed("during")))
        assert server.terminate() == 0
    finally:
        if server is not None and server.process.poll() is None:
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
        tool("umount", disk)
