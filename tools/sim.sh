#!/usr/bin/env bash
# `make sim`: builds, then hunts bugs of the control core in virtual time. The last line has the figures; a failing seed is told before it.
#
#   SEEDS=n     how many seeds (1000), each a world of its own
#   FIRST=n     the first of them (1)
#   MINUTES=n   of virtual time in which clients call and faults happen (10)
#   JOBS=n      seeds at once (one for each core)
#   PLANTED=x   with a bug planted on purpose (src/sim/planted.cc), or "all" for each of them in turn: each must be found
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh release ebb-sim >&2
exec build/release/bin/ebb-sim --seeds "${FIRST:-1}:${SEEDS:-1000}" --minutes "${MINUTES:-10}" --jobs "${JOBS:-$(nproc)}" ${PLANTED:+--planted "$PLANTED"}
