#!/usr/bin/env bash
# bench.sh NAME: builds, runs bench/NAME.py, keeps its figures in bench/out/NAME.json. The last lines are one for each figure:
#   zero-to-token: 0.97 of a bare load (must <= 1.10, stretch <= 0.50)
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:-}
if [[ -z $name || ! -f bench/$name.py ]]; then
  if [[ -n $name ]]; then echo "bench: there is no benchmark '$name'" >&2; fi
  echo "make bench NAME=…, one of:"
  for file in bench/*.py; do
    base=$(basename "$file" .py)
    if [[ $base != measure ]]; then printf '  %-15s %s\n' "$base" "$(sed -n '2s/^"""//p' "$file")"; fi
  done
  [[ -z $name ]] && exit 0
  exit 2
fi
tools/build.sh release >&2
mkdir -p bench/out
# The interpreter that has the clients.
exec tests/.venv/bin/python "bench/$name.py"
