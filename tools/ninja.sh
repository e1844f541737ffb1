#!/usr/bin/env bash
# ninja.sh BUILD_DIR [TARGET…]: builds, on as many cores as there are and memory allows, with the output of failures only.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
cores=$(nproc)
# A translation unit with Beast and Asio takes about 1.5 GiB in the sanitizer builds.
by_memory=$(($(awk '/^MemAvailable/ { print $2 }' /proc/meminfo) / 1572864))
jobs=$((by_memory < 1 ? 1 : by_memory < cores ? by_memory : cores))
# So that clones in different folders share the compiler cache.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [[ -t 1 ]]; then
  exec ninja -C "$build" -j "$jobs" "$@"
fi
begun=$SECONDS
if ! ninja -C "$build" -j "$jobs" --quiet "$@" >"$log" 2>&1; then
  cat "$log"
  echo "build: $build failed (${*:-all}): the compiler's words are above" >&2
  exit 1
fi
echo "build: $build: ${*:-all} in $((SECONDS - begun)) s"
