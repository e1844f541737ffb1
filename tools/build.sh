#!/usr/bin/env bash
# build.sh PRESET [TARGET…]: sets up if needed, configures once, builds into build/PRESET.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
EBB_SETUP_QUIET=1 tools/setup.sh
# A failed or interrupted configuration leaves no build.ninja; ninja itself runs cmake again when a CMake file or a glob changes.
if [[ ! -f build/$preset/build.ninja ]]; then
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  echo "build: configuring build/$preset"
  cmake --preset "$preset" ${EBB_LLAMA:+-DEBB_LLAMA="$EBB_LLAMA"} >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
exec tools/ninja.sh "build/$preset" "$@"
