"""Money: written once, to the millisecond, adding up to what the worker was busy."""
import time
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.mark.sanitizer
def test_bills_add_up_to_the_busy_time(server):
    """Eight calls share a worker for about a second: together they pay that second once, not eight times. Each bill is rounded up by less
    than a millisecond."""
    server.deploy(scaling={"max": 8}, memory="512MiB")
    assert server.ask(script="tokens=1").status == 200
    first = server.wait_for_bill(1)["total"]["billed_ms"]
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.ask("a b", script="delay_ms=1000"), range(8)))
    wall_ms = (time.monotonic() - begun) * 1000
    assert [answer.status for answer in answers] == [200] * 8
    shared = server.wait_for_bill(9)["total"]["billed_ms"] - first
    assert 1000 <= shared <= wall_ms + 8


def test_what_was_billed_is_what_was_said(server):
    server.deploy(memory="256MiB")
    answers = [server.ask(f"call {i}", script="delay_ms=20") for i in range(3)]
    said = sum(answer.json["usage"]["ebb"]["billed_ms"] for answer in answers)
    bill = server.wait_for_bill(3)
    assert bill["total"]["billed_ms"] == said
    assert bill["total"]["calls"] == 3
    assert bill["total"]["completion_tokens"] == 6
    by_endpoint = server.bill("endpoint")["rows"]
    assert [(row["endpoint"], row["calls"]) for row in by_endpoint] == [("e", 3)]
    for answer in answers:
        assert answer.headers["ebb-cost"] == answer.json["usage"]["ebb"]["cost"]


def test_who_leaves_pays_until_then(server):
    server.deploy(memory="256MiB")
    with server.stream(text="a", script="tokens=100000 tps=50") as call:
        next(call.texts())
    server.wait_until_free()
    bill = server.wait_for_bill(1)
    assert bill["total"]["calls"] == 1 and bill["total"]["billed_ms"] >= 1


def test_what_is_refused_is_not_billed(server):
    server.deploy()
    assert server.ask(script="refuse=1").status == 400
    assert server.ask(name="nobody").status == 404
    assert server.ask(temperature=-1).status == 400
    assert server.ask().status == 200
    bill = server.wait_for_bill(1)
    assert bill["total"]["completion_tokens"] == 1


def test_csv_and_json(server):
    server.deploy()
    server.ask()
    server.wait_for_bill(1)
    lines = server.ebb("bill", "--csv").stdout.strip().splitlines()
    assert len(lines) >= 2 and "," in lines[0]
    import json
    assert json.loads(server.ebb("bill", "--json").stdout)["total"]["calls"] == 1
