#!/usr/bin/env bash
# bench_llama_server.sh: builds llama.cpp's own server for the benchmarks that compare with it. Outside of the tree and once: what is there
# already is left alone. Prints the program's path.
#
#   JOBS=1 tools/bench_llama_server.sh    compiles one file at a time (default: as many as there are cores)
#
# Both sides of such a benchmark have the same engine: the server is compiled from the source of the release that deps/llama/lib is of, and linked
# with copies of those very libraries. They bring the HTTP library too; the server's own files and those for images and sound are compiled here.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022

readonly LOCK=tools/deps.lock
readonly LIBRARIES=deps/llama/lib
readonly PEERS=${XDG_CACHE_HOME:-$HOME/.cache}/ebb/peers
readonly PLACE=$PEERS/llama-server
readonly INTEGRITY='import base64, hashlib, sys; print("sha512-" + base64.b64encode(hashlib.sha512(open(sys.argv[1], "rb").read()).digest()).decode())'
readonly JOBS=${JOBS:-$(nproc)}
WORK=

say() { printf 'bench: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
leave() { if [[ -n $WORK ]]; then rm -rf "$WORK"; fi; }
trap leave EXIT
trap 'exit 130' INT TERM

# The source archive, checked against the lock; it holds llama.cpp as a git bundle.
fetch_source() {
  local version integrity packed
  read -r version integrity < <(awk '$1 == "npm" && $2 == "node-llama-cpp" { print $3, $4 }' "$LOCK")
  say "llama-server: the source of the engine's release (36 MB by npm)"
  packed=$(cd "$WORK" && npm pack --silent "node-llama-cpp@$version" 2>npm.log </dev/null | tail -n 1) || true
  [[ -n $packed && -f $WORK/$packed ]] || { tail -n 10 "$WORK/npm.log" >&2; die "npm could not fetch node-llama-cpp@$version"; }
  [[ $integrity == "$(python3 -c "$INTEGRITY" "$WORK/$packed")" ]] || die "node-llama-cpp@$version is not what $LOCK says: refusing it"
  tar -xzf "$WORK/$packed" -C "$WORK" package/llama/gitRelease.bundle
  git clone -q "$WORK/package/llama/gitRelease.bundle" "$WORK/source" 2>"$WORK/git.log" ||
    { cat "$WORK/git.log" >&2; die "git could not read the source's bundle"; }
}

# Relative to the source. sha1.c is C++ in a namespace, by the project's own build.
sources() {
  (cd "$WORK/source" && printf '%s\n' tools/server/*.cpp tools/mtmd/{clip,mtmd,mtmd-audio,mtmd-image,mtmd-helper,mtmd-helper-gen}.cpp tools/mtmd/models/*.cpp \
    vendor/hash/hash.cpp vendor/hash/{xxhash/xxhash,sha1/sha1,sha256/sha256}.c)
}

# compile SOURCE: into WORK/objects. Images and sound never pass: their code is compiled quickly.
compile() {
  local optimise=-O3 language=c++
  case $1 in
    tools/mtmd/*) optimise=-O1 ;;
    */xxhash.c | */sha256.c) language=c ;;
  esac
  local -a standard=()
  if [[ $language == c++ ]]; then standard=(-std=c++17); fi
  (cd "$WORK/source" && "${CXX:-g++}" -x "$language" "${standard[@]}" "$optimise" -w -DNDEBUG -DGGML_SHARED -DGGML_BACKEND_SHARED -DLLAMA_SHARED \
    -DLLAMA_SUBPROCESS -I. -Iinclude -Iggml/include -Icommon -Ivendor -Ivendor/hash -Itools/server -Itools/mtmd -I"$WORK/ui" -c "$1" \
    -o "$WORK/objects/${1//\//.}.o")
}

build() {
  say "llama-server: compiling ($JOBS at a time; some minutes)"
  mkdir -p "$WORK/objects" "$WORK/ui" "$WORK/laid"
  # Without its web page: an empty list of files, as its own build has it then.
  sed -e 's/#cmakedefine.*//' -e 's/@N_ASSETS@/0/' "$WORK/source/tools/ui/ui.h.in" >"$WORK/ui/ui.h"
  sed -e 's/@N_ASSETS@/0/' -e 's/@USE_GZIP@/false/' -e '/@ASSET/d' "$WORK/source/tools/ui/ui.cpp.in" >"$WORK/source/tools/server/no-ui.cpp"
  export WORK CXX
  export -f compile
  # shellcheck disable=SC2016
  sources | xargs -d '\n' -n1 -P "$JOBS" bash -euc 'compile "$1"' compile || die "llama-server does not compile (the reason is above)"
  cp "$LIBRARIES"/*.so "$WORK/laid/"
  "${CXX:-g++}" -o "$WORK/laid/llama-server" "$WORK"/objects/*.o -L"$WORK/laid" -l:libllama-common.so -l:libllama.v0.5.0.so \
    -l:libggml.v0.5.0.so -l:libggml-base.so -pthread "-Wl,-rpath,\$ORIGIN" || die "llama-server does not link (the reason is above)"
  "$WORK/laid/llama-server" --version >"$WORK/version" 2>&1 || { cat "$WORK/version" >&2; die "llama-server was built, but does not start"; }
  cp "$WORK/source/LICENSE" "$WORK/laid/"
}

# What the built program stands for: this script, the release, and the libraries that it was linked with.
fingerprint() { { cat tools/bench_llama_server.sh; grep node-llama-cpp "$LOCK"; sha256sum "$LIBRARIES/libllama.v0.5.0.so"; } | sha256sum | cut -d' ' -f1; }

[[ -e $LIBRARIES/libllama.v0.5.0.so ]] || die "llama-server needs the prebuilt engine in $LIBRARIES: run 'make setup' (x86-64 only)"
if [[ ! -x $PLACE/llama-server || $(cat "$PLACE/.stamp" 2>/dev/null) != "$(fingerprint)" ]]; then
  mkdir -p "$PEERS"
  # Beside its destination, so that what is complete is renamed into place.
  WORK=$(mktemp -d "$PEERS/.partial.XXXXXX")
  fetch_source
  build
  fingerprint >"$WORK/laid/.stamp"
  rm -rf "$PLACE"
  mv "$WORK/laid" "$PLACE"
fi
echo "$PLACE/llama-server"
