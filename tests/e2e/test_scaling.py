"""Zero to many to zero, and one load for all who wait."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.server import DEMO_MODEL
from harness.waiting import eventually


@pytest.mark.sanitizer
def test_zero_to_many_to_zero(server):
    server.deploy(scaling={"max": 8, "idle": "300ms", "keep": "500ms"})
    assert server.endpoint()["state"] == "absent"
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(server.ask, script="tokens=4 delay_ms=1500") for _ in range(8)]
        eventually(lambda: server.endpoint()["slots_busy"] == 8, 20, "eight calls never ran at once")
        answers = [call.result() for call in calls]
    assert [answer.status for answer in answers] == [200] * 8
    server.wait_for_state("parked")
    server.wait_for_state("absent")
    assert server.get("/ebb/v1/status").json["workers"] == 0
    assert server.endpoint()["memory_bytes"] == 0


def test_two_hundred_at_once_in_one_worker(server):
    server.deploy(scaling={"max": 1024, "idle": "300ms", "keep": "500ms"}, limits={"queue": 200})
    with ThreadPoolExecutor(200) as pool:
        calls = [pool.submit(server.ask, script="tokens=2 delay_ms=3000") for _ in range(200)]
        eventually(lambda: server.endpoint()["slots_busy"] == 200, 20, "two hundred calls never ran at once")
        assert {call.result().status for call in calls} == {200}
    assert server.request("PUT", "/ebb/v1/endpoints/e", {"endpoint": "e", "engine": "echo", "scaling": {"max": 1025}}).status == 400
    server.wait_for_state("absent")


@pytest.mark.sanitizer
def test_parked_wakes(server):
    server.deploy(scaling={"max": 2, "idle": "200ms", "keep": "5m"})
    tiers = [server.ask().timing["start.desc"], server.ask().timing["start.desc"]]
    server.wait_for_state("parked")
    tiers.append(server.ask().timing["start.desc"])
    assert tiers == ["cold", "warm", "parked"]
    rows = server.wait_for_bill(3) and server.bill("tier")["rows"]
    assert {row["tier"]: row["calls"] for row in rows} == {"cold": 1, "warm": 1, "parked": 1}


def test_two_hundred_callers_make_one_load(server):
    server.deploy(scaling={"max": 16, "keep": "5m"}, limits={"queue": 200, "wait": "60s"})
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda i: server.ask(f"caller {i}", timeout=60), range(200)))
    assert [answer.status for answer in answers] == [200] * 200
    # Nobody got another's answer.
    assert [answer.json["choices"][0]["message"]["content"] for answer in answers] == [f"caller {i}" for i in range(200)]
    decisions = server.get("/ebb/v1/endpoints/e/decisions").json["decisions"]
    assert len({decision["worker"] for decision in decisions if decision.get("worker")}) == 1
    assert sum(decision["what"] == "start" for decision in decisions) <= 1
    assert server.get("/ebb/v1/status").json["workers"] == 1
    assert server.wait_for_bill(200)["total"]["calls"] == 200


def test_redeploy_lets_running_calls_finish(server):
    first = server.deploy(scaling={"max": 2})
    with server.stream(text="a b", script="tokens=12 tps=10") as running:
        texts = running.texts()
        next(texts)
        second = server.deploy(scaling={"max": 3})
        assert second["revision"] != first["revision"]
        assert server.ask().status == 200
        assert len(list(texts)) >= 1
    eventually(lambda: server.get("/ebb/v1/status").json["workers"] == 1, 20, "the old revision's worker stays")


def test_removed_endpoint_is_gone(server):
    server.deploy()
    assert server.ask().status == 200
    assert server.request("DELETE", "/ebb/v1/endpoints/e").status in (200, 204)
    assert server.ask().status == 404
    eventually(lambda: server.get("/ebb/v1/status").json["workers"] == 0, 20, "its worker stays")
    assert server.wait_for_bill(1)["total"]["calls"] == 1


@pytest.mark.real_model
def test_blank_workers_are_there_while_a_model_needs_them(launch):
    def ready(count):
        return lambda: len(server.worker_pids()) == count

    server = launch()
    assert server.worker_pids() == [], "memory for nothing"
    server.ebb("model", "add", "smol", DEMO_MODEL)
    eventually(ready(2), 20, "no blank workers for the model's engine")
    server.stop()
    server = launch()
    eventually(ready(2), 20, "no blank workers for a model that was there before")
    server.ebb("model", "rm", "smol")
    eventually(ready(0), 20, "blank workers that no model needs")
