"""Weights of a language model are laid out once, when it is added: mapped by every worker, of no use to another model, and gone with theirs."""
import json
import pathlib

import pytest

from harness.server import DEMO_MODEL
from harness.waiting import eventually

pytestmark = pytest.mark.real_model

QUESTION = "Why is the sky blue?"


def view(server) -> dict:
    return json.loads(server.ebb("model", "show", "m", "--json").stdout)


def add(server) -> dict:
    server.ebb("model", "add", "m", str(DEMO_MODEL))
    return view(server)


def prepared_file(server) -> pathlib.Path:
    found = list((server.home / "models/prepared").rglob("layout2-*"))
    assert len(found) == 1, found
    return found[0]


def ask(server) -> str:
    answer = server.ask(QUESTION, name="chat", max_tokens=12, temperature=0, seed=1, timeout=180)
    assert answer.status == 200, answer
    return answer.json["choices"][0]["message"]["content"]


def maps_of_workers(server) -> str:
    return "".join(pathlib.Path(f"/proc/{pid}/maps").read_text() for pid in server.worker_pids())


def require_a_layout(model: dict) -> None:
    if "no other layout" in model["prepared"]["why"]:
        pytest.skip("the engine has no other layout for the demo model on this processor")
    assert model["prepared"] == {"ready": True, "why": "", "tokens_alike": model["prepared"]["tokens_alike"]}


@pytest.mark.sanitizer
def test_what_show_says_is_so(server):
    model = add(server)
    described = json.loads(prepared_file(server).open("rb").read(4096))
    assert described["tokens_alike"] == model["prepared"]["tokens_alike"]
    assert described["as_stored"] == model["prepared"]["why"] and bool(described["parts"]) == model["prepared"]["ready"]
    shown = server.ebb("model", "show", "m").stdout
    assert ("layout        for this processor" if model["prepared"]["ready"] else "layout        as stored, one copy for all workers: ") in shown
    server.ebb("deploy", "chat", "--model", "m")
    assert ask(server)
    assert "layout" not in server.ebb("logs", "chat").stdout + server.ebb("logs", "chat").stderr, "nothing to say of one that fits"


def test_every_worker_maps_it(server):
    require_a_layout(add(server))
    server.ebb("deploy", "chat", "--model", "m")
    server.ebb("deploy", "other", "--model", "m")
    assert ask(server)
    assert server.ask(QUESTION, name="other", max_tokens=1, timeout=180).status == 200
    assert maps_of_workers(server).count(str(prepared_file(server))) == 2
    server.ebb("rm", "chat")
    server.ebb("rm", "other")
    eventually(lambda: server.ebb("model", "rm", "m", check=False).returncode == 0, otherwise="the model is not let go")
    assert not list((server.home / "models/prepared").iterdir()), "it goes with its model"


def test_one_that_does_not_fit_is_said_and_not_used(server, launch, home):
    require_a_layout(add(server))
    server.ebb("deploy", "chat", "--model", "m")
    path = prepared_file(server)
    text = path.read_bytes()
    assert server.terminate() == 0
    path.chmod(0o600)
    path.write_bytes(text.replace(b'"layout_of":"', b'"layout_of":"1', 1)[:4096] + text[4096:])
    again = launch()
    assert ask(again)
    assert str(path) not in maps_of_workers(again)
    assert "do not fit" in again.ebb("logs", "chat").stdout


def test_one_that_was_lost_is_made_again_when_the_server_starts(server, launch):
    require_a_layout(add(server))
    server.ebb("deploy", "chat", "--model", "m")
    text = ask(server)
    path = prepared_file(server)
    assert server.terminate() == 0
    path.unlink()
    again = launch()
    eventually(lambda: view(again)["prepared"]["ready"], 120, otherwise="it was not made again")
    assert ask(again) == text
