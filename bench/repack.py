#!/usr/bin/env python3
"""What laying weights out anew for the processor brings, by kind of quantization: Ebb, and a bare program with the library's own layouts, beside the bare program
with the weights as they are stored

The library lays them out in memory of its own when it loads a model, Ebb once, when a model is added. The models have random weights
(measure/random_model.py), on which speed does not depend. Runs alternate.
"""
import json
import os
import pathlib
import random
import statistics
import subprocess

from measure import Platform, finish
from measure.conditions import Conditions, void
from measure.llama import BARE
from measure.random_model import EVEN, KINDS, random_model
from measure.streams import completed, new_prompt
from measure.versions import versions

RUNS, PROMPT, ANSWER = int(os.environ.get("RUNS", "5")), 128, 64


def bare(path: pathlib.Path, repack: int) -> dict:
    threads = len(os.sched_getaffinity(0))
    told = subprocess.run([BARE, path, "--threads", str(threads), "--prompt-tokens", str(PROMPT), "--generate", str(ANSWER), "--repack", str(repack)],
                          capture_output=True, text=True, check=True).stdout
    return json.loads(told)


def of_ebb(server, name: str, chance: random.Random) -> dict:
    call = completed(server.port, new_prompt(chance, PROMPT), ANSWER, model=name)
    return {"prompt_ms": call["first_ms"], "tokens_per_s": (ANSWER - 1) / (call["last_ms"] - call["first_ms"]) * 1000}


def medians(runs: list[dict]) -> dict[str, float]:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def main() -> None:
    raw, figures, lines = {}, {}, []
    chance = random.Random(1)
    with Platform() as server, Conditions() as conditions:
        for kind in KINDS:
            path, name = random_model(EVEN, kind), kind.lower().replace("_", "-")
            server.ebb("model", "add", name, str(path))
            server.deploy(name, model=f"{name}@1", context=512, scaling={"max": 1, "idle": "10m"})
            of_ebb(server, name, chance)  # its start
            runs = [{"stored": bare(path, 0), "library": bare(path, 1), "ebb": of_ebb(server, name, chance)} for _ in range(RUNS)]
            server.ebb("rm", name)
            raw[kind] = runs
            stored, library, ebb = (medians([run[who] for run in runs]) for who in ("stored", "library", "ebb"))
            figures |= {f"repack.{kind}.prompt": stored["prompt_ms"] / ebb["prompt_ms"], f"repack.{kind}.generate": ebb["tokens_per_s"] / stored["tokens_per_s"]}
            lines.append(f"{kind}: by the library's layout a bare program has {stored['prompt_ms'] / library['prompt_ms']:.2f} and "
                         f"{library['tokens_per_s'] / stored['tokens_per_s']:.2f} of the speed as stored, loads in {library['load_ms']:.0f} ms instead of "
                         f"{stored['load_ms']:.0f}, holds {library['anonymous_mib']:.0f} MiB of its own instead of {stored['anonymous_mib']:.0f}")
    finish("repack", figures, {"runs": raw, "conditions": conditions, "versions": versions()}, [
        *lines, *void(conditions),
        *(f"{name}: {figure:.2f} of the speed as stored (information only)" for name, figure in figures.items()),
    ])


if __name__ == "__main__":
    main()
