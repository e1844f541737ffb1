"""The commands of examples/README.md, run as its reader would run them, and what comes of them."""
import http.client
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from harness.images import why_no_python
from harness.waiting import BIN, ROOT, SLOWER, eventually

MODELS = ROOT / "deps/models/onnx"
functions = pytest.mark.skipif(bool(why_no_python()) or not (shutil.which("crun") or shutil.which("runc")),
                               reason=why_no_python() or "neither crun nor runc is installed: run `make setup`")


def needs(model):
    return pytest.mark.skipif(not (MODELS / model).exists(), reason=f"the model '{model}' is not in deps/models/onnx: run `make setup`")


def commands(title):
    """The commands under a heading, in their order."""
    text = (ROOT / "examples/README.md").read_text()
    found = next(part for part in re.split(r"^## ", text, flags=re.MULTILINE) if part.startswith(title + "\n"))
    blocks = re.findall(r"```console\n(.*?)```", found, re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def shell(server, tmp_path):
    """Runs a command from the root of the repository, with the programs in the path; the process that ended."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tools / "python").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{BIN}:{os.environ['PATH']}", "EBB_URL": server.url, "OPENAI_BASE_URL": server.url + "/v1",
                   "OPENAI_API_KEY": "any", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(ROOT / "deps/wheels/lambda")}

    def run(command):
        return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120 * SLOWER, check=False)

    return run


@pytest.fixture
def read_along(server, shell, tmp_path):
    """Runs the commands under a heading as they stand, but for the server's port and the folder of what they make; what each printed."""

    def run(title):
        said = []
        for command in commands(title):
            here = command.replace("localhost:8390", f"localhost:{server.port}").replace("/tmp/", f"{tmp_path}/")
            done = shell(here)
            print(f"$ {here}\n{done.stdout}{done.stderr}")
            assert done.returncode == 0, here
            said.append(done.stdout)
        return said

    return run


@needs("digits")
@functions
def test_what_is_in_a_picture(server, read_along, shell):
    deployed, labels, packed, page = read_along("What is in a picture")
    assert "digits@1" in deployed and "is an image" in packed and "by the contract cloudrun" in page
    assert f"curl -F file=@picture.jpg -F model=again {server.url}/v1/classify" in shell("ebb deploy again --model digits").stderr
    best = json.loads(labels)["results"][0]["labels"]
    assert best[0]["label"] == "5" and best[0]["score"] > 0.9 and len(best) == 2
    for digit, picture in (("3", "three.png"), ("7", "seven.png")):  # dark on light, and light on dark
        told = json.loads(shell(f"curl -sS -F file=@examples/classify/{picture} -F model=digits {server.url}/v1/classify").stdout)
        assert told["results"][0]["labels"][0]["label"] == digit, (picture, told)
    assert "/v1/classify" in server.get("/invoke/page/").body.decode()
    # A browser says where its page comes from.
    for origin, status in ((server.url, 200), ("https://elsewhere.example", 403)):
        asked = shell(f"curl -sS -o /dev/null -w '%{{http_code}}' -H 'Origin: {origin}' -F file=@examples/classify/five.jpg -F model=digits {server.url}/v1/classify")
        assert asked.stdout == str(status)


@needs("sentences")
def test_search_in_the_documents(read_along):
    _, found = read_along("Search in the documents")
    lines = found.splitlines()
    at = {line: number for number, line in enumerate(lines)}
    score, place = lines[at["how to log in to a private registry"] + 1].split(maxsplit=1)
    assert place == "docs/images.md: Private registries" and float(score) > 0.5
    assert lines[at["may a function reach the internet?"] + 1].endswith("The way out")


@functions
def test_a_lambda_function(server, read_along, shell):
    _, deployed, redacted, failed = read_along("A Lambda function")
    assert "redact@1 by the contract lambda (as the image says), one call at once" in deployed
    assert json.loads(redacted) == {"text": "Ada <[email]> paid with [card] from [address]", "found": {"email": 1, "card": 1, "address": 1}}
    head, _, body = failed.partition("\n\n")
    assert head.startswith("HTTP/1.1 200") and "X-Amz-Function-Error: Unhandled" in head
    assert json.loads(body)["errorType"] == "ValueError"
    ended = shell("ebb invoke redact --data '{}'")
    assert ended.returncode == 1 and "the function failed" in ended.stderr
    eventually(lambda: "raise ValueError" in shell("ebb logs redact").stdout, otherwise="no traceback in the log")
    kept = json.loads(shell("""ebb invoke redact --data '{"text": "order 1234567890123 of 4.2.2"}'""").stdout)
    assert kept == {"text": "order 1234567890123 of 4.2.2", "found": {"email": 0, "card": 0, "address": 0}}, "no card, no address"


@functions
def test_a_cloud_run_service(server, read_along, shell):
    _, deployed, rows = read_along("A Cloud Run service")
    assert "tables@1 by the contract cloudrun" in deployed
    assert [json.loads(row) for row in rows.splitlines()] == [{"name": "Ada", "born": 1815}, {"name": "Grace", "born": 1906}]
    # A row is there before the next is sent.
    with server.socket() as connection:
        connection.sendall(b"POST /invoke/tables/rows HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n6\r\na,b\n1,\r\n4\r\n007\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert json.loads(answer.readline()) == {"a": 1, "b": "007"}
        connection.sendall(b'4\r\n2,"x\r\n0\r\n\r\n')
        assert json.loads(answer.readline()) == {"error": "after line 3: unexpected end of data"}
        assert answer.read() == b""
    bad = shell("ebb invoke tables --path /rows --data $'a,b\\n1\\n'")
    assert json.loads(bad.stdout) == {"error": "line 2 has 1 cells, the header has 2"}
    assert shell("ebb invoke tables --path /nothing").returncode == 1
