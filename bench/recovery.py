#!/usr/bin/env python3
"""Seconds until a server with a million records is ready, against reading the file of its ledger once

Both from a cold page cache (POSIX_FADV_DONTNEED, after a sync), alternately. The book is made through the store itself (bench/ledger_rate.cc), of the last
thirty days. For information the same from a warm cache, and with an empty ledger.
"""
import http.client
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from measure import BUILT, end, finish
from measure.conditions import Conditions, void

RUNS, RECORDS = int(os.environ.get("RUNS", "7")), int(os.environ.get("RECORDS", "1000000"))
PIECE = 1 << 20


def forget(file: pathlib.Path) -> None:
    """Nothing of it is in memory."""
    with open(file, "rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_once(file: pathlib.Path) -> float:
    begun, piece = time.monotonic(), bytearray(PIECE)
    with open(file, "rb", buffering=0) as opened:
        while opened.readinto(piece):
            pass
    return time.monotonic() - begun


def is_ready(port_file: pathlib.Path) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(port_file.read_text()), timeout=5)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, ValueError):  # there is no file yet, or nothing in it
        return False


def ready_after(home: pathlib.Path) -> float:
    port_file = home.parent / "port"
    port_file.unlink(missing_ok=True)
    begun = time.monotonic()
    server = subprocess.Popen([BUILT / "ebb", "serve", "--home", home, "--port", "0", "--port-file", port_file], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not is_ready(port_file):
            assert server.poll() is None and time.monotonic() < begun + 120, "the server never became ready"
            time.sleep(0.001)
        return time.monotonic() - begun
    finally:
        end(server)


def measure(home: pathlib.Path, empty: pathlib.Path) -> dict[str, float]:
    file = home / "usage.db"
    forget(file)
    read = read_once(file)
    forget(file)
    return {"read_s": read, "cold_s": ready_after(home), "warm_s": ready_after(home), "empty_s": ready_after(empty)}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder:
        home, empty = pathlib.Path(folder) / "home", pathlib.Path(folder) / "empty"
        for one in (home, empty):
            one.mkdir()
            ready_after(one)  # its other files are made
        subprocess.run([BUILT / "ledger-rate", "fill", home, str(RECORDS)], check=True)
        size = (home / "usage.db").stat().st_size
        measure(home, empty)
        with Conditions() as conditions:
            runs = [measure(home, empty) for _ in range(RUNS)]
    at = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    ratio = at["cold_s"] / at["read_s"]
    finish("recovery", {"recovery": ratio}, {"runs": runs, "records": RECORDS, "bytes": size, "conditions": conditions}, [
        f"{RECORDS:,} records in {size / 1e6:.0f} MB: read once in {at['read_s']:.2f} s; ready in {at['cold_s']:.2f} s; {RUNS} runs",
        f"from a warm cache: ready in {at['warm_s']:.2f} s, with an empty ledger in {at['empty_s']:.2f} s (information only)",
        *void(conditions),
        f"recovery: {ratio:.2f} of reading the ledger once (must <= 2.0, stretch <= 1.2)",
    ])


if __name__ == "__main__":
    main()
