#!/usr/bin/env bash
# The image of the Dockerfile beside it, without a container daemon: bash examples/cloudrun/build.sh [OUT.oci.tar]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/main.py" "$work/"
bash "$here/../pack.sh" "${1:-tables.oci.tar}" "$work" /app --config.workingdir /app --config.cmd python3 --config.cmd main.py
