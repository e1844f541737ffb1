#!/usr/bin/env python3
"""Sums up the reports that tools/test.sh left in a folder, as 'N passed, N failed, N skipped'.

A GoogleTest program counts by its cases; when it has no report (it crashed) or failed after its cases (a leak), it counts as one
failure. Exits 1 if something failed or nothing ran.
"""
import pathlib
import sys
import xml.etree.ElementTree as xml


def cases(path: pathlib.Path) -> tuple[int, int, int]:
    passed = failed = skipped = 0
    for case in xml.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            failed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled") or case.get("result") in ("skipped", "suppressed"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    total = [0, 0, 0]

    def add(counts: tuple[int, int, int]) -> None:
        for i, count in enumerate(counts):
            total[i] += count

    for report in sorted(folder.glob("*-ctest.xml")):
        gtest = folder / report.name.replace("-ctest.xml", "-gtest")
        for case in xml.parse(report).iter("testcase"):
            own = gtest / f"{case.get('name')}_test.xml"
            bad = case.find("failure") is not None or case.get("status") == "fail"
            if not own.exists():
                add((0, 1, 0) if bad else (1, 0, 0))
                continue
            counts = cases(own)
            add(counts)
            if bad and not counts[1]:
                add((0, 1, 0))
    for report in sorted(folder.glob("*-e2e.xml")):
        add(cases(report))
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
