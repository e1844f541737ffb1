"""The way out of functions: one proxy, to public addresses alone. Witnessed by who would have been called."""
import http.client
import os
import pathlib
import shutil
import signal
import tempfile

import pytest

from harness import leaks
from harness.images import have_tools, tool
from harness.internet import NEIGHBOUR, OTHERS, OWN, PUBLIC, can_make_one, internet
from harness.server import Server
from harness.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not have_tools() or not (shutil.which("crun") or shutil.which("runc")), reason="skopeo, umoci, busybox or a runtime is missing: run `make setup`"),
    pytest.mark.skipif(not can_make_one(), reason="network namespaces need root, ip and nsenter"),
]

USER = 65533
SCRIPTS = {
    "raw": "nc -w 20 127.0.0.1 ${http_proxy##*:}",  # what it is sent goes to the proxy as it is
    "wget": "wget -q -O - $(cat) 2>&1",
    "env": "env",
    "hold": "x=$(head -c 41943040 /dev/zero | tr '\\0' a); echo; sleep 600",
}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    root = folder / "root"
    (root / "bin").mkdir(parents=True)
    (root / "srv/cgi-bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in ("sh", "cat", "env", "head", "nc", "sleep", "tr", "wget"):
        (root / "bin" / name).symlink_to("busybox")
    for name, script in SCRIPTS.items():
        path = root / "srv/cgi-bin" / name
        path.write_text(f"#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n{script}\n")
        path.chmod(0o755)
    layout = folder / "layout"
    tool("umoci", "init", "--layout", layout)
    tool("umoci", "new", "--image", f"{layout}:a")
    for part in ("bin", "srv"):
        tool("umoci", "insert", "--image", f"{layout}:a", root / part, f"/{part}")
    tool("umoci", "config", "--image", f"{layout}:a", "--config.env", "PATH=/bin", "--config.user", "1000:1000", "--config.cmd", "sh", "--config.cmd", "-c",
         "--config.cmd", "exec httpd -f -p $PORT -h /srv")
    archive = folder / "out.oci.tar"
    tool("skopeo", "copy", f"oci:{layout}:a", f"oci-archive:{archive}:a")
    return archive


@pytest.fixture
def world(tmp_path):
    with internet(tmp_path) as made:
        yield made


@pytest.fixture
def server(world, home):
    before = leaks.snapshot()
    one = Server(home)
    one.inside = world.inside
    one.start()
    yield one
    errors = one.stop() + leaks.since(before)
    assert not errors, "\n".join(errors)


def call(server, script: str, body: str, name: str = "out") -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", f"/invoke/{name}/cgi-bin/{script}", body.encode())
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    assert answer.status == 200, text
    return text


def asked(server, first_line: str, more: str = "", name: str = "out") -> str:
    return call(server, "raw", f"{first_line}\r\nHost: whatever\r\n{more}\r\n", name)


def egress_pids(server) -> list[int]:
    return [pid for pid in leaks.descendants(server.pid) if (stat := leaks.stat_of(pid)) and stat[0] == "ebb-egress"]


def test_public_addresses_are_reached_by_both_ways(server, world, image):
    server.ebb("deploy", "out", "--image", image, "--memory", "64MiB", "--egress")
    text = asked(server, f"GET http://{PUBLIC}/a?b HTTP/1.1", "Proxy-Authorization: Basic x\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n")
    assert text.startswith("HTTP/1.") and "GET /a?b" in text and f"Host: {PUBLIC}" in text and "X-End: 2" in text
    assert "Proxy-Authorization" not in text and "X-Hop" not in text and "Connection: close" in text
    assert "hello" in asked(server, f"POST http://{PUBLIC}/ HTTP/1.1", "Content-Length: 5\r\n\r\nhello")
    assert "hello!" in asked(server, f"POST http://{PUBLIC}/ HTTP/1.1", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n")
    text = call(server, "raw", f"CONNECT {PUBLIC}:80 HTTP/1.1\r\n\r\nGET /inner HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert text.startswith("HTTP/1.1 200") and "GET /inner" in text
    assert "GET /by-name" in call(server, "wget", "http://public.test/by-name")
    big = "x" * 3_000_000
    assert big in asked(server, f"POST http://{PUBLIC}/ HTTP/1.1", f"Content-Length: {len(big)}\r\n\r\n{big}")
    assert world.called() == {PUBLIC}
    eventually(lambda: 'ebb_egress_connections_total{endpoint="out",outcome="passed"} 6' in server.get("/metrics").body.decode(), otherwise="six are counted")


REFUSED = [*OTHERS, OWN, NEIGHBOUR, "127.0.0.1", "localhost", "0.0.0.0", "private.test", "metadata.test", "both.test", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:10.0.0.1]",
           "[64:ff9b::10.0.0.1]", "[2002:a00:1::1]", "[fe80::1]", "[fd00:ec2::254]", "224.0.0.1", "255.255.255.255"]


def test_all_others_are_refused(server, world, image):
    server.ebb("deploy", "out", "--image", image, "--memory", "64MiB", "--egress")
    for host in REFUSED:
        for line in (f"CONNECT {host}:80 HTTP/1.1", f"GET http://{host}/ HTTP/1.1"):
            text = asked(server, line)
            assert text.startswith("HTTP/1.1 403"), (line, text)
    assert asked(server, f"CONNECT {PUBLIC}:25 HTTP/1.1").startswith("HTTP/1.1 403")
    assert asked(server, f"CONNECT 127.0.0.1:{server.port} HTTP/1.1").startswith("HTTP/1.1 403"), "this server itself"
    assert asked(server, f"CONNECT {PUBLIC}:81 HTTP/1.1").startswith("HTTP/1.1 502"), "nobody is there"
    assert asked(server, "CONNECT nowhere.test:80 HTTP/1.1").startswith("HTTP/1.1 502")
    for nonsense in ("GET / HTTP/1.1", "GET https://a.test/ HTTP/1.1", "CONNECT a.test HTTP/1.1", f"GET http://u:p@{PUBLIC}/ HTTP/1.1", "\0\1"):
        assert asked(server, nonsense).startswith("HTTP/1.1 400"), nonsense
    assert asked(server, f"GET http://{PUBLIC}/ HTTP/1.1", "X: " + "y" * 40_000 + "\r\n").startswith("HTTP/1.1 431")
    assert world.called() == set()
    eventually(lambda: "egress refused: 10.0.0.1:80: 10.0.0.1 is a private network (RFC 1918)" in server.ebb("logs", "out").stdout, otherwise="it is not in the log")
    assert 'ebb_egress_connections_total{endpoint="out",outcome="refused"}' in server.get("/metrics").body.decode()


def test_names_are_resolved_once(server, world, image):
    """By DNS: one whose address changes with each look leads nowhere else than to what was looked at."""
    server.ebb("deploy", "out", "--image", image, "--memory", "64MiB", "--egress")
    assert "GET /x" in asked(server, "GET http://dns.test/x HTTP/1.1")
    assert asked(server, "GET http://led.astray.test/x HTTP/1.1").startswith("HTTP/1.1 403")
    answers = [asked(server, "GET http://rebinds.test/x HTTP/1.1").splitlines()[0].split()[1] for _ in range(8)]
    assert set(answers) == {"200", "403"} and world.called() == {PUBLIC}


def test_without_it_there_is_no_way_out(server, world, image):
    server.ebb("deploy", "out", "--image", image, "--memory", "64MiB")
    assert "proxy" not in call(server, "env", "").lower()
    assert egress_pids(server) == []
    assert "Network is unreachable" in call(server, "wget", f"http://{PUBLIC}/")
    assert world.called() == set()


def test_only_the_hosts_that_are_named(server, world, image):
    server.ebb("deploy", "out", "--image", image, "--memory", "64MiB", "--egress-to", "*.example.test:80", "--egress-to", PUBLIC)
    assert "GET / " in asked(server, "GET http://api.example.test/ HTTP/1.1")
    assert "GET / " in asked(server, f"GET http://{PUBLIC}/ HTTP/1.1")
    for line in ("CONNECT api.example.test:443 HTTP/1.1", "GET http://public.test/ HTTP/1.1", "GET http://example.test/ HTTP/1.1", "CONNECT xapi.example.test.evil:80 HTTP/1.1"):
        text = asked(server, line)
        assert text.startswith("HTTP/1.1 403") and "does not name it" in text, text


def test_what_it_is_told(server, image):
    server.ebb("image", "add", "out", image)
    for egress in ([], "yes", 1, ["http://a.b"], ["*"], [1], {}):
        assert server.request("PUT", "/ebb/v1/endpoints/out", {"image": "out", "egress": egress}).status == 400, egress
    for egress in (True, ["api.example.com", "*.example.org:443"]):
        assert server.request("PUT", "/ebb/v1/endpoints/out", {"image": "out", "egress": egress}).json["spec"]["egress"] == egress
    assert "egress" not in server.request("PUT", "/ebb/v1/endpoints/out", {"image": "out", "egress": False}).json["spec"]


def test_its_process_has_no_rights_comes_again_and_goes(server, world, image):
    server.ebb("deploy", "out", "--image", image, "--memory", "64MiB", "--egress")
    assert "proxy=http://127.0.0.1:" in call(server, "env", "")
    assert "GET / " in asked(server, f"GET http://{PUBLIC}/ HTTP/1.1")  # a function may be ready before it is
    [first] = egress_pids(server)
    status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{first}/status").read_text().splitlines() if ":\t" in line)
    assert status["Uid"].split() == ["65534"] * 4 and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert all(int(status[name], 16) == 0 for name in ("CapPrm", "CapEff", "CapInh", "CapAmb"))
    os.kill(first, signal.SIGKILL)
    # What connects meanwhile waits for the next one.
    assert "GET / " in asked(server, f"GET http://{PUBLIC}/ HTTP/1.1")
    [second] = egress_pids(server)
    assert second != first
    server.ebb("rm", "out")
    eventually(lambda: not egress_pids(server), otherwise="it outlives the last function that needs it")


def test_it_ends_with_its_server_whatever_ends_that(server, image):
    server.ebb("deploy", "out", "--image", image, "--memory", "64MiB", "--egress")
    assert "GET / " in asked(server, f"GET http://{PUBLIC}/ HTTP/1.1")
    [pid] = egress_pids(server)
    server.kill()
    eventually(lambda: not leaks.is_alive(pid), otherwise="it outlives its server")
    server.start()
    assert "GET / " in asked(server, f"GET http://{PUBLIC}/ HTTP/1.1")


def test_frozen_functions_keep_their_way(server, image):
    server.ebb("image", "add", "out", image)
    assert server.request("PUT", "/ebb/v1/endpoints/out", {"image": "out", "memory": "64MiB", "egress": True, "scaling": {"idle": "50ms"}}).status == 200
    assert "GET / " in asked(server, f"GET http://{PUBLIC}/ HTTP/1.1")
    server.wait_for_state("parked", "out")
    assert "GET / " in asked(server, f"GET http://{PUBLIC}/ HTTP/1.1")


def test_as_an_ordinary_user(world, image):
    """No cgroups: the memory of its processes is added up. And the same way out."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ebb-user-", dir="/tmp"))
    before = leaks.snapshot()
    server = Server(folder / "home")
    server.inside = [*world.inside, "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--"]
    try:
        archive = shutil.copy(image, folder / "out.oci.tar")
        os.chown(archive, USER, USER)
        os.chown(folder, USER, USER)
        server.start()
        server.ebb("deploy", "out", "--image", archive, "--memory", "128MiB", "--egress")
        assert "GET / " in asked(server, f"GET http://{PUBLIC}/ HTTP/1.1")
        for host in (OWN, "10.0.0.1", "private.test", "127.0.0.1", "169.254.169.254"):
            assert asked(server, f"CONNECT {host}:80 HTTP/1.1").startswith("HTTP/1.1 403"), host
        [pid] = egress_pids(server)
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert "CapEff:\t0000000000000000" in status and "Seccomp:\t2" in status
        small = eventually(lambda: (row := server.endpoint("out")) and row["memory_measured"] and row["memory_bytes"], otherwise="it is not measured")
        assert 0 < small < 30 << 20
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("POST", "/invoke/out/cgi-bin/hold", b"")
        answer = connection.getresponse()  # its head; it holds what it has until it is left alone
        assert answer.status == 200
        row = eventually(lambda: (row := server.endpoint("out")) and row["memory_bytes"] >= 40 << 20 and row, otherwise="its 40 MiB are not seen")
        assert row["memory_measured"] and row["memory_bytes"] < 128 << 20
        connection.close()
    finally:
        errors = server.stop() + leaks.since(before)
        shutil.rmtree(folder, ignore_errors=True)
    assert not errors, "\n".join(errors)
