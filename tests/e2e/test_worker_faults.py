"""Workers that die, hang or lie: callers without a byte are retried once elsewhere, callers with bytes get a typed error event, and
neither pays for it."""
import pytest

from harness.waiting import eventually


def error_of(stream) -> dict:
    events = list(stream.events())
    assert events and "error" in events[-1], events
    return events[-1]["error"]


@pytest.mark.sanitizer
def test_killed_before_the_first_byte_is_retried(server):
    server.deploy()
    with server.stream(text="still here", script="delay_ms=1500") as call:
        eventually(lambda: server.endpoint()["slots_busy"] == 1, 20, "the call never ran")
        server.kill_workers()
        assert "".join(call.texts()) == "still here"
    bill = server.wait_for_bill(1)
    assert bill["total"]["calls"] == 1


@pytest.mark.sanitizer
def test_killed_in_mid_stream_is_a_typed_error(server):
    server.deploy()
    with server.stream(script="tokens=100000 tps=50") as call:
        events = call.events()
        for event in events:
            if any(choice["delta"].get("content") for choice in event["choices"]):
                break
        server.kill_workers()
        last = list(events)[-1]
        assert last["error"]["type"] == "server_error", last
        assert last["error"]["ebb"]["request_id"] == call.head().getheader("x-request-id")
        assert last["error"]["ebb"]["completion_tokens"] >= 1
    bill = server.wait_for_bill(1)
    assert bill["total"]["calls"] == 1 and bill["total"]["cost_pico"] in (0, "0")
    assert server.ask("again").json["choices"][0]["message"]["content"] == "again"


def test_crash_at_a_token(server):
    server.deploy()
    with server.stream(text="a b c d e", script="crash_at=4 tps=100") as call:
        assert error_of(call)["ebb"]["completion_tokens"] == 3
    assert server.ask().status == 200


def test_a_request_that_kills_two_workers_is_refused(server):
    server.deploy()
    answer = server.ask(script="crash_on_start=1", timeout=60)
    assert (answer.status, answer.json["error"]["code"]) == (422, "poison_request"), answer
    assert server.wait_for_bill(1)["total"]["cost_pico"] in (0, "0")
    # Others are served; the back-off after two deaths may let them wait for a moment.
    assert server.ask("fine").json["choices"][0]["message"]["content"] == "fine"


@pytest.mark.sanitizer
def test_garbage_kills_that_worker_and_nothing_else(server):
    server.deploy("liar")
    server.deploy("bystander")
    with server.stream(text="x", name="bystander", script="tokens=40 tps=20") as bystander:
        texts = bystander.texts()
        next(texts)
        with server.stream(text="a b c", script="garbage_at=2 tps=20", name="liar") as liar:
            assert error_of(liar)["type"] == "server_error"
        assert list(texts)
    assert server.ask(name="liar").status == 200


def test_a_hanging_worker_is_found_by_its_missing_progress(server):
    """Half a minute without a sign while work is due: the watchdog judges progress, not liveness."""
    server.deploy()
    with server.stream(text="a b c", script="hang_at=2") as call:
        assert error_of(call)["type"] == "server_error"
    assert server.wait_for_bill(1)["total"]["cost_pico"] in (0, "0")
    assert server.ask().status == 200


@pytest.mark.real_model
def test_killed_while_loading(server):
    from harness.server import DEMO_MODEL
    server.ebb("deploy", "chat", "--model", str(DEMO_MODEL))
    with server.stream(text="Say hi.", name="chat", max_tokens=4) as call:
        eventually(lambda: server.endpoint("chat")["state"] != "absent", 20, "no worker ever started")
        server.kill_workers()
        assert "".join(call.texts())
    assert server.wait_for_bill(1)["total"]["calls"] == 1
