"""The contracts in real images, each found in the image and spoken with what people use: AWS's runtime client, KServe's and Triton's clients, a shell
script; and what a function can do to itself and to others, with its error, its log, its neighbour and its bill."""
import base64
import concurrent.futures
import http.client
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from harness import server as servers
from harness.images import Oci, entry, layer, python_image, tool, why_no_python
from harness.waiting import ROOT, eventually

pytestmark = [
    pytest.mark.skipif(bool(why_no_python()), reason=why_no_python()),
    pytest.mark.skipif(not (shutil.which("crun") or shutil.which("runc")), reason="crun or runc is missing: run `make setup`"),
    pytest.mark.skipif(os.geteuid() != 0, reason="limits of memory and processes need root here"),
]

PROGRAMS = ROOT / "tests/functions"


def package_files(*names: str) -> dict:
    """Installed packages of the tests' own Python, which is that of the image, to lie in /var/task."""
    top = {pathlib.Path(file).parts[0]: file for name in names for file in importlib.metadata.files(name)}
    return {f"/var/task/{part}": pathlib.Path(file.locate()).parents[len(file.parts) - 2] if len(file.parts) > 1 else pathlib.Path(file.locate())
            for part, file in top.items() if part not in ("..", "__pycache__") and not part.endswith(".dist-info")}


AZURE = {"FUNCTIONS_WORKER_RUNTIME": "custom", "AzureWebJobsScriptRoot": "/home/site/wwwroot"}
HOST_JSON = {"version": "2.0", "customHandler": {"description": {"defaultExecutablePath": "python3", "arguments": ["-u", "azure_handler.py"]}}}
GREET_JSON = {"bindings": [{"type": "httpTrigger", "direction": "in", "name": "req", "route": "greet/{who}", "methods": ["post"]},
                           {"type": "http", "direction": "out", "name": "res"}]}
FORWARDED_JSON = {"customHandler": {"description": {"defaultExecutablePath": "handler"}, "enableForwardingHttpRequest": True}}
BOOTSTRAP = """#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while true; do
  wget -q -S -O /tmp/event "$api/next" 2>/tmp/head || exit 1
  id=$(sed -n 's/^ *Lambda-Runtime-Aws-Request-Id: *//p' /tmp/head | tr -d '\\r')
  { echo -n '{"shell":'; cat /tmp/event; echo -n '}'; } >/tmp/result
  wget -q -O /dev/null --post-file /tmp/result "$api/$id/response"
done
"""


def srv(*programs: str) -> dict:
    return {f"/srv/{program}": PROGRAMS / program for program in programs}


def azure_app(folder, name, files):
    """Its entrypoint would be Azure's own host, which is not there."""
    return python_image(folder, {f"/home/site/wwwroot/{path}": content for path, content in files.items()}, name=name, env=AZURE, entrypoint=["/azure/host"])


def azure_image(folder):
    files = {"host.json": json.dumps(HOST_JSON), "greet/function.json": json.dumps(GREET_JSON), "azure_handler.py": PROGRAMS / "azure_handler.py"}
    return azure_app(folder, "azure", files)


def arm_program(folder):
    """As much of a program for another machine as is looked at."""
    file = folder / "arm"
    file.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + (2).to_bytes(2, "little") + (183).to_bytes(2, "little") + (1).to_bytes(4, "little") + bytes(40))
    file.chmod(0o755)
    return file


def plain_image(folder):
    files = srv("http_function.py", "kserve_server.py", "lambda_runtime.py") | {"/srv/arm": arm_program(folder)}
    return python_image(folder, files, name="plain", command=["python3", "-u", "/srv/http_function.py"], user="1000:1000")


def lambda_image(folder):
    files = package_files("awslambdaric", "simplejson", "snapshot-restore-py") | {"/var/task/lambda_handlers.py": PROGRAMS / "lambda_handlers.py"}
    return python_image(folder, files, name="lambda", env={"LAMBDA_TASK_ROOT": "/var/task"}, workingdir="/var/task",
                        entrypoint=["python3", "-m", "awslambdaric"], command=["lambda_handlers.hello"])


def forwarding_image(folder):
    """Its handler is a program beside host.json."""
    program = folder / "handler"
    program.write_text("#!/usr/bin/python3\n" + (PROGRAMS / "http_function.py").read_text())
    program.chmod(0o755)
    return azure_app(folder, "forwarding", {"host.json": json.dumps(FORWARDED_JSON), "handler": program})


def sagemaker_image(folder):
    return python_image(folder, srv("http_function.py"), name="sagemaker", labels={"com.amazonaws.sagemaker.capabilities.accept-bind-to-port": "true"},
                        entrypoint=["python3", "-u", "/srv/http_function.py"], command=["not-this"])


def vertex_image(folder):
    return python_image(folder, srv("http_function.py"), name="vertex", env={"AIP_PREDICT_ROUTE": "/guess"}, command=["python3", "-u", "/srv/http_function.py"])


def shell_image(folder):
    root = folder / "shell"
    (root / "bin").mkdir(parents=True)
    (root / "var/runtime").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in ("sh", "wget", "sed", "tr", "cat", "echo"):
        (root / "bin" / name).symlink_to("busybox")
    (root / "var/runtime/bootstrap").write_text(BOOTSTRAP)
    (root / "var/runtime/bootstrap").chmod(0o755)
    layout = f"{folder}/shell-layout:a"
    tool("umoci", "init", "--layout", folder / "shell-layout")
    tool("umoci", "new", "--image", layout)
    for part in ("bin", "var"):
        tool("umoci", "insert", "--image", layout, root / part, f"/{part}")
    tool("umoci", "config", "--image", layout, "--config.env", "PATH=/bin", "--config.cmd", "/var/runtime/bootstrap")
    archive = folder / "shell.oci.tar"
    tool("skopeo", "copy", f"oci:{layout}", f"oci-archive:{archive}:a")
    return archive


IMAGES = {"plain": plain_image, "lambda": lambda_image, "shell": shell_image, "sagemaker": sagemaker_image, "azure": azure_image,
          "forwarding": forwarding_image, "vertex": vertex_image}


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """One server for all of them. An image is added when a test first names it."""
    folder = tmp_path_factory.mktemp("contracts")
    for start in servers.launching(folder / "home"):
        server = start()
        server.folder = folder
        server.images = set()
        yield server


def deploy(host, name, image, **spec):
    """The endpoint's row."""
    if image not in host.images:
        host.ebb("image", "add", image, IMAGES[image](host.folder))
        host.images.add(image)
    answer = host.request("PUT", f"/ebb/v1/endpoints/{name}", {"image": image, "memory": "64MiB", "tmp": "8MiB", **spec})
    assert answer.status == 200, answer
    return answer.json


def call(host, name, path="/", body=b"", method="POST", **headers):
    return host.request(method, f"/invoke/{name}{path}", body, {key.replace("_", "-"): value for key, value in headers.items()})


def logs_say(host, name, words):
    eventually(lambda: words in host.ebb("logs", name).stdout, otherwise=f"'{words}' is not in the log of {name}")


# --- Lambda ---

def runtime(handler):
    return ["python3", "-m", "awslambdaric", f"lambda_handlers.{handler}"]


def test_lambda_with_the_real_runtime_client(host):
    row = deploy(host, "hello", "lambda")
    assert (row["contract"], row["calls_per_instance"]) == ("lambda", 1)
    assert "by the contract lambda (as the image says)" in host.ebb("deploy", "hello", "--image", "lambda", "--memory", "64MiB").stdout
    assert "lambda@1 (lambda)" in host.ebb("ps").stdout
    assert re.search(r"^containers (crun|runc) [\d.]+, cgroup .*, as root", host.ebb("status").stdout, re.M)
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    answer = call(host, "hello", body=b'{"a": [1.50]}', X_Amz_Client_Context=context, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    told = answer.json
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    assert (told["event"], told["function"], told["memory"], told["client"]) == ({"a": [1.5]}, "hello", "64", {"k": "v"})
    assert told["trace"].startswith("Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=") and told["arn"].endswith(":function:hello")
    assert 0 < told["left"] <= 120_000 and len(told["request"]) == 36
    assert call(host, "hello").json["event"] == {}, "an empty body is an empty event"


def test_lambda_failures_are_results(host):
    deploy(host, "fails", "lambda", command=runtime("fails"))
    failed = call(host, "fails", body=b'"x"')
    assert (failed.status, failed.headers["x-amz-function-error"], failed.json["errorType"]) == (200, "Unhandled", "ValueError")
    assert failed.json["errorMessage"] == "bad event x" and failed.json["stackTrace"]
    logs_say(host, "fails", "about to fail")
    deploy(host, "leaves", "lambda", command=runtime("leaves"))
    left = call(host, "leaves")
    assert (left.status, left.headers["x-amz-function-error"], left.json["errorType"]) == (200, "Unhandled", "Runtime.ExitError")
    assert "exit status 9" in left.json["errorMessage"]
    deploy(host, "eats", "lambda", command=runtime("eats"))
    eaten = call(host, "eats")
    assert (eaten.status, eaten.headers["x-amz-function-error"], eaten.json["errorType"]) == (200, "Unhandled", "Runtime.OutOfMemory"), eaten
    deploy(host, "hangs", "lambda", command=runtime("hangs"), limits={"time": "1s"})
    late = call(host, "hangs")
    assert (late.status, late.headers["x-amz-function-error"], late.json["errorType"]) == (200, "Unhandled", "Sandbox.Timedout")
    assert "Task timed out after 1.00 seconds" in late.json["errorMessage"]


def test_lambda_that_does_not_initialise(host):
    deploy(host, "broken", "lambda", command=["python3", "-m", "awslambdaric", "no_such_module.handler"])
    answer = call(host, "broken")
    assert answer.status == 503 and "no_such_module" in answer.json["error"]["message"], answer
    logs_say(host, "broken", "no_such_module")


def test_lambda_takes_one_call_at_a_time(host):
    deploy(host, "crowded", "lambda", command=runtime("crowded"), scaling={"max": 2})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        told = [answer.json for answer in pool.map(lambda _: call(host, "crowded", body=b"0.2"), range(4))]
    assert [seen for seen, _ in told] == [1] * 4
    assert len({instance for _, instance in told}) == 2, "four at once had all that they may have"


def test_lambda_responses_stream(host):
    row = deploy(host, "streams", "plain", contract="lambda", command=["python3", "-u", "/srv/lambda_runtime.py"])
    assert row["contract"] == "lambda"
    plain = call(host, "streams", body=b'{"do": "stream"}')
    assert (plain.status, plain.headers["content-type"], plain.body) == (200, "text/plain", b"one two")
    page = call(host, "streams", body=b'{"do": "stream-head"}')
    assert (page.status, page.headers["content-type"], page.headers["set-cookie"], page.body) == (201, "text/html", "a=b", b"<p>")
    assert call(host, "streams", body=b'{"do": "too-large"}').json["errorType"] == "Function.ResponseSizeTooLarge"
    assert call(host, "streams", body=b'{"do": "seen"}').json == [413, 403], "as the Runtime API answers a response that is too large, and an error after it"


def test_lambda_as_a_shell_script(host):
    assert deploy(host, "shell", "shell", memory="16MiB")["contract"] == "lambda"
    assert [call(host, "shell", body=b"[1.50]").body for _ in range(2)] == [b'{"shell":[1.50]}'] * 2, "no byte of an event is changed"


# --- SageMaker ---

def test_sagemaker_with_a_stored_model(host):
    model = ROOT / "tests/fuzz/gguf_fuzz/sound.gguf"
    host.ebb("model", "add", "tiny", model)
    row = deploy(host, "maker", "sagemaker", mounts=[{"model": "tiny@1", "path": "/opt/ml/model"}])
    assert row["contract"] == "sagemaker"
    answer = call(host, "maker", "/invocations", b"1,2", X_Amzn_SageMaker_Custom_Attributes="c=1")
    assert (answer.status, answer.body, answer.headers["x-amzn-sagemaker-custom-attributes"]) == (200, b"/invocations 1,2", "c=1")
    assert call(host, "maker", "/", b"3").body == b"/invocations 3", "the contract's own path"
    assert call(host, "maker", "/invocations?model").body == b"/invocations " + model.read_bytes(), "the mounted model"
    other = call(host, "maker", "/ping", method="GET", body=None)
    assert other.status == 400 and other.json["error"]["code"] == "no_such_call"


# --- Azure ---

def test_azure_custom_handler(host):
    row = deploy(host, "greet", "azure")
    assert row["contract"] == "azure"
    answer = call(host, "greet", "/api/greet/you?a=b", b"text", X_Mine="1")
    assert (answer.status, answer.headers["x-handler"]) == (201, "yes"), answer
    assert answer.body == b'greet POST {"a":"b"} ["1"] text'
    assert call(host, "greet", "/", b"text", X_Mine="1").status == 201, "its only function"
    other = call(host, "greet", "/api/greet/you", method="GET", body=None, X_Mine="1")
    assert (other.status, other.json["error"]["code"]) == (404, "no_such_function") and "/api/greet/{who}" in other.json["error"]["message"]
    logs_say(host, "greet", "one line")


def test_azure_that_forwards(host):
    assert deploy(host, "forward", "forwarding")["contract"] == "azure"
    assert call(host, "forward", "/?a=1").body == b"/api/forward?a=1"
    assert call(host, "forward", "/echo", bytes(range(256))).body == bytes(range(256)), "bytes, which no envelope takes"


@pytest.mark.parametrize("host_json, words", [
    ("{", "host.json"),
    (json.dumps({"version": "2.0"}), "names no customHandler"),
    (json.dumps({"customHandler": {"description": {}}}), "customHandler.description.defaultExecutablePath"),
    (" " * 70_000, "more than 65536 bytes"),
])
def test_azure_app_that_is_none(host, tmp_path, host_json, words):
    archive = tmp_path / "app.oci.tar"
    Oci(layer(entry("home/site/wwwroot/host.json", host_json.encode())), run={"Env": ["FUNCTIONS_WORKER_RUNTIME=custom"], "Cmd": ["/x"]}).write_archive(archive)
    host.ebb("image", "add", "none", archive)
    answer = host.request("PUT", "/ebb/v1/endpoints/none", {"image": "none"})
    assert answer.status == 400 and words in answer.json["error"]["message"], answer


# --- KServe and Vertex ---

def test_kserve_with_its_own_client(host):
    """In a process of its own: its protobuf messages and tritonclient's have the same names."""
    deploy(host, "twice", "plain", contract="kserve", command=["python3", "-u", "/srv/kserve_server.py"])
    done = subprocess.run([sys.executable, ROOT / "tests/harness/kserve_function_client.py", f"{host.url}/invoke/twice"], capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_triton_client_against_a_function(host):
    import numpy
    import tritonclient.http as triton
    deploy(host, "twice", "plain", contract="kserve", command=["python3", "-u", "/srv/kserve_server.py"])
    client = triton.InferenceServerClient(f"127.0.0.1:{host.port}/invoke/twice")
    numbers = triton.InferInput("x", [2, 2], "INT32")
    numbers.set_data_from_numpy(numpy.array([[1, 2], [3, 4]], numpy.int32), binary_data=False)
    answer = client.infer("twice", [numbers], outputs=[triton.InferRequestedOutput("doubled_x", binary_data=False)])
    assert answer.as_numpy("doubled_x").tolist() == [[2, 4], [6, 8]]
    client.close()


def test_vertex_custom_container(host):
    assert deploy(host, "vertex", "vertex")["contract"] == "kserve"
    assert call(host, "vertex", "/", b'{"instances":[]}').body == b'/guess {"instances":[]}', "calls go to the image's own route"
    told = dict(line.split("=", 1) for line in call(host, "vertex", "/env", method="GET", body=None).body.decode().splitlines())
    assert told["AIP_HTTP_PORT"] == "8080" and told["AIP_MODE"] == "PREDICTION" and told["AIP_STORAGE_URI"] == ""
    assert told["AIP_HEALTH_ROUTE"] == f"/v1/endpoints/{told['AIP_ENDPOINT_ID']}/deployedModels/{told['AIP_DEPLOYED_MODEL_ID']}"


# --- what goes wrong ---

@pytest.fixture(scope="module")
def neighbour(host):
    """Another endpoint, whose instance has to be the same one before and after."""
    deploy(host, "neighbour", "plain")
    return call(host, "neighbour", "/me").body


@pytest.fixture
def unmoved(host, neighbour):
    """The neighbour is called all the time that a test takes, and once more after it."""
    over = threading.Event()

    def keep_calling():
        told = set()
        while not over.wait(0.02):
            told.add(call(host, "neighbour", "/me").body)
        return told | {call(host, "neighbour", "/me").body}

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        told = pool.submit(keep_calling)
        yield
        over.set()
        assert told.result() == {neighbour}, "the neighbour's instance was moved"


def program(*words):
    return ["python3", "-u", "/srv/http_function.py", *words]


@pytest.mark.parametrize("path, status, code, words", [
    ("/deaf", 504, "function_timeout", "within 1000 ms"),
    ("/garbage", 502, "function_bad_answer", "no HTTP"),
    ("/two-lengths", 502, "function_bad_answer", ""),
    ("/switch", 502, "function_bad_answer", "101"),
    ("/interim-for-ever", 502, "function_bad_answer", "1xx"),
    ("/long-head", 502, "function_bad_answer", "head is larger"),
    ("/two-gigabytes", 502, "answer_too_large", "larger than an answer may be"),
    ("/close", 502, "function_closed", "without an answer"),
    ("/exit", 502, "function_exited", "7"),
    ("/forks", 502, "function_out_of_pids", "processes"),
    ("/memory", 502, "function_out_of_memory", "64 MiB"),
])
def test_faults_in_a_call(host, unmoved, path, status, code, words):
    name = "fault-" + path[1:]
    deploy(host, name, "plain", memory="1GiB" if path == "/forks" else "64MiB", limits={"time": "1s" if path == "/deaf" else "30s"})
    assert call(host, name, "/echo", b"before").body == b"before"
    answer = call(host, name, path)
    error = answer.json["error"]
    assert (answer.status, error["code"]) == (status, code) and words in error["message"], answer
    assert call(host, name, "/echo", b"after").body == b"after", "the next call is served"
    if path in FAREWELLS:
        logs_say(host, name, FAREWELLS[path])
    eventually(lambda: calls_billed(host, name) == 3, otherwise="not each of the three is on the bill")
    host.ebb("rm", name)


FAREWELLS = {"/exit": "about to go", "/forks": "no more processes"}


def calls_billed(host, name):
    rows = [row for row in host.bill("endpoint", "tier")["rows"] if row["endpoint"] == name and row["tier"] != "init"]
    return sum(row["calls"] for row in rows if row["billed_ms"] > 0 and row["faults"] == 0)


@pytest.mark.parametrize("path", ["/close-mid-body", "/exit-mid-body", "/bad-chunk"])
def test_answers_that_break_off_are_seen_to(host, unmoved, path):
    deploy(host, "faulty", "plain")
    with pytest.raises(http.client.IncompleteRead) as broken:
        call(host, "faulty", path)
    assert broken.value.partial == b"abc"
    assert call(host, "faulty", "/echo", b"after").body == b"after"


def test_a_full_disk_is_the_functions_own(host, unmoved):
    deploy(host, "faulty", "plain")
    assert call(host, "faulty", "/fill").body == b"No space left on device after 8 MiB"
    assert call(host, "faulty", "/fill").body == b"No space left on device after 8 MiB", "and can be made free again"


@pytest.mark.parametrize("what, command, words", [
    ("exits-0", program("0"), "exit 0; the last that it said: nothing to do"),
    ("exits-1", program("1"), "exit 1; the last that it said: nothing to do"),
    ("never-listens", program("never"), "does not listen on port 8080"),
    ("for-arm", ["/srv/arm"], "and this machine is"),
    ("not-executable", ["/srv/http_function.py"], "may not execute it"),
    ("not-there", ["/no/such"], "there is no such file"),
])
def test_faults_at_the_start(host, unmoved, what, command, words):
    deploy(host, what, "plain", command=command, start="1s")
    answer = call(host, what)
    assert (answer.status, answer.json["error"]["code"]) == (503, "worker_failed") and words in answer.json["error"]["message"], answer
    assert call(host, what).status == 503, "and the next one at once"
    assert all(row["cost_pico"] == 0 for row in host.bill("endpoint")["rows"] if row["endpoint"] == what), "a call that nobody took costs nothing"
    host.ebb("rm", what)


def test_images_that_cannot_run(host, tmp_path):
    Oci(layer(entry("x")), config={"architecture": "arm64"}, run={"Cmd": ["/x"]}).write_archive(tmp_path / "arm.oci.tar")
    refused = host.ebb("deploy", "arm", "--image", tmp_path / "arm.oci.tar", check=False)
    assert refused.returncode != 0 and "arm64" in refused.stderr, refused
    Oci(layer(entry("x")), run={}).write_archive(tmp_path / "bare.oci.tar")
    refused = host.ebb("deploy", "bare", "--image", tmp_path / "bare.oci.tar", check=False)
    assert refused.returncode != 0 and "entrypoint" in refused.stderr, refused


# --- its end ---

def test_an_instance_that_is_replaced_may_say_goodbye(host, unmoved):
    deploy(host, "faulty", "plain", command=program("polite"))
    assert call(host, "faulty", "/echo", b"1").body == b"1"
    deploy(host, "faulty", "plain", command=program("polite"), env={"NEW": "1"})
    logs_say(host, "faulty", "goodbye")


def test_a_frozen_instance_is_woken_for_its_goodbye(host, unmoved):
    deploy(host, "faulty", "plain", command=program("polite"), scaling={"idle": "50ms", "keep": "200ms"})
    assert call(host, "faulty", "/echo", b"1").body == b"1"
    logs_say(host, "faulty", "goodbye")


def test_one_that_takes_no_notice_of_sigterm_holds_up_a_stop_for_a_moment_only(host, unmoved, tmp_path):
    deploy(host, "stubborn", "plain", command=program("stubborn"))
    assert call(host, "stubborn", "/echo", b"1").body == b"1"  # the fixture's end stops the server


# --- where it is ---

def test_what_a_function_sees_of_the_host(host, unmoved):
    deploy(host, "faulty", "plain")
    seen = call(host, "faulty", "/surroundings").json
    for secret in (str(host.folder), "ebb-worker", "EBB_"):
        assert secret not in json.dumps(seen), f"it sees '{secret}'"
    assert len([name for name in seen["/proc/*"] if name.isdigit()]) == 2, "process 1 and itself"
    assert "Permission denied" in seen["/proc/1/environ"] and "Permission denied" in seen["/proc/1/fd/*"]
    assert seen["/sys/*"] == [] and seen["/proc/keys"] == "" and all(line.endswith(":/") for line in seen["/proc/self/cgroup"].split())
    names = {variable.split("=")[0] for variable in seen["/proc/self/environ"].split("\0") if variable}
    assert names == {"PATH", "PYTHONUNBUFFERED", "LANG", "PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"}
    ignored = int(re.search(r"^SigIgn:\s*(\w+)", seen["/proc/self/status"], re.M)[1], 16)
    assert not any(ignored >> (number - 1) & 1 for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)), "what the server's programs ignore it does not"
    mounted = {line.split(" - ")[1].split()[0] for line in seen["/proc/self/mountinfo"].splitlines() if not line.split()[4].startswith("/.ebb/")}
    assert mounted == {"overlay", "proc", "tmpfs", "devtmpfs"}, "nothing of the host's file systems but ebb-init"
