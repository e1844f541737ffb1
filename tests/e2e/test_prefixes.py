"""What a language model knew of a conversation outlives its worker and the server, and is believed only where it is whole."""
import os
import pathlib
import random

import pytest

from harness.waiting import eventually
from harness.server import DEMO_MODEL

pytestmark = pytest.mark.real_model

STORY = " ".join(f"On day {day} the {animal} walked to the {place}." for day, (animal, place) in enumerate(
    [(animal, place) for animal in ("fox", "dog", "cat", "hen") for place in ("river", "house", "hill", "road", "town")]))


def deploy(server):
    server.ebb("deploy", "chat", "--model", str(DEMO_MODEL), "--idle", "200ms", "--keep", "200ms")


def ask(server, **more):
    answer = server.ask(f"{STORY} Who walked to the town?", name="chat", max_tokens=12, temperature=0, timeout=180, **more)
    assert answer.status == 200, answer
    usage = answer.json["usage"]
    return answer.json["choices"][0]["message"]["content"], usage["prompt_tokens_details"]["cached_tokens"], usage["prompt_tokens"]


def tokens_alike(server) -> bool:
    """Whether the model's tokens are the same to the last bit alone and among others, as this processor computes them."""
    return server.get("/ebb/v1/models/chat").json["prepared"]["tokens_alike"]


def known(server, prompt):
    """Of the same prompt's tokens: all but the last one, or whole chunks, of which the last one is always computed."""
    return prompt - 1 if tokens_alike(server) else (prompt - 2) // 32 * 32


def prefix_file(home) -> pathlib.Path:
    """The one file in which something is kept, once its worker is gone."""
    found = [path for path in (home / "prefixes").iterdir() if path.name != "secret" and path.stat().st_size > 0]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.sanitizer
def test_it_outlives_the_worker_and_the_server(launch, home):
    server = launch()
    deploy(server)
    text, cached, prompt = ask(server)
    assert cached == 0 and prompt > 200
    server.wait_for_state("absent", "chat", 30)
    assert ask(server) == (text, known(server, prompt), prompt)
    server.wait_for_state("absent", "chat", 30)
    timing = server.ask(f"{STORY} Who walked to the town?", name="chat", max_tokens=1, timeout=180).timing
    assert float(timing["restore.dur"]) > 0 and timing["start.desc"] == "cold", timing
    assert "restore.dur" not in server.ask(f"{STORY} Who walked to the town?", name="chat", max_tokens=1, timeout=180).timing, "it is there already"
    server.wait_for_state("absent", "chat", 30)
    assert prefix_file(home).stat().st_mode & 0o777 == 0o600
    assert server.terminate() == 0
    again = launch()
    assert ask(again) == (text, known(again, prompt), prompt), "after the server, too"
    assert ask(again, seed=7)[1] == (known(again, prompt) if tokens_alike(again) else 0), "with a seed only where it makes no difference"


def test_a_damaged_file_is_computed_again(server, home):
    deploy(server)
    text, _, prompt = ask(server)
    chance = random.Random(4)
    for damage in ("flip", "cut", "garbage", "empty"):
        server.wait_for_state("absent", "chat", 30)
        path = prefix_file(home)
        size = path.stat().st_size
        if damage == "flip":
            with open(path, "r+b") as file:
                file.seek(4096 + chance.randrange(size - 4096))
                byte = file.read(1)[0]
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte ^ 16]))
        elif damage == "garbage":
            path.write_bytes(chance.randbytes(size))
        else:
            os.truncate(path, size - 1 if damage == "cut" else 0)
        assert ask(server) == (text, 0, prompt), damage
    server.wait_for_state("absent", "chat", 30)
    assert ask(server) == (text, known(server, prompt), prompt), "what was computed anew is kept anew"


def test_endpoints_share_nothing_and_take_theirs_along(server, home):
    deploy(server)
    text, _, prompt = ask(server)
    server.wait_for_state("absent", "chat", 30)
    kept = prefix_file(home)
    server.ebb("deploy", "other", "--model", "chat@1")
    answer = server.ask(f"{STORY} Who walked to the town?", name="other", max_tokens=12, temperature=0, timeout=180)
    assert answer.json["choices"][0]["message"]["content"] == text
    assert answer.json["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    server.ebb("rm", "chat")
    eventually(lambda: not kept.exists(), 10, "the prefixes of a removed endpoint are still there")


def test_a_worker_killed_at_any_time_costs_only_computing(server):
    deploy(server)
    text, _, prompt = ask(server)
    for _ in range(5):
        server.kill_workers()  # parking, parked or gone
        again, cached, tokens = ask(server)
        assert (again, tokens) == (text, prompt) and cached in (0, known(server, prompt))
