#!/usr/bin/env bash
# bench_peers.sh: brings what benchmarks compare Ebb with and what calls both: nginx and wrk from Debian's packages, llama.cpp's own server,
# compiled by tools/bench_llama_server.sh; and what draws plots: matplotlib, into the test tools' environment. Only what is missing, and nothing else into the
# tree. No service is started.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly POLICY=/usr/sbin/policy-rc.d
readonly VENV=tests/.venv PLOTTING=bench/requirements.txt
LOG=
POLICY_IS_OURS=
as_root=()

say() { printf 'bench: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { PATH=$PATH:/usr/local/sbin:/usr/sbin command -v "$1" >/dev/null 2>&1; }
leave() {
  if [[ -n $LOG ]]; then rm -f "$LOG"; fi
  if [[ -n $POLICY_IS_OURS ]]; then "${as_root[@]}" rm -f "$POLICY"; fi
}
trap leave EXIT
trap 'exit 130' INT TERM

# nginx's package starts it on port 80 when it is installed, unless the machine's policy forbids it.
forbid_services() {
  if [[ -e $POLICY ]]; then return; fi
  POLICY_IS_OURS=1
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$POLICY" >/dev/null
  "${as_root[@]}" chmod 755 "$POLICY"
}

packages() {
  local -a missing=()
  local name
  for name in nginx wrk; do
    if ! have "$name"; then missing+=("$name"); fi
  done
  if ! ((${#missing[@]})); then return; fi
  have apt-get || die "not installed: ${missing[*]}. Install them by hand: there is no apt-get here"
  if ((EUID != 0)); then
    have sudo || die "root is needed to install them: run as root 'apt-get install ${missing[*]}'"
    as_root=(sudo)
  fi
  say "installing with apt: ${missing[*]}"
  LOG=$(mktemp)
  forbid_services
  if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}"; } >"$LOG" 2>&1 </dev/null; then
    tail -n 25 "$LOG" >&2
    die "apt could not install them (its last lines are above)"
  fi
}

# `make setup` makes the environment anew when it changes: what is added here goes with it.
plotting() {
  if cmp -s "$PLOTTING" "$VENV/.installed-plotting"; then return; fi
  [[ -x $VENV/bin/pip ]] || die "there is no $VENV to install matplotlib into: run 'make setup' first"
  say "for plots: matplotlib (15 MB by pip) into $VENV"
  "$VENV/bin/pip" install -q --disable-pip-version-check --only-binary :all: --require-hashes -r "$PLOTTING" </dev/null || die "pip could not install $PLOTTING"
  cp "$PLOTTING" "$VENV/.installed-plotting"
}

packages
plotting
tools/bench_llama_server.sh >/dev/null
