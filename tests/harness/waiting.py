"""What is tested, and waiting for something to become true, never for a fixed time."""
import os
import pathlib
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PRESET = os.environ.get("EBB_PRESET", "release")
BIN = pathlib.Path(os.environ.get("EBB_BIN") or ROOT / "build" / PRESET / "bin")
# How much longer things may take in the sanitizer builds.
SLOWER = 1 if PRESET == "release" else 6


def eventually(predicate, seconds: float = 15, otherwise: str | None = "it never became true"):
    """The first true value of predicate(); after the time fails with `otherwise` (None: returns the last value)."""
    until = time.monotonic() + seconds * SLOWER
    while True:
        value = predicate()
        if value or (time.monotonic() > until and otherwise is None):
            return value
        if time.monotonic() > until:
            raise AssertionError(f"{otherwise} (last: {value!r}, after {seconds * SLOWER:.0f} s)")
        time.sleep(0.02)
