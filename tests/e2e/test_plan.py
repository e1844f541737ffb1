"""`ebb plan` as a new user types it: without a server, on a small trace."""
import json
import pathlib
import subprocess

import pytest

from harness.server import BIN


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
