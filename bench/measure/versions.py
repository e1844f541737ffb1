"""What was compared, for the result file."""
import subprocess

from harness.waiting import ROOT
from measure import BUILT


def versions() -> dict[str, str]:
    locked = next(line.split() for line in (ROOT / "tools/deps.lock").read_text().splitlines() if line.startswith("npm") and "node-llama-cpp " in line)
    ebb = subprocess.run([BUILT / "ebb", "--version"], check=True, capture_output=True, text=True)
    found = {"ebb": ebb.stdout.strip(), "engine": f"{locked[1]} {locked[2]}"}
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], check=False, capture_output=True, text=True)
    if commit.returncode == 0:
        found["commit"] = commit.stdout.strip()
    return found
