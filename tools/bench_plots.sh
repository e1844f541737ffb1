#!/usr/bin/env bash
# bench_plots.sh [NAME]: builds, measures, draws bench/out/wake.svg and bench/out/throughput.svg (or the one that is named: policies, too, with TRACES="file …"), and
# leaves the figures beside them.
# REDRAW=1 draws what was measured before, without a build.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly PYTHON=tests/.venv/bin/python
if ! "$PYTHON" -c 'import matplotlib' 2>/dev/null; then
  echo "bench: matplotlib is not there to draw with: run 'make bench-peers'" >&2
  exit 1
fi
if [[ -z ${REDRAW:-} ]]; then tools/build.sh release >&2; fi
mkdir -p bench/out
export PYTHONPATH=bench
exec "$PYTHON" -m plots "$@"
