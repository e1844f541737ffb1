#!/usr/bin/env python3
"""clang-tidy over src/ (not the tests), on all cores, remembering what was clean.

A file is checked again when it, a header of src/ that it reaches, .clang-tidy or its compile command changed. What was clean is remembered
outside the tree, so that a fresh clone on the same machine profits; nothing relies on it.

  tools/tidy.py BUILD_DIR [FILE…]
  EBB_TIDY_SECONDS   stop starting files after so long and say what is left (default 0: no limit)
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


def tidy_program() -> str:
    own = ROOT / "tests/.venv/bin/clang-tidy"
    return str(own) if own.exists() else ""


def reached(path: pathlib.Path, seen: dict[pathlib.Path, bytes]) -> None:
    """The file and every header of src/ that it includes, with their contents."""
    if path in seen or not path.is_file():
        return
    content = path.read_bytes()
    seen[path] = content
    for name in INCLUDE.findall(content.decode("utf-8", "replace")):
        reached(ROOT / "src" / name, seen)


def key_of(path: pathlib.Path, command: str, salt: bytes) -> str:
    files: dict[pathlib.Path, bytes] = {}
    reached(path, files)
    digest = hashlib.sha256(salt)
    digest.update(command.replace(str(ROOT), "").encode())
    for name in sorted(files):
        digest.update(str(name.relative_to(ROOT)).encode() + b"\0" + files[name] + b"\0")
    return digest.hexdigest()


def main() -> int:
    build = pathlib.Path(sys.argv[1]).resolve()
    only = {str((ROOT / name).resolve()) for name in sys.argv[2:]}
    program = tidy_program()
    if not program:
        print("tidy: clang-tidy is not there: run `make setup`", file=sys.stderr)
        return 1
    limit = float(os.environ.get("EBB_TIDY_SECONDS", "0"))
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "ebb" / "tidy"
    version = subprocess.run([program, "--version"], check=True, capture_output=True).stdout
    salt = version + (ROOT / ".clang-tidy").read_bytes()

    work = []
    known = 0
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if ROOT / "src" not in path.parents or path.name.endswith(("_test.cc", "_fuzz.cc")) or not path.is_file():
            continue
        if only and str(path) not in only:
            continue
        command = re.sub(r"-o \S+", "", entry.get("command", "")).replace(str(build), "BUILD")
        key = key_of(path, command, salt)
        if (cache / key).exists():
            known += 1
        else:
            work.append((path, key))
    # What was touched last is what its author waits for.
    work.sort(key=lambda item: item[0].stat().st_mtime, reverse=True)

    started = time.monotonic()

    def check(item: tuple[pathlib.Path, str]) -> tuple[str, str | None]:
        path, key = item
        name = str(path.relative_to(ROOT))
        if limit and time.monotonic() - started > limit:
            return name, None
        done = subprocess.run([program, "-p", str(build), "--quiet", "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-c99-extensions", str(path)],
                              cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            cache.mkdir(parents=True, exist_ok=True)
            (cache / key).touch()
            return name, ""
        return name, done.stdout.strip() or done.stderr.strip() or f"clang-tidy ended with {done.returncode}"

    left, bad = [], 0
    cores = len(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        for name, found in pool.map(check, work):
            if found is None:
                left.append(name)
            elif found:
                bad += 1
                print(found.replace(str(ROOT) + "/", ""))
    took = time.monotonic() - started
    print(f"tidy: {len(work) - len(left)} files checked in {took:.0f} s, {known} known to be clean, {bad} with findings"
          + (f", {len(left)} left for the next run" if left else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
