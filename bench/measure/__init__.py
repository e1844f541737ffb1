"""What the benchmarks share: the platform under test, the bare program to compare with, and how a figure is written down.

Absolute times of a small virtual machine move by a third with its neighbours, so both sides of a ratio run alternately, and only
the ratio of their medians is a figure.
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
os.environ["EBB_PRESET"] = "release"

from harness import leaks  # noqa: E402
from harness.server import Server  # noqa: E402
from harness.waiting import eventually  # noqa: E402

BUILT = ROOT / "build/release/bin"


class Platform:
    """A server on a home of its own, removed at the end."""

    def __init__(self, programs: pathlib.Path = BUILT) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ebb-bench-"))
        self.server = Server(self.folder / "home", programs=programs)

    def __enter__(self) -> Server:
        self.server.start()
        return self.server

    def __exit__(self, *_) -> None:
        errors = self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        if errors:
            print("\n".join(errors), file=sys.stderr)


def end(process: subprocess.Popen) -> None:
    """SIGTERM, which ends its children too, and SIGKILL if that does not help."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(values: list[float]) -> str:
    return f"median {statistics.median(values):.1f} ms ({percentile(values, 0.25):.1f} to {percentile(values, 0.75):.1f}), {len(values)} runs"


def tree(server: Server) -> list[int]:
    return [server.pid, *leaks.descendants(server.pid)]


def memory_kib(pid: int) -> dict[str, int]:
    """What the kernel counts of all mappings of a process, by its names; nothing of one that has ended."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return {}
    return {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}


def pss_kib(pids: list[int]) -> int:
    """Without what they gave back and the kernel has not needed yet."""
    counts = [memory_kib(pid) for pid in pids]
    return sum(count.get("Pss", 0) - count.get("LazyFree", 0) for count in counts)


def huge_page_share(pids: list[int]) -> float:
    """Of the memory that the processes hold, how much is mapped in huge pages."""
    counts = [memory_kib(pid) for pid in pids]
    huge = sum(count.get(name, 0) for count in counts for name in ("AnonHugePages", "ShmemPmdMapped", "FilePmdMapped"))
    return huge / max(1, sum(count.get("Rss", 0) for count in counts))


def refuse_company(own: list[int]) -> None:
    def others() -> list[str]:
        return [f"{stat[0]} ({pid})" for pid, stat in leaks.processes().items() if stat[0].startswith(("ebb", "llama-server")) and pid not in own]

    if not eventually(lambda: not others(), 5, otherwise=None):  # an earlier run may still be on its way out
        sys.exit(f"bench: another server is running and would share pages with this one: {', '.join(others())}")


def finish(name: str, figures: dict[str, float], raw: dict, lines: list[str]) -> None:
    """Writes bench/out/NAME.json and prints the closing lines."""
    out = ROOT / "bench/out"
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps({"name": name, "figures": figures, "raw": raw}, indent=1) + "\n")
    for line in lines:
        print(line)
