"""What a plot says of where and how its data were measured."""
import os
import pathlib
import platform

from measure.conditions import FOREIGN_MAX


def machine() -> dict:
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"processor": names[0] if names else platform.machine(), "processors": len(os.sched_getaffinity(0)), "memory_gib": memory / 2**30,
            "kernel": f"{platform.system()} {platform.release()}"}


def circumstances(versions: dict, conditions: dict) -> dict:
    return {"machine": machine(), "versions": versions, "conditions": conditions, "void": conditions["foreign_share"] > FOREIGN_MAX}
