"""policies(raw): cold starts over what is held, a row for each trace, as a pure function of what bench/plots/policies.py found."""
import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from plots.drawing import EBB, STYLE

LOOKS = {"fixed": ("fixed times, 1 min to 4 h", "#B8860B", "s", "-"), "knative": ("Knative's autoscaler, window 6 s to 1 h", "#009E73", "^", "-"),
         "recent": ("under a limit: least recently used first", "#CC79A7", "v", "--"), "kept": ("under the same limit: Ebb, who is worth least first", EBB, "o", "--"),
         "ebb": ("Ebb, a wait worth 0.1 to 10 times as much", EBB, "o", "-")}
AMOUNTS = (("idle memory, GiB-hours", lambda one: one["idle_gib_hours"]), ("instance-hours", lambda one: one["instance_seconds"] / 3600))


def panel(axes, curves: dict[str, list[dict]], amount) -> None:
    for name, (label, colour, marker, line) in LOOKS.items():
        points = sorted((amount(one), one["cold_starts"]) for one in curves[name])
        axes.plot(*zip(*points), color=colour, marker=marker, linestyle=line, linewidth=1.6, markersize=4, label=label)
    itself = next(one for one in curves["ebb"] if one["asked"] == "ebb:1")
    axes.plot([amount(itself)], [itself["cold_starts"]], color=EBB, marker="o", markersize=9, fillstyle="none", label="Ebb as it is")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    axes.grid(color="#DDDDDD", linewidth=0.6)


def policies(raw: dict) -> Figure:
    traces = raw["traces"]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, 1.3 + 3.1 * len(traces)), layout="constrained")
        grid = figure.subplots(len(traces), len(AMOUNTS), squeeze=False, sharey="row")
        for row, trace in zip(grid, traces):
            for axes, (title, amount) in zip(row, AMOUNTS):
                panel(axes, trace["curves"], amount)
                axes.set_xlabel(title)
            row[0].set_ylabel("cold starts")
            row[0].set_title(trace["name"], loc="left", weight="bold")
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
        figure.suptitle("Cold starts over what is held: further down and further left is better")
    return figure
