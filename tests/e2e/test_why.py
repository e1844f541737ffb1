"""What became of one call, and every call on a line."""
import json
import subprocess

import pytest

from harness.server import BIN


@pytest.mark.sanitizer
def test_the_story_of_a_call(server):
    server.deploy(memory="256MiB")
    answer = server.ask("a b c", script="delay_ms=20")
    server.wait_for_bill(1)
    call, request = answer.json["id"].removeprefix("chatcmpl-"), answer.headers["x-request-id"]
    for name in (call, answer.json["id"], request):
        said = server.ebb("why", name).stdout
        assert f"Call {call} of 'e' (ended)" in said
        assert "there was no worker when it came" in said and "the whole answer was given" in said
        assert "Why it was not faster" in said and " ms " in said
        assert "dispatch" in said.split("What was decided about it")[1]
    told = json.loads(server.ebb("why", call, "--json").stdout)
    assert told["state"] == "ended" and told["usage"]["tier"] == "cold" and told["usage"]["start_ns"] > 0
    assert told["usage"]["cost"] == answer.headers["ebb-cost"]
    [dispatch] = [one for one in told["decisions"] if one["what"] == "dispatch"]
    assert dispatch["facts"]["waited_ns"] == told["usage"]["queued_ns"] and dispatch["facts"]["slots_busy"] == 1
    assert call in server.ebb("why", "e").stdout
    warm = server.ask("a b c")
    assert "It did not wait" in server.ebb("why", warm.json["id"]).stdout


def test_a_call_that_runs(server):
    server.deploy()
    with server.stream(text="a", script="tokens=100000 tps=50") as call:
        id = next(call.events())["id"]
        told = json.loads(server.ebb("why", id, "--json").stdout)
        assert told["state"] == "running" and told["usage"] is None
        assert "is still running" in server.ebb("why", id).stdout


def test_records_outlive_the_server_and_decisions_do_not(server):
    server.deploy()
    id = server.ask().json["id"]
    server.terminate()
    server.start()
    told = json.loads(server.ebb("why", id, "--json").stdout)
    assert told["decisions"] == [] and told["usage"]["outcome"] == "ok"


def test_unknown_calls(server):
    server.deploy("0123456789abcdef")
    assert "deploy" in server.ebb("why", "0123456789abcdef").stdout, "no call, but an endpoint that is called like one"
    for name in ("0123456789abcdee", "req_0123456789abcdee"):
        done = server.ebb("why", name, check=False)
        assert done.returncode == 1 and "Kept are: the records of all calls that have ended" in done.stderr
    assert "there is no endpoint 'nobody'" in server.ebb("why", "nobody", check=False).stderr


@pytest.mark.sanitizer
def test_an_export_is_a_trace(server, tmp_path):
    server.deploy("one", memory="64MiB")
    server.deploy("two")
    for name in ("one", "one", "two"):
        assert server.ask("a b", name=name, script="delay_ms=5").status == 200
    server.wait_for_bill(3)
    lines = [json.loads(line) for line in server.ebb("usage", "export").stdout.splitlines()]
    assert [line["endpoint"] for line in lines] == ["one", "one", "two"]
    assert [line["tier"] for line in lines] == ["cold", "warm", "cold"]
    assert all(line["total_ns"] >= line["queued_ns"] + 5_000_000 and line["completion_tokens"] == 2 for line in lines)
    assert len(server.ebb("usage", "export", "--last", "1h", "--endpoint", "one").stdout.splitlines()) == 2
    trace = tmp_path / "usage.jsonl"
    trace.write_text(server.ebb("usage", "export").stdout)
    planned = subprocess.run([BIN / "ebb", "plan", trace, "--json"], capture_output=True, text=True, timeout=60, check=True)
    report = json.loads(planned.stdout)
    assert report["layout"] == "ebb-usage" and report["functions"] == 2 and report["ebb"][0]["calls"] == 3


def test_wrong_times_of_an_export(server):
    for last in ("7", "x", "0s"):
        done = server.ebb("usage", "export", "--last", last, check=False)
        assert done.returncode == 2 and "--last" in done.stderr
    assert server.ebb("usage", "export").stdout == "", "nothing ended yet"
