#!/usr/bin/env python3
"""What it would bring to lay weights out anew for the processor, by kind of quantization: a bare program with and without it

The library does so in memory of its own when it loads a model. Ebb's workers do not: their weights are the file's pages, one copy for all. The models have
random weights (measure/random_model.py), on which speed does not depend. Runs alternate.
"""
import json
import os
import statistics
import subprocess

from measure import finish
from measure.conditions import Conditions, void
from measure.llama import BARE
from measure.random_model import EVEN, KINDS, random_model
from measure.versions import versions

RUNS, PROMPT, ANSWER = int(os.environ.get("RUNS", "5")), 128, 32


def bare(path: str, repack: int) -> dict:
    threads = len(os.sched_getaffinity(0))
    told = subprocess.run([BARE, path, "--threads", str(threads), "--prompt-tokens", str(PROMPT), "--generate", str(ANSWER), "--repack", str(repack)],
                          capture_output=True, text=True, check=True).stdout
    return json.loads(told)


def main() -> None:
    raw, figures, lines = {}, {}, []
    with Conditions() as conditions:
        for kind in KINDS:
            path = random_model(EVEN, kind)
            runs = [(bare(path, 0), bare(path, 1)) for _ in range(RUNS)]
            raw[kind] = runs
            stored, anew = ({key: statistics.median(run[which][key] for run in runs) for key in runs[0][which]} for which in (0, 1))
            prompt, answer = stored["prompt_ms"] / anew["prompt_ms"], anew["tokens_per_s"] / stored["tokens_per_s"]
            figures |= {f"repack.{kind}.prompt": prompt, f"repack.{kind}.generate": answer}
            lines.append(f"{kind}, laid out anew: loads in {anew['load_ms']:.0f} ms instead of {stored['load_ms']:.0f}, "
                         f"holds {anew['anonymous_mib']:.0f} MiB of its own instead of {stored['anonymous_mib']:.0f}")
    finish("repack", figures, {"runs": raw, "conditions": conditions, "versions": versions()}, [
        *lines, *void(conditions),
        *(f"{name}: {figure:.2f} of the speed as stored (information only)" for name, figure in figures.items()),
    ])


if __name__ == "__main__":
    main()
