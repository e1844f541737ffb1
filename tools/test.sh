#!/usr/bin/env bash
# `make test`: for each preset build, run the unit tests (and golden transcripts, and the fuzzers' corpora), of the release build the
# simulation of the control core, then the end-to-end tests against the built programs. The sanitizer builds run the end-to-end tests that are marked for them.
#
#   PRESETS="release asan tsan"   which (all by default)
#   E2E="-k overload"             more arguments for pytest
#
# The last line is 'N passed, N failed, N skipped'; the exit status is 1 if anything failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
results=build/results
rm -rf "$results"
mkdir -p "$results"
failed_stages=()

stage() {  # stage NAME command…: runs it, says how long it took; a failure is remembered and the rest goes on
  local name=$1 begun=$SECONDS
  shift
  if "$@"; then
    printf 'test: %-22s ok     %4d s\n' "$name" $((SECONDS - begun))
  else
    printf 'test: %-22s FAILED %4d s\n' "$name" $((SECONDS - begun))
    failed_stages+=("$name")
    return 1
  fi
}

# Under TSan: the programs, and the unit tests of what has an event loop or a thread. The rest is single-threaded and pure.
readonly WITH_LOOPS='io|store|registry|ledger|instance|invoke|gateway|cli|app'

build() {
  local preset=$1
  if [[ $preset != tsan ]]; then tools/build.sh "$preset"; return; fi
  tools/build.sh "$preset" programs || return
  local -a tests
  mapfile -t tests < <(ninja -C "build/$preset" -t targets all | sed -nE "s/^(($WITH_LOOPS)_test): phony\$/\1/p" | sort -u)
  tools/build.sh "$preset" "${tests[@]}"
}

unit() {
  local preset=$1
  local -a which=()
  if [[ $preset == tsan ]]; then which=(-R "^($WITH_LOOPS)\$"); fi
  GTEST_BRIEF=1 GTEST_OUTPUT="xml:$PWD/$results/$preset-gtest/" \
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error "${which[@]}" -j "$(nproc)" --output-junit "$PWD/$results/$preset-ctest.xml" >"$results/$preset-unit.log" 2>&1 ||
    { tail -n 200 "$results/$preset-unit.log"; return 1; }
}

# The control core in virtual time; `make sim` runs more of it.
simulation() {
  build/release/bin/ebb-sim --seeds 1:1000 --minutes 3 --jobs "$(nproc)" >"$results/simulation.log" 2>&1 || { tail -n 100 "$results/simulation.log"; return 1; }
}

e2e() {
  local preset=$1
  local -a which=()
  if [[ $preset != release ]]; then which=(-m sanitizer); fi
  # shellcheck disable=SC2086
  EBB_PRESET=$preset tests/.venv/bin/python -m pytest -q -p no:cacheprovider tests/e2e "${which[@]}" --junitxml="$results/$preset-e2e.xml" ${E2E:-}
}

# Reports of the sanitizers end the process, so that a test notices.
export ASAN_OPTIONS="abort_on_error=0:halt_on_error=1:detect_leaks=1:strict_string_checks=1:exitcode=99"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:exitcode=99"

for preset in ${PRESETS:-release asan tsan}; do
  stage "$preset: build" build "$preset" || continue
  stage "$preset: unit tests" unit "$preset"
  if [[ $preset == release ]]; then stage "$preset: simulation" simulation; fi
  stage "$preset: end to end" e2e "$preset"
done

counted=$(python3 tools/count_tests.py "$results") || failed_stages+=("count")
if ((${#failed_stages[@]})); then
  printf 'test: failed: %s; logs are in %s\n' "$(IFS=,; echo "${failed_stages[*]}")" "$results"
  # A stage that failed without a failed test (a build, a crash) counts as one.
  if [[ $counted =~ ^([0-9]+)\ passed,\ 0\ failed(.*)$ ]]; then counted="${BASH_REMATCH[1]} passed, ${#failed_stages[@]} failed${BASH_REMATCH[2]}"; fi
fi
echo "$counted"
if ((${#failed_stages[@]})); then exit 1; fi
