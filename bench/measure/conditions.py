"""What a benchmark ran under: the share of the machine that others took while it was measured.

    with Conditions() as conditions:
        ...
    finish(NAME, figures, {..., "conditions": conditions}, [..., *void(conditions)])

A share is of the time of all processors between the two ends of the block.
"""
import os
import pathlib
import time

FOREIGN_MAX = 0.10
TICKS = os.sysconf("SC_CLK_TCK")


def processors() -> dict[str, int]:
    """Ticks of all processors since the machine started."""
    words = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return dict(zip(("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"), map(int, words[1:])))


def times() -> dict[int, tuple[int, int]]:
    """Of each process: its parent, and the ticks that it and its children that ended have taken."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = pathlib.Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        found[int(name)] = int(fields[1]), sum(map(int, fields[11:15]))
    return found


def below(table: dict[int, tuple[int, int]], root: int) -> set[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in table.items():
        children.setdefault(parent, []).append(pid)
    found, todo = set(), [root]
    while todo:
        pid = todo.pop()
        found.add(pid)
        todo += children.get(pid, [])
    return found & table.keys()


def shares() -> tuple[int, int, int]:
    """Ticks of this process with all below it, of the kernel's own threads, and of everybody else. The time of who ends passes to who waited for it, so
    that differences are right whoever came or went in between."""
    table = times()
    own, kernel = below(table, os.getpid()), below(table, 2)
    return tuple(sum(table[pid][1] for pid in group) for group in (own, kernel, table.keys() - own - kernel))


def stalled_us() -> int | None:
    """Time in which something that could run had no processor, since the machine started; None where the kernel does not count it."""
    try:
        line = pathlib.Path("/proc/pressure/cpu").read_text().split("\n", 1)[0]
    except OSError:
        return None
    return int(line.rpartition("total=")[2])


class Conditions:
    """Gives a dict that is filled when the block ends: steal_share (taken by the host), foreign_share (by other processes of this machine), pressure (share of
    the time in which something waited for a processor, the benchmark's own processes too; None if unknown), and the seconds that it was."""

    def __enter__(self) -> dict:
        self.found: dict = {}
        self.begun, self.stalled, self.before, self.taken = time.monotonic(), stalled_us(), processors(), shares()
        return self.found

    def __exit__(self, *_) -> None:
        own, kernel, others = (after - before for after, before in zip(shares(), self.taken))
        spent = {name: ticks - self.before[name] for name, ticks in processors().items()}
        seconds = time.monotonic() - self.begun
        whole = max(1, sum(spent.values()))
        # Others may be hidden from this user, and what nobody waits for is in no process's account any more: what the processors say counts if it is more.
        unclaimed = spent["user"] + spent["nice"] + spent["system"] - own - kernel
        stalled = None if self.stalled is None else (stalled_us() - self.stalled) / 1e6 / seconds
        self.found |= {"steal_share": spent["steal"] / whole, "foreign_share": max(0, others, unclaimed) / whole, "pressure": stalled,
                       "own_share": max(0, own) / whole, "seconds": seconds, "processors": whole / TICKS / seconds}


def void(conditions: dict) -> list[str]:
    """Closing lines: what the run was disturbed by, and that it is void if that was over a tenth of the machine."""
    foreign, steal = conditions["foreign_share"], conditions["steal_share"]
    line = f"while it was measured: other processes took {foreign:.1%} of the machine, its host {steal:.1%}"
    return [line, "VOID: other processes took over a tenth of the machine; run it again on a quiet one"] if foreign > FOREIGN_MAX else [line]
