"""What benchmarks of policies share: the trace that is asked for, `ebb plan` on it, and single policies on it. Nothing here is timed."""
import json
import os
import subprocess
import sys

from measure import BUILT


def the_trace(benchmark: str) -> str:
    """Azure's day of functions: github.com/Azure/AzurePublicDataset, AzureFunctionsDataset2019. The rules decide nothing by this file."""
    trace = os.environ.get("TRACE")
    if not trace:
        sys.exit(f"bench: name a trace: TRACE=invocations_per_function_md.anon.d01.csv make bench NAME={benchmark}")
    return trace


def plan(trace: str) -> dict:
    answer = subprocess.run([BUILT / "ebb", "plan", trace, "--json"], stdout=subprocess.PIPE, check=True)
    return json.loads(answer.stdout)


def outcomes(trace: str, policies: list[str], alike: bool = False) -> list[dict]:
    """In the order of the policies, as bench/plan_outcomes.cc names them; on two processors. Alike: all instances take the same memory."""
    command = [BUILT / "plan-outcomes", *(["--alike"] if alike else []), trace]
    halves = [subprocess.Popen([*command, *policies[half::2]], stdout=subprocess.PIPE, text=True)
              for half in range(min(2, len(policies)))]
    found = {}
    for half in halves:
        for line in half.communicate()[0].splitlines():
            one = json.loads(line)
            found[one["asked"]] = one
        if half.returncode != 0:
            sys.exit(half.returncode)
    return [found[policy] for policy in policies]


def on_curve(curve: list[dict], x: str, at: float, y: str) -> float | None:
    """As plan/report.h: by a straight line between the two settings nearest to it; None: the curve has it nowhere."""
    for one, next_one in zip(curve, curve[1:]):
        if min(one[x], next_one[x]) <= at <= max(one[x], next_one[x]):
            part = 0 if one[x] == next_one[x] else (at - one[x]) / (next_one[x] - one[x])
            return one[y] + part * (next_one[y] - one[y])
    return None
