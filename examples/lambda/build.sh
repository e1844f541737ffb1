#!/usr/bin/env bash
# The image of the Dockerfile beside it, without a container daemon: bash examples/lambda/build.sh [OUT.oci.tar]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$here/app.py" "$work/"
"$here/../../tests/.venv/bin/pip" install --quiet --disable-pip-version-check --target "$work" --only-binary :all: --python-version 3.11 --implementation cp \
  --platform manylinux2014_x86_64 -r "$here/requirements.txt"
bash "$here/../pack.sh" "${1:-redact.oci.tar}" "$work" /function --config.workingdir /function \
  --config.entrypoint python3 --config.entrypoint -m --config.entrypoint awslambdaric --config.cmd app.handler
