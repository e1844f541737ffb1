#!/usr/bin/env python3
"""Money spent beyond budgets, and calls that were refused although their worst case fitted: rounds at 1, 8, 64 and 512 calls at once

The rounds and their reference are those of `make soak` (tests/soak/rounds.py): calls that leave, stream, take longer than their deadline, against budgets of a
tenant, its key and the endpoint that are too small for all of them.
"""
import os
import random

from measure import finish
from measure.conditions import Conditions, void

from soak import rounds

CALLS, SEED = int(os.environ.get("CALLS", "50000")), int(os.environ.get("SEED") or random.randrange(1 << 32))


def main() -> None:
    with Conditions() as conditions:
        found = rounds.soak(CALLS, SEED)
    units, refused = found["overspent units"], found["refused falsely"]
    finish("overspend", {"overspend.units": units, "overspend.refused": refused}, {**found, "conditions": conditions}, [
        f"{found['rounds']} rounds, {found['calls']:,} calls: {found['answers']:,} answered, {found['refused for good']:,} refused for good, "
        f"{found['refused for now']:,} for now, {found['left by their callers']:,} left by their callers, {found['too late']:,} too late",
        *found["problems"],
        *void(conditions),
        f"overspend.units: {units} of 1e-12 beyond a budget (must <= 0)",
        f"overspend.refused: {refused} calls refused falsely (must <= 0)",
    ])


if __name__ == "__main__":
    main()
