"""What a server's death leaves: nothing running, and everything durable."""
import os
import signal

import pytest

from harness import leaks
from harness.waiting import eventually


def dead(pids) -> bool:
    return not any(map(leaks.is_alive, pids))


@pytest.mark.sanitizer
def test_kill_9_of_the_server_leaves_no_process_and_loses_nothing(launch):
    server = launch()
    server.deploy("a", scaling={"max": 3})
    server.deploy("b")
    assert server.ask(name="a").status == 200
    before = server.wait_for_bill(1)
    revision = server.endpoint("a")["revision"]
    with server.stream(name="a", script="tokens=100000 tps=20") as call:
        next(call.texts())
        family = leaks.descendants(server.pid)
        assert len(family) >= 2
        server.kill()
        eventually(lambda: dead(family), 10, "a process outlived the server")

    again = launch()
    names = [row["spec"]["endpoint"] for row in again.get("/ebb/v1/endpoints").json["endpoints"]]
    assert sorted(names) == ["a", "b"]
    assert again.endpoint("a")["revision"] == revision
    assert again.endpoint("a")["calls"] >= 1
    assert again.bill()["total"]["cost_pico"] == before["total"]["cost_pico"]
    assert again.ask(name="a").status == 200


def test_kill_9_of_the_spawner_leaves_no_worker(launch):
    server = launch()
    server.deploy()
    assert server.ask().status == 200
    spawner = server.spawner_pid()
    workers = server.worker_pids()
    os.kill(spawner, signal.SIGKILL)
    eventually(lambda: dead([spawner, *workers]), 10, "a worker outlived the spawner")
    # Whether the server starts another spawner or ends is its choice; it must not go on pretending.
    if server.process.poll() is None:
        answer = eventually(lambda: server.process.poll() is not None or ((got := server.ask()).status in (200, 503) and got), 30, "neither served nor refused")
        assert answer
    if server.process.poll() is not None:
        server.process = None


@pytest.mark.sanitizer
def test_sigterm_drains(launch):
    server = launch()
    server.deploy(scaling={"max": 2})
    with server.stream(text="a b", script="tokens=30 tps=15") as running:
        texts = running.texts()
        next(texts)
        server.process.send_signal(signal.SIGTERM)

        def refuses():
            try:
                return server.get("/readyz").status == 503
            except OSError:
                return True  # the listener is closed already

        eventually(refuses, 5, "readiness did not fail first")
        try:
            assert server.ask().status == 503
        except OSError:
            pass
        assert len(list(texts)) > 1
    assert server.process.wait(60) == 0


def test_a_second_signal_ends_at_once(launch):
    server = launch()
    server.deploy()
    with server.stream(text="a b", script="tokens=100000 tps=15") as running:
        next(running.texts())
        server.process.send_signal(signal.SIGINT)
        eventually(lambda: "drain" in server.log().lower() or server.process.poll() is not None, 5, otherwise=None)
        server.process.send_signal(signal.SIGINT)
        server.process.wait(15)


def test_a_second_server_on_the_same_home_is_refused(launch, home):
    import subprocess
    from harness.server import BIN
    launch()
    done = subprocess.run([BIN / "ebb", "serve", "--home", home, "--port", "0"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert str(home) in done.stderr


def test_a_port_in_use_is_said(launch, tmp_path):
    import subprocess
    from harness.server import BIN
    server = launch()
    done = subprocess.run([BIN / "ebb", "serve", "--home", tmp_path / "other", "--port", str(server.port)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert str(server.port) in done.stderr
