"""Who is served first: classes, tenants, deadlines, and what is refused at once."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.server import DEMO_MODEL
from harness.waiting import eventually


def decisions(server, *what):
    return [one for one in server.get("/ebb/v1/endpoints/e/decisions").json["decisions"] if one["what"] in what]


@pytest.mark.sanitizer
def test_a_critical_call_takes_the_slot_of_a_batch_call_which_loses_no_text(server):
    server.deploy(scaling={"max": 1})
    words = " ".join(f"w{i}" for i in range(30))
    with server.stream(text=words, script="tps=15", headers={"Ebb-Priority": "batch"}) as batch:
        texts = batch.texts()
        first = next(texts)
        urgent = server.ask("now", headers={"Ebb-Priority": "critical"})
        assert urgent.status == 200 and urgent.json["choices"][0]["message"]["content"] == "now"
        assert [one["what"] for one in decisions(server, "hold", "resume")] == ["hold", "resume"]
        assert first + "".join(texts) == words


@pytest.mark.real_model
def test_a_model_goes_on_where_it_was(server):
    """To the last token what it would have said without being held."""
    server.ebb("deploy", "e", "--model", str(DEMO_MODEL), "--max", "1")
    asked = {"text": "Tell me a story about a lighthouse.", "max_tokens": 60, "temperature": 0.8, "seed": 7}
    alone = server.ask(**asked).json["choices"][0]["message"]["content"]
    with server.stream(**asked, headers={"Ebb-Priority": "batch"}) as batch:
        texts = batch.texts()
        told = next(texts)
        for _ in range(3):
            assert server.ask("Hi", max_tokens=2, headers={"Ebb-Priority": "critical"}).status == 200
            told += next(texts)
        assert told + "".join(texts) == alone
    assert len(decisions(server, "hold")) >= 1


def test_a_normal_call_stands_back_for_nobody(server):
    server.deploy(scaling={"max": 1})
    with server.stream(text="a b c d", script="tps=10") as normal:
        texts = normal.texts()
        next(texts)
        assert server.ask(headers={"Ebb-Priority": "critical"}).status == 200
        assert not decisions(server, "hold")
        assert len(list(texts)) >= 1


def test_tenants_take_turns(server):
    server.deploy(scaling={"max": 1})
    with ThreadPoolExecutor(10) as pool:
        blocks = pool.submit(server.ask, script="tokens=1 delay_ms=1500")
        eventually(lambda: server.endpoint()["slots_busy"] == 1, 20, "the first call never ran")
        greedy = [pool.submit(server.ask, "a b c", headers={"Ebb-Tenant": "greedy"}) for _ in range(6)]
        eventually(lambda: server.endpoint()["waiting"] == 6, 20, "six calls never waited")
        modest = [pool.submit(server.ask, "a b c", headers={"Ebb-Tenant": "modest"}) for _ in range(2)]
        eventually(lambda: server.endpoint()["waiting"] == 8, 20, "eight calls never waited")
        answers = {name: [call.result() for call in calls] for name, calls in (("greedy", greedy), ("modest", modest), ("first", [blocks]))}
    assert {answer.status for calls in answers.values() for answer in calls} == {200}
    waits = {name: sorted(float(answer.timing["queue.dur"]) for answer in calls) for name, calls in answers.items()}
    assert waits["modest"][-1] < waits["greedy"][3], "two calls of one tenant wait behind more than three of the other's"


def test_what_cannot_be_done_in_time_is_refused_at_once(server):
    server.deploy(scaling={"max": 1})
    for _ in range(12):
        assert server.ask(script="tokens=1 delay_ms=150").status == 200
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.ask, script="tokens=1 delay_ms=4000")
        eventually(lambda: server.endpoint()["slots_busy"] == 1, 20, "it never ran")
        answer = server.ask(headers={"Ebb-Deadline": "60ms"})
        assert answer.status == 429 and int(answer.headers["retry-after-ms"]) > 0, answer
        assert "deadline" in answer.json["error"]["message"]
        assert not [one for one in decisions(server, "timeout", "too late")], "it was told when it came, not when its time was over"
        assert running.result().status == 200


@pytest.mark.parametrize("name, value, says", [
    ("Ebb-Priority", "urgent", "critical, normal or batch"),
    ("Ebb-Priority", "", "critical, normal or batch"),
    ("Ebb-Tenant", "Two Words", "no name"),
    ("Ebb-Tenant", "x" * 64, "no name"),
])
def test_headers_that_say_nothing_are_refused(server, name, value, says):
    server.deploy()
    answer = server.ask(headers={name: value})
    assert answer.status == 400 and answer.json["error"]["param"] == name and says in answer.json["error"]["message"], answer


def test_the_class_of_an_endpoint_is_kept(launch):
    server = launch()
    server.deploy(priority="batch")
    server.stop()
    server = launch()
    assert server.endpoint()["spec"]["priority"] == "batch"
    answer = server.request("PUT", "/ebb/v1/endpoints/e", {"endpoint": "e", "engine": "echo", "priority": "low"})
    assert answer.status == 400 and "critical, normal or batch" in answer.json["error"]["message"]
