"""The soaks of `make soak`, short: a server that is killed, tenants with secrets, budgets that are asked for more than they have."""
import random

import pytest

from soak import canaries, kills, rounds


def nothing_of(faults, found) -> None:
    assert not any(found[what] for what in faults), (found["seed"], found["problems"][:3])


@pytest.fixture
def seed():
    """Of the run; a failure prints it."""
    return random.randrange(1 << 32)


def test_kills_lose_nothing_and_bill_nothing_twice(seed):
    found = kills.soak(20, seed)
    nothing_of(kills.FAULTS, found)
    assert found["answers told"] and found["refused by budgets"], found


def test_no_secret_is_anywhere_else(seed):
    found = canaries.soak(6_000, seed)
    nothing_of(canaries.FAULTS, found)
    assert found["answers"] > found["calls"] / 2 and found["broken on purpose"], found


def test_budgets_are_kept_and_nobody_is_refused_falsely(seed):
    found = rounds.soak(8_000, seed)
    nothing_of(rounds.FAULTS, found)
    assert found["answers"] and found["refused for good"] and found["refused for now"], found
