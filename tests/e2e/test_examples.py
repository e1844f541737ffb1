"""Every program in examples/, run as its reader would run it, against the demo model. One server for all."""
import json
import os
import shutil
import subprocess
import sys

import pytest

from harness import server as servers
from harness.waiting import ROOT, SLOWER

pytestmark = pytest.mark.real_model

RUNNERS = {".py": [sys.executable], ".mjs": ["node"], ".sh": ["bash"]}
RUN_BY_README = {"search.py", "pack.sh"}  # test_examples_readme.py
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.suffix in RUNNERS and path.name not in RUN_BY_README)
TYPED = {"conversation.py": "My name is Ada.\nWhat is my name?\n"}


def conversation(out):
    assert out.count("assistant: ") >= 2


def structured(out):
    pet = json.loads(out)
    assert pet["kind"] in ("cat", "dog") and isinstance(pet["name"], str) and isinstance(pet["age"], int)


def tools(out):
    call, answer = out.split("\n", 1)
    assert call.startswith("get_weather: {'city': ") and "'sky': 'sunny'" in call and answer.strip()


def responses(out):
    assert len(out.splitlines()) >= 2


def async_many(out):
    assert all(f"What is {thing}?\n  " in out for thing in ("the sun", "the moon", "a star", "a planet"))


def embeddings(out):
    assert out.splitlines()[0].endswith("Quarterly revenue rose by twelve percent.")


def curl(out):
    events = [line.removeprefix("data: ") for line in out.splitlines() if line]
    assert events.pop() == "[DONE]"
    chunks = [json.loads(event) for event in events]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks).strip()
    assert chunks[-1]["choices"][0]["finish_reason"] in ("stop", "length")


CHECKS = {check.__name__: check for check in (conversation, structured, tools, responses, async_many, embeddings, curl)}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    server = servers.Server(tmp_path_factory.mktemp("examples") / "home")
    server.start()
    server.ebb("deploy", "chat", "--model", str(servers.DEMO_MODEL), "--keep", "10m")
    server.ebb("deploy", "minilm", "--model", str(servers.SENTENCE_MODEL), "--keep", "10m")
    yield server.url + "/v1"
    assert server.stop() == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example(example, url, tmp_path):
    command = RUNNERS[example.suffix]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    path = example
    if example.suffix == ".mjs":  # Node looks for packages beside the program
        path = shutil.copy(example, tmp_path)
        (tmp_path / "node_modules").symlink_to(ROOT / "tests/node/node_modules")
    environment = {name: value for name, value in os.environ.items() if name != "MODEL" and not name.startswith("OPENAI_")}
    done = subprocess.run([*command, path], cwd=tmp_path, env={**environment, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "any"},
                          input=TYPED.get(example.name, ""), capture_output=True, text=True, timeout=120 * SLOWER, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if check := CHECKS.get(example.stem):
        check(done.stdout)
