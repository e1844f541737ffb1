"""The demo model behind the whole platform: a short list, since each test loads it."""
import pytest

from harness.server import DEMO_MODEL

pytestmark = pytest.mark.real_model


@pytest.fixture
def chat(server):
    server.ebb("deploy", "chat", "--model", str(DEMO_MODEL), "--idle", "1s", "--keep", "10m")
    return server


@pytest.mark.sanitizer
def test_absent_to_an_answer_and_parked_to_the_same(chat):
    question = {"name": "chat", "max_tokens": 12, "temperature": 0, "timeout": 180}
    cold = chat.ask("What is two plus two?", **question)
    assert cold.status == 200, cold
    assert cold.timing["start.desc"] == "cold"
    text = cold.json["choices"][0]["message"]["content"]
    usage = cold.json["usage"]
    assert text.strip() and 1 <= usage["completion_tokens"] <= 12 and usage["prompt_tokens"] > 5
    assert "<|im_end|>" not in text

    chat.wait_for_state("parked", "chat", 30)
    woken = chat.ask("What is two plus two?", **question)
    assert woken.timing["start.desc"] == "parked"
    assert woken.json["choices"][0]["message"]["content"] == text

    with chat.stream("What is two plus two?", name="chat", max_tokens=12, temperature=0) as stream:
        assert "".join(stream.texts()) == text


def test_slots_share_one_worker_and_get_their_own_answers(chat):
    from concurrent.futures import ThreadPoolExecutor
    questions = [f"Repeat the number {n}." for n in range(4)]
    alone = [chat.ask(q, name="chat", max_tokens=8, temperature=0).json["choices"][0]["message"]["content"] for q in questions]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda q: chat.ask(q, name="chat", max_tokens=8, temperature=0), questions))
    assert [answer.status for answer in together] == [200] * 4
    # Batches round differently, so a late token may differ; the first words must not.
    for one, many in zip(alone, together):
        assert many.json["choices"][0]["message"]["content"].split()[:1] == one.split()[:1]
    assert chat.get("/ebb/v1/status").json["workers"] == 1


def test_seed_makes_sampling_repeatable(chat):
    answers = {chat.ask("Tell me a story.", name="chat", max_tokens=16, temperature=1.0, seed=7).json["choices"][0]["message"]["content"] for _ in range(2)}
    assert len(answers) == 1


def test_a_prompt_beyond_the_context(chat):
    answer = chat.ask("word " * 9000, name="chat")
    assert answer.status == 400 and answer.json["error"]["code"] == "context_length_exceeded", answer
    assert chat.bill()["total"]["cost_pico"] in (0, "0")


def test_leaving_stops_the_generation(chat):
    with chat.stream("Count to a thousand.", name="chat", max_tokens=2000, temperature=0) as stream:
        next(stream.texts())
    chat.wait_until_free("chat")


def test_the_same_content_is_stored_once(chat, home):
    before = sum(path.stat().st_blocks * 512 for path in home.rglob("*") if path.is_file())
    chat.ebb("model", "add", "other", str(DEMO_MODEL))
    after = sum(path.stat().st_blocks * 512 for path in home.rglob("*") if path.is_file())
    assert after - before < 10_000_000
    assert {model["name"] for model in chat.get("/ebb/v1/models").json["models"]} == {"chat", "other"}
