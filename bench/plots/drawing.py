"""Plots as pure functions of what was measured: wake(raw) and throughput(raw) give figures, svg(figure) the file."""
import io
import statistics

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

# Colours that colour-blind readers tell apart.
EBB, NGINX, WARNING, QUIET = "#0072B2", "#D55E00", "#B00020", "#555555"
PHASES = {"queue": "#F0E442", "start": EBB, "libraries": "#C6DBEF", "load": "#6BAED6", "context": "#3F6FA8", "prompt": "#009E73", "HTTP": "#222222",
          "generation": "#E6A5C9"}
ON_DARK = {"start", "context", "prompt", "HTTP"}
STYLE = {"font.family": "DejaVu Sans", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11,
         "svg.hashsalt": "ebb",  # the same data give the same file
         "svg.fonttype": "none"}


def svg(figure: Figure) -> bytes:
    written = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(written, format="svg", metadata={"Date": None, "Title": figure.get_suptitle()})
    return written.getvalue()


def where(raw: dict) -> str:
    machine = raw["machine"]
    return f"{machine['processor']}, {machine['processors']} processors, {machine['memory_gib']:.0f} GiB, {machine['kernel']}"


def condition(raw: dict) -> str:
    found, versions = raw["conditions"], raw["versions"]
    others = f"other processes took {found['foreign_share']:.1%} of the machine while it was measured, its host {found['steal_share']:.1%}"
    return f"{'VOID: ' if raw['void'] else ''}{others}; {versions['ebb']} ({versions.get('commit', 'no commit known')})"


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 'es' if what.endswith('s') else 's'}"


def headed(figure: Figure, title: str, lines: list[str], raw: dict) -> None:
    """Title, what it was measured on, and whether that counts; placed in inches, whatever the figure's height."""
    height = figure.get_figheight()
    figure.suptitle(title, x=0.03, y=1 - 0.15 / height, ha="left", va="top", fontsize=14, weight="bold")
    for number, line in enumerate([*lines, where(raw), condition(raw)]):
        bad = line.startswith("VOID")
        figure.text(0.03, 1 - (0.50 + 0.20 * number) / height, line, va="top", fontsize=9, color=WARNING if bad else QUIET,
                    weight="bold" if bad else "normal")


# --- the timeline of one wake ---

ROWS = {"absent": "Ebb, absent", "parked": "Ebb, parked", "bare": "bare process"}
WHAT_PHASES_ARE = """Ebb: queue, start and prompt are its Server-Timing; HTTP is what the client waited besides for the first text, generation what it waited
from the first text to the last. Bare process: what bench/bare_llama.cc says of itself; it has the prompt in tokens, and needs no text."""


def typical(runs: list[dict]) -> dict:
    """The run of the median time to the first token, so that its phases add up."""
    return sorted(runs, key=lambda run: run["first_ms"])[(len(runs) - 1) // 2]


def quartiles(values: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return cuts[0], cuts[2]


def bar(axes, row: int, phases: dict[str, float], whole: float) -> None:
    left = 0.0
    for name, took in phases.items():
        axes.barh(row, took, left=left, height=0.46, color=PHASES[name])
        if took > whole * 0.035:
            text = f"{name}\n{took:.0f}" if took > whole * 0.09 else f"{took:.0f}"
            axes.text(left + took / 2, row, text, ha="center", va="center", fontsize=9, color="white" if name in ON_DARK else "black")
        left += took


def row_of(axes, row: int, runs: list[dict], whole: float) -> None:
    run = typical(runs)
    first, phases = run["first_ms"], run["phases_ms"]
    bar(axes, row, phases, whole)
    axes.plot([first, first], [row - 0.23, row - 0.33], color="black", linewidth=1.2)
    low, high = quartiles([each["first_ms"] for each in runs])
    axes.plot([low, high], [row - 0.33, row - 0.33], color="black", linewidth=2.5, solid_capstyle="butt")
    axes.text(first, row - 0.38, f"first token {first:.1f} ms", ha="center" if first > whole / 10 else "left", va="bottom", weight="bold")
    told = " · ".join(f"{name} {took:.1f}" for name, took in phases.items())
    axes.text(whole * 0.005, row + 0.27, f"{told} ms", ha="left", va="top", fontsize=8.5, color=QUIET)


def wake(raw: dict) -> Figure:
    runs, tokens = raw["runs"], raw["answer_tokens"]
    whole = max(sum(typical(runs[name])["phases_ms"].values()) for name in ROWS)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, 6.2))
        headed(figure, "One wake, phase by phase: Ebb beside a bare process", [
            f"{raw['model']}, a new prompt of {raw['prompt_tokens']} tokens and {tokens} tokens of answer, weights in the page cache; bare process: "
            f"{counted(raw['bare_threads'], 'thread')}",
            f"drawn: the run of median time to the first token among {counted(len(runs['bare']), 'run')} of each, alternating; "
            "thick black line: the middle half of the runs",
        ], raw)
        axes = figure.add_axes((0.125, 0.255, 0.845, 0.535))
        for row, name in enumerate(ROWS):
            row_of(axes, row, runs[name], whole)
        axes.set(xlim=(0, whole * 1.02), ylim=(len(ROWS) - 0.45, -0.62), xlabel="milliseconds since the request was sent (bare process: since exec)")
        axes.set_yticks(range(len(ROWS)), ROWS.values(), weight="bold")
        axes.tick_params(axis="y", length=0)
        handles = [matplotlib.patches.Patch(color=colour, label=name) for name, colour in PHASES.items()]
        figure.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.085), ncols=len(PHASES), frameon=False, fontsize=9, handlelength=1.2,
                      columnspacing=1.3)
        figure.text(0.03, 0.085, WHAT_PHASES_ARE, va="top", fontsize=8.5, color=QUIET)
    return figure


# --- requests a second over concurrency ---

KINDS = {"function": ("A function that does nothing, proxied", 1.2), "chat": ("A chat of one token from the echo engine", 1.0)}


def rates(points: list[dict]) -> tuple[list[int], list[list[float]]]:
    return [point["connections"] for point in points], [[run["per_second"] for run in point["runs"]] for point in points]


def curve(axes, points: list[dict], colour: str, marker: str, label: str) -> None:
    levels, found = rates(points)
    axes.fill_between(levels, [min(each) for each in found], [max(each) for each in found], color=colour, alpha=0.18, linewidth=0)
    axes.plot(levels, [statistics.median(each) for each in found], color=colour, marker=marker, linewidth=2, markersize=5, label=label)


def shares(ours: list[dict], theirs: list[dict]) -> list[float]:
    return [statistics.median(mine) / statistics.median(other) for mine, other in zip(rates(ours)[1], rates(theirs)[1])]


def ratio(axes, levels: list[int], found: list[float], must: float) -> None:
    axes.plot(levels, found, color=EBB, marker="o", linewidth=2, markersize=5)
    axes.axhline(must, color=QUIET, linestyle="--", linewidth=1)
    axes.set_title(f"dashed: what must be reached with 64 connections, {must:.1f}", loc="right", fontsize=8.5, color=QUIET)
    for level, share in zip(levels, found):
        axes.annotate(f"{share:.2f}", (level, share), (0, 6), textcoords="offset points", ha="center", va="bottom", fontsize=8.5, color=EBB)


def panel(above, below, raw: dict, kind: str) -> None:
    title, must = KINDS[kind]
    ours, theirs, processes = raw["points"][f"{kind}.ebb"], raw["points"][f"{kind}.nginx"], raw["nginx_workers"][kind]
    levels = rates(ours)[0]
    curve(above, theirs, NGINX, "s", f"nginx ({counted(processes, 'process')}) before the program")
    curve(above, ours, EBB, "o", "Ebb, metered and billed")
    above.set_title(title)
    above.legend(loc="upper left", frameon=False, fontsize=9)
    ratio(below, levels, shares(ours, theirs), must)
    below.set_xlabel("kept connections, each with one request at a time")
    below.set_xscale("log", base=2)
    below.set_xticks(levels, map(str, levels))
    below.xaxis.set_minor_locator(NullLocator())
    for axes in (above, below):
        axes.grid(axis="y", color="#DDDDDD", linewidth=0.7)
        axes.set_axisbelow(True)


def throughput(raw: dict) -> Figure:
    points, runs = raw["points"], len(raw["points"]["chat.ebb"][0]["runs"])
    most = max(run["per_second"] for side in points.values() for point in side for run in point["runs"])
    best = max([must for _, must in KINDS.values()] + [share for kind in KINDS for share in shares(points[f"{kind}.ebb"], points[f"{kind}.nginx"])])
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 7.4))
        headed(figure, "Requests a second over concurrency: Ebb against nginx's proxy_pass", [
            f"client, proxy and program share the machine; median of {counted(runs, 'run')} of {raw['seconds_each']} s each, sides alternate; "
            "shaded: from the least to the most"], raw)
        place = {"height_ratios": (2.2, 1), "left": 0.085, "right": 0.975, "top": 0.81, "bottom": 0.075, "hspace": 0.2, "wspace": 0.07}
        panels = figure.subplots(2, 2, sharex=True, sharey="row", gridspec_kw=place)
        for column, kind in enumerate(KINDS):
            panel(*panels[:, column], raw, kind)
        panels[0, 0].set(ylabel="requests a second", ylim=(0, most * 1.2))  # room for the legend
        panels[0, 0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        panels[1, 0].set(ylabel="Ebb ÷ nginx", ylim=(0, best * 1.2))
    return figure
