"""Measures and draws: wake and throughput, or the one that is named. REDRAW=1 draws what was measured before."""
import importlib
import json
import os
import pathlib
import sys

from plots import curves, drawing

OUT = pathlib.Path(__file__).resolve().parents[1] / "out"
PLOTS = {"wake": drawing.wake, "throughput": drawing.throughput, "policies": curves.policies}
UNASKED = ("wake", "throughput")  # the other needs traces


def draw(name: str) -> None:
    data = OUT / f"{name}.json"
    if not data.exists():
        sys.exit(f"bench: nothing was measured for the plot '{name}' yet: there is no bench/out/{data.name} (without REDRAW=1 it is measured)")
    (OUT / f"{name}.svg").write_bytes(drawing.svg(PLOTS[name](json.loads(data.read_text())["raw"])))
    print(f"{name}: drawn in bench/out/{name}.svg")


def main(names: list[str]) -> None:
    if unknown := set(names) - PLOTS.keys():
        sys.exit(f"bench: there is no plot '{unknown.pop()}', only {', '.join(PLOTS)}")
    for name in names or UNASKED:
        if not os.environ.get("REDRAW"):
            importlib.import_module(f"plots.{name}").measure()
        draw(name)


if __name__ == "__main__":
    main(sys.argv[1:])
