"""Too many callers, slow readers, and callers that leave."""
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.waiting import SLOWER, eventually


@pytest.mark.sanitizer
def test_overload_at_ten_times_capacity(server):
    """4 slots and 6 places in the queue meet 100 calls at once."""
    # All four from the start: how many calls a growing worker takes in the first milliseconds is a race.
    server.deploy(scaling={"min": 4, "max": 4}, limits={"queue": 6, "wait": "30s"})
    assert server.ask().status == 200

    def call(_):
        begun = time.monotonic()
        answer = server.ask("x", script="delay_ms=1000", timeout=60)
        return answer, time.monotonic() - begun

    with ThreadPoolExecutor(100) as pool:
        results = list(pool.map(call, range(100)))
    good = [took for answer, took in results if answer.status == 200]
    refused = [(answer, took) for answer, took in results if answer.status != 200]
    assert len(good) >= 10, [answer for answer, _ in refused][:3]
    assert refused
    for answer, _ in refused:
        assert answer.status in (429, 503), answer
        assert float(answer.headers["retry-after"]) > 0, answer.headers
        assert answer.json["error"]["message"]
    # Refusals do not wait for the running calls.
    assert sorted(took for _, took in refused)[len(refused) // 2] < min(good)
    assert server.wait_for_bill(1 + len(good))
    server.wait_until_free()


def test_a_reader_at_one_byte_a_second_hurts_nobody(server):
    server.deploy(scaling={"max": 2}, context=1_000_000)
    words = " ".join(["word"] * 50_000)
    with server.stream(text=words, receive_bytes=4096) as slow:
        slow.connection.recv(1)
        for number in range(20):
            begun = time.monotonic()
            assert server.ask(f"quick {number}").status == 200
            assert time.monotonic() - begun < 5 * SLOWER
            slow.connection.recv(1)
        # The worker never waits for the reader: the slot is free although the reader holds on.
        eventually(lambda: server.endpoint()["slots_busy"] == 0, 40, "the slow reader keeps its slot")
    server.wait_until_free()


@pytest.mark.sanitizer
def test_a_hundred_random_disconnects_leave_no_busy_slot(server):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    server.deploy(scaling={"max": 8}, limits={"queue": 100})
    script = "tokens=100000 tps=200 delay_ms=50"

    def leave(plan):
        when, how_many = plan
        with server.stream(text="a b c", script=script) as call:
            if when == "at once":
                return
            texts = call.texts()
            for _ in range(how_many):
                next(texts, None)

    plans = [(chance.choice(["at once", "later", "later"]), chance.randrange(1, 12)) for _ in range(100)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(leave, plans))
    row = server.wait_until_free()
    assert row["slots_busy"] == 0
    with ThreadPoolExecutor(8) as pool:
        assert [a.status for a in pool.map(lambda _: server.ask(), range(8))] == [200] * 8


def test_a_deadline_is_kept(server):
    server.deploy()
    answer = server.request("POST", "/v1/chat/completions", {"model": "e", "messages": [{"role": "system", "content": "delay_ms=60000"}, {"role": "user", "content": "x"}]},
                            {"Ebb-Deadline": "500ms"})
    assert answer.status in (408, 504), answer
    assert server.wait_until_free()
    assert server.ask().status == 200
