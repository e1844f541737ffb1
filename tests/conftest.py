"""Fixtures of the end-to-end tests: the built programs, a home of its own for each test, and an audit of what a test leaves behind.

  EBB_PRESET=release|asan|tsan   which build is tested (tools/test.sh sets it)
  EBB_BIN=folder                 programs in another folder

Nothing here sleeps for a fixed time: `eventually` looks again until something is true or a generous time is over.
"""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import server as servers  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "sanitizer: also run against the sanitizer builds")
    config.addinivalue_line("markers", "real_model: needs the demo model in deps/models")


def pytest_collection_modifyitems(items):
    tsan = os.environ.get("EBB_PRESET") == "tsan"
    for item in items:
        if item.get_closest_marker("real_model"):
            if not servers.DEMO_MODEL.exists():
                item.add_marker(pytest.mark.skip(reason="the demo model is not in deps/models: run `make setup`"))
            elif tsan:
                item.add_marker(pytest.mark.skip(reason="llama.cpp is not instrumented: its threads would be reported falsely"))


@pytest.fixture(scope="session", autouse=True)
def programs():
    if not (servers.BIN / "ebb").exists():
        pytest.exit(f"{servers.BIN}/ebb is not built: run `make build`", returncode=1)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def launch(home):
    """launch(*arguments, home=…): starts a server; all of them are stopped and audited at the end of the test."""
    yield from servers.launching(home)


@pytest.fixture
def server(launch):
    return launch()
