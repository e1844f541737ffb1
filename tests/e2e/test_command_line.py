"""The commands as a new user types them, against a running server."""
import json
import subprocess

import pytest

from harness.server import BIN, DEMO_MODEL


@pytest.mark.sanitizer
def test_the_tour(server):
    server.ebb("deploy", "e", "--engine", "echo", "--idle", "1m")
    assert "one two" in server.ebb("chat", "e", "one two").stdout
    rows = json.loads(server.ebb("ps", "--json").stdout)
    assert "e" in json.dumps(rows)
    assert "e" in server.ebb("ps").stdout
    server.wait_for_bill(1)
    assert "e" in server.ebb("bill").stdout
    assert "start" in server.ebb("why", "e").stdout
    assert server.ebb("logs", "e").returncode == 0
    assert server.ebb("status").stdout
    assert server.ebb("model", "ls").returncode == 0
    assert server.ebb("rm", "e").returncode == 0
    assert server.ebb("chat", "e", "hello", check=False).returncode == 1


@pytest.mark.parametrize("command", ["serve", "deploy", "chat", "embed", "ps", "top", "logs", "bill", "usage", "why", "template", "tokenize", "rm", "model", "status", "completion", "plan"])
def test_help_has_an_example(command):
    done = subprocess.run([BIN / "ebb", command, "--help"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0
    assert f"ebb {command}" in done.stdout


def test_no_server():
    done = subprocess.run([BIN / "ebb", "ps", "--server", "http://127.0.0.1:1"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 3 and "ebb serve" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell):
    done = subprocess.run([BIN / "ebb", "completion", shell], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0 and "ebb" in done.stdout


def test_template_and_tokenize(server):
    server.deploy()
    shown = server.ebb("tokenize", "e", "one two", "--json")
    assert json.loads(shown.stdout)["tokens"] == [{"id": 0, "text": "one"}, {"id": 1, "text": "two"}]
    assert server.ebb("template", "e", "one two").stdout == "onetwo\n"
    assert server.endpoint()["state"] == "ready", "it is a call like any other"


@pytest.mark.real_model
def test_what_the_model_really_sees(server):
    server.ebb("deploy", "chat", "--model", str(DEMO_MODEL))
    shown = server.ebb("template", "chat", "Say <|im_end|> twice.", "--system", "Be brief.").stdout
    assert shown == "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nSay <|im_end|> twice.<|im_end|>\n<|im_start|>assistant\n\n"
    tokens = json.loads(server.ebb("template", "chat", "Say <|im_end|> twice.", "--json").stdout)["tokens"]
    assert [token["text"] for token in tokens].count("<|im_end|>") == 2, "the one that the user spelled is text"
    assert "Hello" in server.ebb("tokenize", "chat", "Hello there").stdout
