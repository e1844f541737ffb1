#!/usr/bin/env bash
# `make lint`: format, layers, headers that compile alone, clang-tidy, shell and Python syntax, JSON and YAML.
# Runs all of them, then says which failed. EBB_LINT="format layers" picks some.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly VENV=tests/.venv
readonly BUILD=build/lint  # where each file is compiled alone; only its headers are ever built
[[ -x $VENV/bin/clang-format ]] || { echo "lint: run 'make setup' first" >&2; exit 1; }

# Tracked files and new ones that are not ignored, that match the patterns.
files() { git ls-files -z --cached --others --exclude-standard -- "$@" | while IFS= read -r -d '' f; do if [[ -f $f ]]; then printf '%s\0' "$f"; fi; done; }

# One pinned clang-format, so that every machine agrees.
lint_format() {
  local off
  off=$(files '*.cc' '*.h' | xargs -0 -r "$VENV/bin/clang-format" --dry-run 2>&1 | sed -nE 's/^([^ :]+):[0-9]+:[0-9]+: warning: .*/\1/p' | sort -u)
  if [[ -z $off ]]; then return; fi
  echo "lint: not formatted; to do it: $VENV/bin/clang-format -i" $off
  return 1
}
lint_layers() { python3 tools/check_layers.py; }
lint_shell() {
  files '*.sh' .ci/run | xargs -0 -r -n1 bash -n
  if command -v shellcheck >/dev/null; then
    files '*.sh' .ci/run | xargs -0 -r shellcheck --severity=warning
  else
    echo "lint: shellcheck is not installed: shell scripts were only parsed"
  fi
}
lint_python() {
  files '*.py' | xargs -0 -r python3 -c '
import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name, encoding="utf-8").read(), name)'
}
lint_data() {
  files '*.json' '*.yaml' '*.yml' | xargs -0 -r "$VENV/bin/python" -c '
import json, sys, yaml
bad = 0
for name in sys.argv[1:]:
    try:
        with open(name, encoding="utf-8") as f:
            json.load(f) if name.endswith(".json") else list(yaml.safe_load_all(f))
    except (ValueError, yaml.YAMLError) as error:
        bad = 1
        print(f"{name}: {error}")
sys.exit(bad)'
}
configured() { [[ -f $BUILD/build.ninja ]] || cmake --preset lint >/dev/null; }
lint_headers() { configured && tools/ninja.sh "$BUILD" headers; }
lint_tidy() { configured && tools/ninja.sh "$BUILD" ebb_wire_proto ebb_inference_proto && python3 tools/tidy.py "$BUILD"; }

failed=()
for check in ${EBB_LINT:-format layers shell python data headers tidy}; do
  begun=$SECONDS
  if "lint_$check"; then
    printf 'lint: %-8s ok    %3d s\n' "$check" $((SECONDS - begun))
  else
    printf 'lint: %-8s FAILED %2d s\n' "$check" $((SECONDS - begun))
    failed+=("$check")
  fi
done
if ((${#failed[@]})); then
  echo "lint: failed: ${failed[*]}" >&2
  exit 1
fi
