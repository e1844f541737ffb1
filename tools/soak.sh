#!/usr/bin/env bash
# `make soak`: builds, then asks a server for what it must never do, for as long as it takes: servers and workers are killed under load, tenants look for each
# other's secrets, callers for money beyond their budgets, and the core's simulation for worlds in which a budget breaks. A table at the end, and bench/out/soak.json.
#
#   KILLS=n      servers killed, besides workers (200; 0: none)
#   CANARIES=n   calls that look for secrets (20000)
#   CALLS=n      calls against budgets (50000)
#   SEEDS=n      of the simulation (1000)
#   EVERY=n      each n-th sync of the server at which it is killed, before and after it (1; 0: none)
#   SEED=n       where chance begins; a run prints its own
#
# The long form, three quarters of an hour on two busy cores: KILLS=2000 CANARIES=100000 CALLS=1000000 SEEDS=10000 make soak
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh release programs >&2
tools/build.sh release ebb-sim >&2
export EBB_PRESET=release PYTHONPATH=$PWD/tests
exec tests/.venv/bin/python -m soak
