"""Functions in container images, the whole way: deployed, prepared, called, frozen, thawed, broken, billed."""
import concurrent.futures
import http.client
import json
import os
import shutil
import signal

import pytest

from harness import leaks
from harness.images import have_tools, web_image
from harness.server import DEMO_MODEL
from harness.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not have_tools() or not (shutil.which("crun") or shutil.which("runc")), reason="skopeo, umoci, busybox or a runtime is missing: run `make setup`"),
    pytest.mark.skipif(os.geteuid() != 0, reason="limits of memory and processes need root here"),
]

SCRIPTS = {  # '!': before the answer's head
    "echo": "cat",
    "who": "echo $K_SERVICE; id -u; hostname; ls / | tr '\\n' ' '",
    "die": "!kill -9 $(pidof httpd)",
    "eat": "!x=0123456789abcdef; while true; do x=$x$x; done",
    "forks": "i=0; while [ $i -lt 3000 ]; do sleep 60 & i=$((i+1)); done; echo done",
    "fill": "cat /dev/zero > /tmp/full; echo $?",
    "hang": "!sleep 600",
    "outside": "nc -w 1 192.0.2.1 80 < /dev/null; echo $?; nc -w 1 127.0.0.1 22 < /dev/null; echo $?",
    "wide": "head -c 3000000 /dev/zero",
    "hold": "head -c $((${SIZE:-40} << 20)) /dev/zero > /tmp/held; cat /tmp/held | wc -c",
    "model": "cat /opt/ml/model | wc -c",
    "log": "echo 'a line for its owner' >&2; echo fine",
}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """busybox's web server, which runs the scripts above at /cgi-bin/NAME."""
    return web_image(tmp_path_factory.mktemp("image"), SCRIPTS)


@pytest.fixture
def web(server, image):
    server.ebb("deploy", "web", "--image", image, "--memory", "64MiB")
    return server


def state(server, name="web"):
    return server.request("GET", f"/ebb/v1/endpoints/{name}").json["state"]


def call(server, script, body=b"", headers=None, timeout=60):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    connection.request("POST", f"/invoke/web/cgi-bin/{script}", body, headers or {})
    answer = connection.getresponse()
    return answer, answer.read()


def test_a_function_is_prepared_called_and_billed(web):
    eventually(lambda: state(web) == "prepared", otherwise="the sandbox is not prepared")
    answer, body = call(web, "who")
    assert answer.status == 200
    name, uid, hostname, folders = body.decode().splitlines()
    assert (name, uid, hostname) == ("web", "1000", "web")
    assert "srv" in folders.split() and "home" not in folders.split()
    assert answer.getheader("Ebb-Call") and 'start;desc="cold"' in answer.getheader("Server-Timing")
    assert web.ebb("invoke", "web", "--path", "/cgi-bin/echo", "--data", "to and fro").stdout == "to and fro"
    assert web.ebb("invoke", "web", "--path", "/index.html").stdout == "a page\n"
    eventually(lambda: {row["tier"] for row in web.request("GET", "/ebb/v1/bill?by=tier").json["rows"]} == {"cold", "warm", "init"}, otherwise="bills")
    rows = {row["tier"]: row for row in web.request("GET", "/ebb/v1/bill?by=tier").json["rows"]}
    assert rows["init"]["calls"] == 0 and rows["init"]["billed_ms"] > 0 and rows["init"]["cost_pico"] == 0
    assert rows["cold"]["cost_pico"] == rows["cold"]["billed_ms"] * 64 * 16 + 200_000


def test_a_call_with_a_key_is_made_once(web):
    body = bytes(range(256)) * 1000
    (first, given), (again, given_again) = (call(web, "echo", body, {"Idempotency-Key": "k"}) for _ in range(2))
    assert given == given_again == body
    assert (first.getheader("Idempotent-Replayed"), again.getheader("Idempotent-Replayed")) == (None, "true")
    assert again.getheader("Ebb-Call") == first.getheader("Ebb-Call")
    assert call(web, "echo", body + b"x", {"Idempotency-Key": "k"})[0].status == 422
    large = bytes((8 << 20) + 1)
    assert call(web, "echo", large)[1] == large
    assert call(web, "echo", large, {"Idempotency-Key": "large"})[0].status == 413
    for _ in range(2):
        wide, much = call(web, "wide", b"", {"Idempotency-Key": "wide"})
        assert (wide.status, len(much) == 3_000_000) in ((200, True), (409, False))
    assert b"idempotency_answer_not_kept" in much
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    connection.request("POST", "/invoke/web/cgi-bin/hold", b"", {"Idempotency-Key": "left"})
    connection.close()
    answer, held = call(web, "hold", b"", {"Idempotency-Key": "left"})
    assert answer.status == 200 and int(held) == 40 << 20
    died = [call(web, "die", b"", {"Idempotency-Key": "die"})[0] for _ in range(2)]
    assert [answer.status for answer in died] == [502, 502] and died[1].getheader("Idempotent-Replayed") == "true", "what is on the bill is an answer"
    web.wait_for_bill(5)
    outcomes = [json.loads(line)["outcome"] for line in web.ebb("usage", "export").stdout.splitlines() if json.loads(line)["tier"] != "init"]
    assert sorted(outcomes) == ["failed", "ok", "ok", "ok", "ok"]


def test_large_bodies_pass_both_ways(web):
    sent = os.urandom(5_000_000)
    assert call(web, "echo", sent)[1] == sent
    assert len(call(web, "wide")[1]) == 3_000_000


def test_frozen_and_thawed(launch, image):
    server = launch()
    spec = {"endpoint": "web", "image": "web", "memory": "64MiB", "scaling": {"idle": "50ms"}}
    server.ebb("image", "add", "web", image)
    assert server.request("PUT", "/ebb/v1/endpoints/web", spec).status == 200
    assert call(server, "echo", b"1")[1] == b"1"
    eventually(lambda: state(server) == "parked", otherwise="it is not frozen")
    answer, body = call(server, "echo", b"2")
    assert body == b"2" and 'start;desc="parked"' in answer.getheader("Server-Timing")


def error_of(answer, body):
    error = json.loads(body)["error"]
    return answer.status, error["code"], error["message"]


def test_what_a_function_does_to_itself_is_told_apart_and_moves_nobody(web, image):
    web.ebb("deploy", "other", "--image", "web", "--memory", "64MiB")
    assert call(web, "outside")[1].decode().split() == ["1", "1"], "no way out"
    status, code, message = error_of(*call(web, "die"))
    assert (status, code) == (502, "function_exited"), message
    assert call(web, "echo", b"alive again")[1] == b"alive again"
    answer, body = call(web, "eat")
    status, code, message = error_of(answer, body) if answer.status != 200 else (200, "function_out_of_memory", "")
    assert code == "function_out_of_memory", message
    answer, body = call(web, "fill")
    assert answer.status in (200, 502)
    assert web.ebb("invoke", "other", "--path", "/index.html").stdout == "a page\n"


def test_a_deadline_ends_a_call_and_its_price_is_paid(web):
    answer, body = call(web, "hang", headers={"Ebb-Deadline": "300ms"})
    assert answer.status == 504, body
    assert call(web, "echo", b"next")[1] == b"next"


def of_sandbox(server, victim):
    """The processes of this name; a server of these tests has one endpoint only."""
    return [pid for pid in server.worker_pids() if (leaks.stat_of(pid) or ("",))[0] == victim]


# What a call gets that waits or runs then. What has reached the function is not run twice.
AFTER_A_KILL = {("starting", "ebb-worker-cont"): [(200, "")], ("starting", "ebb-init"): [(200, ""), (503, "worker_failed")],
                ("busy", "ebb-worker-cont"): [(503, "worker_died")], ("busy", "ebb-init"): [(502, "function_exited")]}


@pytest.mark.parametrize("victim", ["ebb-worker-cont", "ebb-init"])
@pytest.mark.parametrize("phase", ["prepared", "starting", "ready", "busy", "parked"])
def test_killed_in_each_phase(server, image, phase, victim):
    server.ebb("image", "add", "web", image)
    waits = "while [ $((i += 1)) -lt 6 ]; do sleep 0.1; done; " if phase == "starting" else ""
    spec = {"image": "web", "memory": "64MiB", "command": ["sh", "-c", f"{waits}exec httpd -f -p $PORT -h /srv"],
            "scaling": {"idle": "50ms" if phase == "parked" else "1m"}}
    assert server.request("PUT", "/ebb/v1/endpoints/web", spec).status == 200
    eventually(lambda: state(server) == "prepared", otherwise="the sandbox is not prepared")
    in_flight = None
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        if phase in ("ready", "parked"):
            assert call(server, "echo", b"1")[1] == b"1"
        if phase in ("starting", "busy"):
            in_flight = pool.submit(call, server, "hang" if phase == "busy" else "echo", b"in flight")
            eventually(lambda: server.endpoint("web")["slots_busy"] == 1 if phase == "busy" else state(server) == "starting", otherwise=f"it never was {phase}")
            if phase == "busy":
                eventually(lambda: of_sandbox(server, "sleep"), otherwise="the function has not begun")
        else:
            eventually(lambda: state(server) == phase, otherwise=f"it never was {phase}")
        for pid in of_sandbox(server, victim):
            os.kill(pid, signal.SIGKILL)
        if in_flight is not None:
            answer, body = in_flight.result()
            got = (200, "") if answer.status == 200 else error_of(answer, body)[:2]
            assert got in AFTER_A_KILL[phase, victim], body
    eventually(lambda: call(server, "echo", b"again")[1] == b"again", otherwise="no other instance took its place")


def test_its_words_are_at_hand(web):
    assert call(web, "log")[1] == b"fine\n"
    eventually(lambda: "a line for its owner" in web.ebb("logs", "web").stdout, otherwise="no log line")


@pytest.mark.parametrize("command, words", [
    (["/bin/nothing"], "there is no such file in the image"),
    (["sh", "-c", "exit 0"], "before it was ready"),
    (["sh", "-c", "echo no luck; exit 3"], "no luck"),
])
def test_what_cannot_start_says_why(server, image, command, words):
    server.ebb("image", "add", "web", image)
    assert server.request("PUT", "/ebb/v1/endpoints/web", {"image": "web", "command": command, "memory": "64MiB", "start": "2s"}).status == 200
    answer, body = call(server, "echo", b"x")
    assert answer.status == 503 and words in json.loads(body)["error"]["message"], body


def test_an_image_stays_while_an_endpoint_needs_it(web):
    refused = web.request("DELETE", "/ebb/v1/images/web")
    assert refused.status == 409 and "endpoint 'web' needs" in refused.json["error"]["message"]
    web.ebb("rm", "web")
    assert web.request("DELETE", "/ebb/v1/images/web").status == 200


def test_a_restart_keeps_functions(launch, image):
    first = launch()
    first.ebb("deploy", "web", "--image", image)
    first.stop()
    second = launch()
    assert call(second, "echo", b"still here")[1] == b"still here"


def test_refusals(web):
    for spec, words in (({"image": "nothing"}, "nothing"), ({"image": "web", "mounts": [{"model": "none", "path": "/m"}]}, "none"),
                        ({"image": "web", "contract": "lambda", "concurrency": 3}, "one call at a time"), ({"image": "web", "memory": "900GiB"}, "MiB")):
        answer = web.request("PUT", "/ebb/v1/endpoints/bad", spec)
        assert answer.status >= 400 and words in answer.json["error"]["message"], answer
    done = web.ebb("chat", "web", "hello", check=False)
    assert done.returncode != 0


def test_its_memory_is_what_its_sandbox_holds(launch, image):
    server = launch()
    server.ebb("image", "add", "web", image)
    spec = {"endpoint": "web", "image": "web", "memory": "128MiB", "scaling": {"idle": "4s"}}
    assert server.request("PUT", "/ebb/v1/endpoints/web", spec).status == 200

    def memory():
        row = next(row for row in json.loads(server.ebb("ps", "--json").stdout)["endpoints"] if row["name"] == "web")
        return row["memory_bytes"] if row["memory_measured"] else 0

    eventually(lambda: 0 < memory() < 20 << 20, otherwise="a prepared sandbox holds little")
    assert call(server, "hold")[1] == b"41943040\n"
    held = eventually(lambda: memory() >= 40 << 20 and memory(), otherwise="its 40 MiB are not seen")
    assert held < 128 << 20
    assert f'ebb_memory_bytes{{endpoint="web"}} {memory()}' in server.get("/metrics").body.decode()
    eventually(lambda: state(server) == "parked", otherwise="it is not frozen")
    assert 40 << 20 <= memory() < 128 << 20


@pytest.mark.real_model
def test_a_mounted_model_is_nobodys_memory(server, image):
    """It lies in the page cache once, whoever reads it."""
    server.ebb("model", "add", "smol", DEMO_MODEL)
    size = os.path.getsize(DEMO_MODEL)
    server.ebb("deploy", "web", "--image", image, "--memory", "64MiB", "--mount", "model:smol=/opt/ml/model", "--env", "SIZE=20")
    assert size > 64 << 20, "more than the function may take"
    for path in (server.home / "models").rglob("*"):  # so that it is the function that brings it into the cache, and is charged for it
        if path.is_file():
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert int(call(server, "model")[1]) >= size
    assert call(server, "hold")[1] == b"20971520\n"
    held = eventually(lambda: (row := server.endpoint("web")) and row["memory_measured"] and row["memory_bytes"] >= 20 << 20 and row["memory_bytes"], otherwise="it is not measured")
    assert held < 40 << 20
