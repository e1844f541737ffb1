"""Settings that cannot be kept are refused when an endpoint is deployed, and what was there stays as it was."""
import pytest

from harness.server import launching


@pytest.fixture
def small(tmp_path):
    """A server whose workers may take 200 MiB."""
    launch = launching(tmp_path / "home")
    yield next(launch)("--memory", "200MiB")
    next(launch, None)


def refused(server, scaling: dict) -> dict:
    answer = server.request("PUT", "/ebb/v1/endpoints/e", {"endpoint": "e", "engine": "echo", "scaling": scaling})
    assert answer.status in (400, 503), answer
    return answer.json["error"]


def test_what_is_kept_warm_must_fit(small):
    before = small.deploy(scaling={"max": 64, "provisioned": 1})
    said = refused(small, {"max": 64, "provisioned": 40})
    assert said["param"] == "scaling.provisioned" and "keeps 40 slots of 'e' warm" in said["message"]
    assert "MiB together" in said["message"] and "workers may take 200 MiB here" in said["message"]
    said = refused(small, {"max": 64, "schedule": [{"cron": "0 8 * * *", "provisioned": 1}, {"cron": "0 9 * * *", "provisioned": 64}]})
    assert said["param"] == "scaling.schedule[1].provisioned"
    assert refused(small, {"max": 64, "min": 64})["param"] == "scaling.min"
    now = small.endpoint()
    assert now["spec"] == before["spec"] and now["revision"] == before["revision"]


def test_schedules_that_contradict_themselves(server, tmp_path):
    server.deploy()
    said = refused(server, {"schedule": [{"cron": "0 8 * * 1-5", "provisioned": 2}, {"cron": "@daily", "provisioned": 0}, {"cron": "0 8 1 * *", "provisioned": 1}]})
    assert said["param"] == "scaling.schedule[2]"
    assert "'scaling.schedule[0]' (\"0 8 * * 1-5\", provisioned: 2)" in said["message"] and "fire in the same minute" in said["message"]
    assert "never fires" in refused(server, {"schedule": [{"cron": "0 0 30 2 *", "provisioned": 1}]})["message"]
    assert "more than 'scaling.max'" in refused(server, {"min": 5, "max": 4})["message"]
    assert "schedule" not in server.endpoint()["spec"]["scaling"]
    file = tmp_path / "e.yaml"
    file.write_text("endpoint: e\nengine: echo\nscaling:\n  schedule:\n  - {cron: '0 8 * * *', provisioned: 2}\n  - {cron: '0 */4 * * *', provisioned: 1}\n")
    done = server.ebb("deploy", "-f", str(file), check=False)
    assert done.returncode == 2 and f"{file}, line 6: 'scaling.schedule[0]'" in done.stderr
