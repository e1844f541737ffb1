"""`make soak`: kills, canaries, rounds and the simulation, one after the other; a table, and bench/out/soak.json. Ends with 1 if anything was found.

  KILLS, CANARIES, CALLS, SEEDS   how much of each (0: none of it)
  EVERY                           each point of so many at which a server is killed (1; 0: none)
  SEED                            where chance begins (a new one for each run)
"""
import datetime
import json
import os
import random
import re
import subprocess
import sys
import time

from harness.waiting import BIN, ROOT
from soak import canaries, kills, rounds


def simulation(seeds: int) -> dict:
    print(f"simulation: {seeds} seeds", flush=True)
    begun = time.monotonic()
    done = subprocess.run([BIN / "ebb-sim", "--seeds", f"1:{seeds}", "--jobs", str(os.cpu_count())], stdout=subprocess.PIPE, text=True, check=False)
    events = re.search(r"(\d+) events,", done.stdout)
    return {"seconds": round(time.monotonic() - begun, 1), "seeds": seeds, "events": int(events[1]) if events else 0, "failed": int(done.returncode != 0),
            "problems": done.stdout.splitlines()[-20:] if done.returncode else []}


def crash_points(every: int) -> dict:
    """tests/e2e/test_crash_points.py, with each point of so many instead of some."""
    print(f"crash points: each of {every}" if every > 1 else "crash points: each", flush=True)
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", ROOT / "tests/e2e/test_crash_points.py"],
                          env={**os.environ, "EBB_CRASH_EVERY": str(every)}, stdout=subprocess.PIPE, text=True, check=False)
    points = re.search(r"(\d+) points", done.stdout)
    return {"seconds": round(time.monotonic() - begun, 1), "points": int(points[1]) if points else 0, "failed": int(done.returncode != 0),
            "problems": done.stdout.splitlines()[-40:] if done.returncode else []}


def table(name: str, found: dict, faults: tuple[str, ...]) -> list[str]:
    counts = [f"{found[what]:,} {what}" for what in found if what not in (*faults, "seed", "seconds", "problems", "function", "tenants") and found[what]]
    wrong = ", ".join(f"{found[what]} {what}" for what in faults)
    return [f"{name:<11} {found['seconds']:8.1f} s  {wrong}", f"{'':11}             of {'; '.join(counts)}"]


def main() -> int:
    seed = int(os.environ.get("SEED") or random.randrange(1 << 32))
    parts = {"kills": (int(os.environ.get("KILLS", "200")), lambda many: kills.soak(many, seed), kills.FAULTS),
             "canaries": (int(os.environ.get("CANARIES", "20000")), lambda many: canaries.soak(many, seed), canaries.FAULTS),
             "rounds": (int(os.environ.get("CALLS", "50000")), lambda many: rounds.soak(many, seed), rounds.FAULTS),
             "points": (int(os.environ.get("EVERY", "1")), crash_points, ("failed",)),
             "simulation": (int(os.environ.get("SEEDS", "1000")), simulation, ("failed",))}
    found = {name: soak(many) for name, (many, soak, _) in parts.items() if many}
    out = ROOT / "bench/out"
    out.mkdir(parents=True, exist_ok=True)
    ended = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    (out / "soak.json").write_text(json.dumps({"name": "soak", "ended": ended, "seed": seed, "found": found}, indent=1) + "\n")
    for name, what in found.items():
        print("\n".join(table(name, what, parts[name][2])))
    problems = [problem for what in found.values() for problem in what["problems"]]
    print("\n".join(problems))
    print(f"soak: {'nothing was wrong' if not problems else 'FAILED'}; seed {seed}, bench/out/soak.json")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
