"""`ebb plan` as a new user types it: without a server, on a small trace."""
import json
import pathlib
import signal
import subprocess

import pytest

from harness.server import BIN
from harness.waiting import eventually


def plan(*arguments: str, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([BIN / "ebb", "plan", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def hourly(tmp_path) -> pathlib.Path:
    """A day of two functions: one is called each hour, the other all the time."""
    minutes = ",".join(f"minute_{minute}" for minute in range(1, 1441))
    rows = [",".join(["hourly", "app", "owner", *("1" if minute % 60 == 7 else "0" for minute in range(1440))]),
            ",".join(["busy", "app", "owner", *(["3"] * 1440)])]
    trace = tmp_path / "day-inv.csv"
    trace.write_text("\n".join([f"HashFunction,HashApp,HashOwner,{minutes}", *rows]) + "\n")
    return trace


@pytest.mark.sanitizer
def test_a_day_against_fixed_times(hourly, tmp_path):
    page = tmp_path / "plan.html"
    report = json.loads(plan(str(hourly), "--json", "--html", str(page)).stdout)
    assert report["functions"] == 2 and report["ebb"][0]["calls"] == 24 + 3 * 1440
    ebb, fixed = report["ebb"][0], {one["policy"]: one for one in report["fixed"]}
    assert ebb["refused"] == 0
    assert ebb["cold_starts"] < fixed["kept for 45m"]["cold_starts"]
    assert ebb["idle_gib_hours"] < fixed["kept for 1h"]["idle_gib_hours"]
    assert "<svg" in page.read_text()
    table = plan(str(hourly)).stdout
    assert [one["policy"] for one in report["knative"]].count("Knative KPA") == 1 and ebb["knative_cold_starts_at_equal_idle"]
    assert "kept for 10m" in table and "Knative KPA" in table and "always on" in table and "AWS Lambda would ask" in table


def test_what_is_wrong_is_said(hourly, tmp_path):
    assert "--start: '1x' is no duration" in plan(str(hourly), "--start", "1x", code=2).stderr
    assert "known traces" in plan(__file__, code=2).stderr
    assert "No such file" in plan(str(tmp_path / "none"), code=2).stderr
    broken = tmp_path / "broken-inv.csv"
    broken.write_text(hourly.read_text().replace("hourly,app,owner,0", "hourly,app,owner,-1"))
    said = plan(str(broken), code=2).stderr
    assert "line 2" in said and "minute_1" in said
    assert "could not be written" in plan(str(hourly), "--html", str(tmp_path / "no/such/page.html"), code=1).stderr


def test_endpoints_with_settings_of_their_own(hourly, tmp_path):
    kept, rest = tmp_path / "hourly.yaml", tmp_path / "rest.yaml"
    kept.write_text("endpoint: hourly\nengine: echo\nmemory: 1GiB\nscaling: {keep: 2h}\n")
    rest.write_text("endpoint: default\nengine: echo\nscaling: {keep: 1m}\n")
    plain = json.loads(plan(str(hourly), "--json").stdout)["ebb"][0]
    own = json.loads(plan(str(hourly), "--json", "--config", str(kept), "--config", str(rest)).stdout)["ebb"][0]
    assert own["cold_starts"] == 2, "each of the two once"
    assert own["idle_gib_hours"] > 20 > plain["idle_gib_hours"]


def test_wrong_settings_are_pointed_at(hourly, tmp_path):
    def refused(text: str) -> str:
        config = tmp_path / "e.yaml"
        config.write_text(text)
        said = plan(str(hourly), "--config", str(config), code=2).stderr
        assert str(config) in said
        return said
    assert "line 3: 'scaling.keep': 'soon' is no duration" in refused("endpoint: e\nengine: echo\nscaling: {keep: soon}\n")
    assert "line 2, column 1" in refused("endpoint: [e\n")
    assert "line 4: 'scaling.schedule[0].cron'" in refused("endpoint: e\nengine: echo\nscaling:\n  schedule: [{cron: '0 25 * * *', provisioned: 1}]\n")
    once = tmp_path / "once.yaml"
    once.write_text("engine: echo\nendpoint: e\n")
    assert "line 2: the endpoint 'e' is in another --config too" in plan(str(hourly), "--config", str(once), "--config", str(once), code=2).stderr
    assert "name a TRACE" in plan(code=2).stderr


@pytest.mark.sanitizer
def test_a_running_server_is_planned_with_its_own_settings(server):
    server.deploy("seldom", scaling={"provisioned": 1})
    server.deploy("often")
    for name in ("seldom", "often", "often"):
        assert server.ask("a", name=name, script="delay_ms=3").status == 200
    server.wait_for_bill(3)
    report = json.loads(server.ebb("plan", "--last", "1h", "--json").stdout)
    assert report["layout"] == "ebb-usage" and report["ebb"][0]["calls"] == 3
    proposals = {one["endpoint"]: one for one in report["proposals"]["endpoints"]}
    assert set(proposals) == {"seldom", "often"} and proposals["often"]["calls"] == 2
    assert all(one["proposed"]["cost_with_waits_usd"] <= one["now"]["cost_with_waits_usd"] for one in proposals.values())
    table = server.ebb("plan", "--last", "1h").stdout
    assert "PROPOSED" in table and "seldom" in table


def test_a_running_server_that_has_nothing_to_plan(server):
    done = server.ebb("plan", "--last", "7d", check=False)
    assert done.returncode == 1 and "no call has ended in the last 7d" in done.stderr
    done = server.ebb("plan", "--last", "soon", check=False)
    assert done.returncode == 2 and "--last: 'soon' is no duration" in done.stderr


@pytest.fixture
def bursts(tmp_path) -> pathlib.Path:
    """Three endpoints that are called each 12, 15 and 25 minutes, for two hours."""
    lines = []
    for name, every in (("twelve", 12), ("fifteen", 15), ("often", 25)):
        for minute in range(0, 120, every):
            at = f"2026-03-02T{minute // 60:02}:{minute % 60:02}:00.500Z"
            lines.append({"endpoint": name, "ended": at, "total_ns": 500_000_000, "queued_ns": 0, "memory_mib": 64})
    trace = tmp_path / "bursts.jsonl"
    trace.write_text("\n".join(map(json.dumps, sorted(lines, key=lambda line: line["ended"]))) + "\n")
    return trace


def test_a_plan_is_lived_through(server, bursts, tmp_path):
    config = tmp_path / "default.yaml"
    config.write_text("endpoint: default\nengine: echo\nscaling: {max: 8, idle: 1m, keep: 10m}\n")
    said = json.loads(server.ebb("plan", str(bursts), "--validate", "--speed", "1200", "--config", str(config), "--json").stdout)
    assert said["calls"] == 10 + 8 + 5
    assert said["planned_cold_starts"] > 15 and said["ratio"] == pytest.approx(1, abs=0.3)
    assert {one["endpoint"] for one in said["endpoints"]} == {"plan-twelve", "plan-fifteen", "plan-often"}
    assert json.loads(server.ebb("ps", "--json").stdout)["endpoints"] == [], "what was made for it is gone"


def test_ctrl_c_removes_what_a_validation_made(server, bursts):
    process = subprocess.Popen([BIN / "ebb", "plan", bursts, "--validate", "--server", server.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: len(json.loads(server.ebb("ps", "--json").stdout)["endpoints"]) == 3, 20, "the endpoints were never made")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(server.ebb("ps", "--json").stdout)["endpoints"] == []


def test_a_validation_touches_no_endpoint_of_others(server, bursts):
    server.deploy("plan-often")
    done = server.ebb("plan", str(bursts), "--validate", check=False)
    assert done.returncode == 1 and "there is an endpoint 'plan-often' already" in done.stderr
    assert server.endpoint("plan-often")["name"] == "plan-often"
    assert "--speed requires --validate" in plan(str(bursts), "--speed", "3", code=2).stderr
