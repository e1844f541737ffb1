#!/usr/bin/env bash
# Makes the base image of the examples' and tests' functions in Python: Debian 12's python3 with its whole standard library, the C++ library that many
# packages need, and busybox as /bin/sh.
#
#   tools/python_root.sh              deps/images/python.oci.tar, with the tag 'python'; nothing if it is there
#   tools/python_root.sh other.tar    another file
#
# Only packages of Debian are used, and no container daemon: mmdebstrap extracts them, umoci packs them. Works as root, and for a user who may make user
# namespaces. Takes some 15 s and 13 MB from a mirror.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022

readonly SUITE=bookworm
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
readonly TO=${1:-deps/images/python.oci.tar}
WORK=

die() { printf 'python_root: %s\n' "$*" >&2; exit 1; }
leave() { if [[ -n $WORK ]]; then rm -rf "$WORK"; fi; }
trap leave EXIT
trap 'exit 130' INT TERM

# The machine's own mirror of Debian where it has one.
mirror() {
  local found
  # shellcheck disable=SC2016
  found=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | awk '$1 ~ /^(bookworm|trixie)$/ { print $2; exit }') || true
  echo "${found:-http://deb.debian.org/debian}"
}

check_machine() {
  local tool
  for tool in mmdebstrap umoci skopeo apt-get; do
    command -v "$tool" >/dev/null || die "'$tool' is not installed: the image is made of Debian's packages by mmdebstrap and packed by umoci and skopeo"
  done
  [[ -e $KEYRING ]] || die "$KEYRING is not there: install debian-archive-keyring, Debian's packages are checked against it"
  if ((EUID != 0)) && ! { grep -q "^$(id -un):" /etc/subuid && command -v newuidmap && unshare --user true; } >/dev/null 2>&1; then
    die "run it as root: this user has no user namespaces with ids of their own (a line in /etc/subuid and /etc/subgid, and the package uidmap), and mmdebstrap needs one of both"
  fi
}

# In the image's root, before it is packed: what extracting alone does not do, and what a function never needs.
finish_root() {
  cat <<'SH'
set -e
cd "$1"
rm -rf usr/share/doc usr/share/man usr/share/info usr/share/locale usr/share/lintian usr/share/perl5 usr/share/debconf usr/share/bug usr/lib/valgrind
rm -rf usr/bin/dpkg* usr/bin/update-alternatives usr/share/dpkg
chroot . /bin/busybox --install -s
rm -f linuxrc
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n' >etc/passwd
printf 'root:x:0:\nnogroup:x:65534:\n' >etc/group
# The root is read-only when it runs: what is not compiled here is compiled at every start.
chroot . /usr/bin/python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /usr/lib/python3.11 /usr/lib/python3
SH
}

make_root() {
  local log=$WORK/mmdebstrap.log
  finish_root >"$WORK/finish"
  chmod 755 "$WORK" "$WORK/finish"
  # Of a fixed day, so that the same packages give the same layer.
  export SOURCE_DATE_EPOCH=1700000000
  mmdebstrap --quiet --variant=extract --include=base-files,python3,busybox-static,libstdc++6 --components=main --aptopt='Acquire::Languages "none"' \
    --keyring="$KEYRING" --extract-hook="$WORK/finish" --format=tar "$SUITE" "$WORK/root.tar" "$(mirror)" >"$log" 2>&1 </dev/null ||
    { tail -n 10 "$log" >&2; die "mmdebstrap could not bring Debian's packages (its last lines are above): is the network up?"; }
}

pack() {
  local layout=$WORK/layout image
  image=$layout:python
  {
    umoci init --layout "$layout"
    umoci new --image "$image"
    umoci raw add-layer --image "$image" --history.created=2023-11-14T22:13:20Z --history.created_by=tools/python_root.sh "$WORK/root.tar"
    umoci config --image "$image" --created=2023-11-14T22:13:20Z --no-history --config.env PATH=/usr/local/bin:/usr/bin:/bin --config.env PYTHONUNBUFFERED=1 \
      --config.env LANG=C.UTF-8 --config.cmd python3
    umoci gc --layout "$layout"
    skopeo copy --quiet "oci:$image" "oci-archive:$WORK/image.tar:python"
  } >"$WORK/pack.log" 2>&1 </dev/null || { tail -n 10 "$WORK/pack.log" >&2; die "umoci could not pack the image (its last lines are above)"; }
}

main() {
  if [[ -f $TO && $TO -nt tools/python_root.sh ]]; then return; fi
  check_machine
  mkdir -p "$(dirname "$TO")"
  WORK=$(mktemp -d "$(realpath "$(dirname "$TO")")/.partial.XXXXXX")
  make_root
  pack
  mv "$WORK/image.tar" "$TO"
}

main
