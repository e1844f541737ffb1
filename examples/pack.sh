#!/usr/bin/env bash
# Packs a folder on top of Debian's Python as a container image, without a container daemon:
#
#   bash examples/pack.sh OUT.oci.tar FOLDER /PATH/INSIDE [OPTION OF 'umoci config'…]
#
# For images that need no more than files; docker build and buildah make the same of a Dockerfile, `docker save` writes what `ebb deploy --image` takes.
set -euo pipefail

if (($# < 3)); then sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
out=$1 folder=$2 inside=$3
shift 3

root=$(cd "$(dirname "$0")/.." && pwd)
"$root/tools/python_root.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rootless=()
if ((EUID != 0)); then rootless=(--rootless); fi

skopeo copy --quiet "oci-archive:$root/deps/images/python.oci.tar:python" "oci:$work/layout:function"
umoci insert "${rootless[@]}" --image "$work/layout:function" "$folder" "$inside"
umoci config --image "$work/layout:function" "$@"
skopeo copy --quiet "oci:$work/layout:function" "oci-archive:$work/image.tar:function"
mv "$work/image.tar" "$out"
echo "$out is an image"
