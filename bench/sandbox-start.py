#!/usr/bin/env python3
"""A cold call to a container function that does nothing, against `crun run` of the same image

The call finds a prepared sandbox, as after any pause, and the next one is ready again before the next call. `crun run` makes namespaces and limits of the same
kinds, and its program ends at once. Runs alternate.
"""
import os
import pathlib
import statistics
import tempfile

from measure import Platform, finish, spread
from measure.functions import Requests, bundle, crun_prefix, deploy_noop, noop_layout, spawn_ms

RUNS = int(os.environ.get("RUNS", "60"))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ebb-bench-") as folder, Platform() as server, Requests() as requests:
        place = pathlib.Path(folder)
        (place / "ours").mkdir()
        made = bundle(place, noop_layout(place))
        deploy_noop(server, place / "ours", ["noop"], idle="20ms", keep="20ms")
        ours, theirs = [], []
        for number in range(RUNS):
            theirs += spawn_ms(1, "crun", "run", "--bundle", made, f"ebb-bench-{os.getpid()}-{number}", prefix=crun_prefix())
            server.wait_for_state("prepared", "noop", 30)
            ours.append(requests.burst((server.port, "/invoke/noop")) / 1000)
    ratio = statistics.median(ours) / statistics.median(theirs)
    finish("sandbox-start", {"sandbox-start": ratio}, {"ebb_ms": ours, "crun_ms": theirs}, [
        f"crun run: {spread(theirs)}",
        f"ebb, cold call: {spread(ours)}",
        f"sandbox-start: {ratio:.2f} of crun run (must <= 0.40, stretch <= 0.20)",
    ])


if __name__ == "__main__":
    main()
