#!/usr/bin/env python3
"""Holds the layers of ARCHITECTURE.md file by file, which the configure step can only hold module by module.

For every C++ file of src/: what it includes must stand in its module's closure of declared modules; Asio and Beast only
in src/io; *_policy.* only base, domain, the standard library and fmt; a first comment that says what the file is for; SQL is never
put together from strings. For every tracked file: no path of one person's machine, no mark of unfinished work.
Files past 350 lines are named, not refused.

  tools/check_layers.py          checks the repository
  tools/check_layers.py --self   checks the checks: each rule must catch a planted offence
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES_MAX = 350

MODULE = re.compile(r"^ebb_module\(\s*(\w+)\s+RANK\s+(\d+)([^)]*)\)", re.MULTILINE)
KEYWORDS = {"MODULES", "LIBS", "TEST_MODULES", "TEST_LIBS"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
NETWORK = re.compile(r"^boost/(asio|beast|cobalt)(/|\.hpp)")
# Libraries that one module stands for: nobody else sees their headers.
ONLY_IN = {re.compile(r"^(llama|ggml|gguf)[\w-]*\.h$"): "engine_llama", re.compile(r"^sqlite3(ext)?\.h$"): "store"}
SQL = r"(?i:\b(?:select|insert|update|delete|replace|create|drop|alter|pragma)\b)"
# A statement's text followed by +, or handed to fmt with a hole in it, or built by append.
STRING_BUILT_SQL = [
    re.compile(r'"\s*' + SQL + r'[^"\n]*"\s*\+'),
    re.compile(r'\b(?:sql|query|statement)\w*\s*\+=|\b(?:exec|prepare)\w*\([^;\n]*"\s*\+'),
    re.compile(r"\bsqlite3_v?mprintf\b|\bsqlite3_v?snprintf\b"),
]
# fmt::format("SELECT {} …", kColumns) is a constant; a pragma cannot bind its value.
FORMATTED_SQL = re.compile(r'fmt::format\(\s*"\s*(?!PRAGMA user_version)' + SQL + r'[^"\n]*\{[^"\n]*"((?:[^()]|\([^()]*\))*)\)')
CONSTANT = re.compile(r"\s*(?:k[A-Z]\w*|marks\([^()]*\))\s*")
# /home/site is where Azure's images have their apps.
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:work|home/(?!site/)\w+|Users/\w+|root|opt/wheels)/(?:main|shared|\w*/)?")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
# Files that name these words to forbid them, or are other people's texts.
NOT_PROSE = {"tools/check_layers.py", "LICENSE"}


def declared_modules(text: str) -> dict[str, set[str]]:
    """Module -> every module that it may include, itself among them."""
    direct, tests = {}, {}
    for name, _rank, rest in MODULE.findall(text):
        words, lists, key = rest.split(), {}, None
        for word in words:
            if word in KEYWORDS:
                key = word
            elif key:
                lists.setdefault(key, []).append(word)
        direct[name] = set(lists.get("MODULES", []))
        tests[name] = set(lists.get("TEST_MODULES", []))

    def closure(name: str) -> set[str]:
        seen, todo = set(), [name]
        while todo:
            module = todo.pop()
            if module not in seen:
                seen.add(module)
                todo += direct.get(module, ())
        return seen

    allowed = {name: closure(name) for name in direct}
    for name, extra in tests.items():
        allowed[name + "_test"] = allowed[name].union(*(closure(m) for m in extra)) if extra else allowed[name]
    return allowed


def check_source(path: str, text: str, allowed: dict[str, set[str]]) -> list[str]:
    """What is wrong with one file of src/ (path is relative to the repository)."""
    found = []
    parts = path.split("/")
    module, name = parts[1], parts[-1]
    is_test = name.endswith(("_test.cc", "_bench.cc", "_fuzz.cc", "_for_test.h"))
    if module not in allowed:
        return [f"{path}:1: the folder '{module}' is no module: declare it in src/CMakeLists.txt"]
    may = allowed[module + "_test"] if is_test else allowed[module]
    if name.startswith("main"):  # a program may stand on more than its folder's module: src/CMakeLists.txt says on what
        may = set(allowed)
    policy = re.search(r"_policy(_test)?\.", name)

    if not text.lstrip().startswith(("//", "/*")):
        found.append(f"{path}:1: the first line must be a comment that says what the file is for")
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        kind, target = match.groups()
        first = target.split("/")[0]
        if NETWORK.match(target) and module != "io":
            found.append(f"{path}:{line}: <{target}>: Asio and Beast only in src/io; include io/asio.h or io/beast.h")
        for header, owner in ONLY_IN.items():
            if header.match(target) and module != owner:
                found.append(f"{path}:{line}: <{target}> only in src/{owner}")
        if kind == '"' and first in allowed and first not in may:
            found.append(f"{path}:{line}: module '{module}' may not include \"{target}\": it may use {', '.join(sorted(may - {module}))}")
        if kind == '"' and "/" not in target:
            found.append(f"{path}:{line}: write \"{module}/{target}\": includes start at src/")
        if policy and not is_test:
            # fmt makes text of values and does nothing else.
            outside = first not in ("base", "domain", module) if kind == '"' else first != "fmt" and ("/" in target or target.endswith(".h"))
            if outside and not (kind == '"' and target == f"{module}/{name.rsplit('.', 1)[0]}.h"):
                found.append(f"{path}:{line}: a policy includes only base, domain and the standard library, not {target}")
            elif kind == '"' and first == module and "_policy" not in target:
                found.append(f"{path}:{line}: a policy includes only base, domain and other policies, not {target}")
    if not is_test and module in ("store", "ledger", "registry"):
        built = [match for pattern in STRING_BUILT_SQL for match in pattern.finditer(text)]
        built += [match for match in FORMATTED_SQL.finditer(text) if not all(map(CONSTANT.fullmatch, match.group(1).split(",")[1:]))]
        for match in built:
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: SQL put together from strings: bind the values")
    return found


def check_text(path: str, text: str) -> list[str]:
    if path in NOT_PROSE:
        return []
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if match := MACHINE_PATH.search(line):
            found.append(f"{path}:{number}: '{match.group(0)}' is a path of one machine")
        if match := UNFINISHED.search(line):
            found.append(f"{path}:{number}: '{match.group(0)}': finish it or file it")
    return found


def tracked() -> list[str]:
    """Tracked files and new ones that are not ignored."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    return sorted(name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file())


def self_check() -> int:
    allowed = declared_modules(
        "ebb_module(base RANK 0)\nebb_module(domain RANK 1 MODULES base)\nebb_module(io RANK 1 MODULES base)\n"
        "ebb_module(store RANK 2 MODULES base domain io LIBS x)\nebb_module(control RANK 5 MODULES domain TEST_MODULES store)\n")
    ok = "// What it is for.\n"
    rows = [
        ("src/control/a.cc", ok + '#include "base/x.h"\n#include <vector>\n', 0),  # through domain
        ("src/control/a.cc", ok + '#include "store/x.h"\n', 1),
        ("src/control/a_test.cc", ok + '#include "store/x.h"\n', 0),
        ("src/control/a.cc", '#include "base/x.h"\n', 1),
        ("src/control/a.cc", ok + '#include "a.h"\n', 1),
        ("src/control/a.cc", ok + "#include <boost/asio.hpp>\n", 1),
        ("src/io/asio.h", ok + "#include <boost/beast/core.hpp>\n", 0),
        ("src/control/a_policy.cc", ok + '#include "control/a_policy.h"\n#include "base/x.h"\n#include <map>\n', 0),
        ("src/control/a_policy.cc", ok + '#include "control/core.h"\n', 1),
        ("src/control/a_policy.cc", ok + "#include <unistd.h>\n#include <fmt/format.h>\n", 1),
        ("src/store/a.cc", ok + 'db.exec("DELETE FROM t WHERE n = " + name);\n', 2),
        ("src/store/a.cc", ok + 'db.exec(fmt::format("SELECT * FROM {}", name));\n', 1),
        ("src/store/a.cc", ok + 'fmt::format("SELECT {} FROM t", kColumns);\n', 0),
        ("src/store/a.cc", ok + "#include <sqlite3.h>\n", 0),
        ("src/control/a.cc", ok + "#include <sqlite3.h>\n#include <llama.h>\n", 2),
        ("src/store/a.cc", ok + 'db.prepare("SELECT a FROM t WHERE n = ?1");\n', 0),
        ("src/nowhere/a.cc", ok, 1),
    ]
    wrong = 0
    for path, text, expected in rows:
        found = check_source(path, text, allowed)
        if len(found) != expected:
            wrong += 1
            print(f"self-check: {path} {text!r}: expected {expected} findings, got {found}", file=sys.stderr)
    for line, expected in [("see /ho" "me/me/x", 1), ("// TO" "DO: later", 1), ("/usr/share/x", 0), ("$HOME/root/x", 0)]:
        if len(check_text("a", line)) != expected:
            wrong += 1
            print(f"self-check: {line!r}: expected {expected}", file=sys.stderr)
    return 1 if wrong else 0


def main() -> int:
    if self_check():
        return 1
    if "--self" in sys.argv[1:]:
        print("layers: the checks catch what they should")
        return 0
    allowed = declared_modules((ROOT / "src/CMakeLists.txt").read_text())
    found, long_files, checked = [], [], 0
    for path in tracked():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # corpora of the fuzzers and pictures
        if not path.startswith("tests/fuzz/"):
            found += check_text(path, text)
        if path.startswith("src/") and path.endswith((".cc", ".h")):
            checked += 1
            found += check_source(path, text, allowed)
            lines = text.count("\n")
            if lines > LINES_MAX:
                long_files.append(f"{path} ({lines})")
    for line in found:
        print(line)
    if long_files:
        print(f"layers: past {LINES_MAX} lines, look for the second thing in it: {', '.join(long_files)}")
    print(f"layers: {checked} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
