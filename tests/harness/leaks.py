"""What a test may leave behind: nothing. Processes, mounts and cgroups, before and after."""
import os
import pathlib

from harness.waiting import BIN, eventually


def stat_of(pid: int):
    """(comm, state, parent, session, start time) or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    comm = text[text.index("(") + 1:text.rindex(")")]
    fields = text[text.rindex(")") + 2:].split()
    return comm, fields[0], int(fields[1]), int(fields[3]), int(fields[19])


def processes() -> dict[int, tuple]:
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (stat := stat_of(int(name))):
            found[int(name)] = stat
    return found


def children(pid: int) -> list[int]:
    return sorted(child for child, stat in processes().items() if stat[2] == pid and stat[1] not in "ZX")


def descendants(pid: int) -> list[int]:
    table = processes()
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        for child, stat in table.items():
            if stat[2] == parent and stat[1] not in "ZX":
                found.append(child)
                todo.append(child)
    return found


def is_alive(pid: int) -> bool:
    stat = stat_of(pid)
    return stat is not None and stat[1] not in "ZX"


def is_of_this_build(pid: int) -> bool:
    """Other builds may be tested on this machine at the same time. Whose program we may not see counts as ours."""
    try:
        return pathlib.Path(os.readlink(f"/proc/{pid}/exe")).is_relative_to(BIN.resolve())
    except FileNotFoundError:
        return False
    except OSError:
        return True


def ebb_processes() -> dict[tuple[int, int], str]:
    return {(pid, stat[4]): stat[0] for pid, stat in processes().items() if stat[0].startswith("ebb") and stat[1] not in "ZX" and is_of_this_build(pid)}


def mounts() -> set[str]:
    lines = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    return {line.split(" ")[4] for line in lines}


def cgroups() -> set[str]:
    """By os.walk, which takes no offence at what goes away meanwhile."""
    return {os.path.join(folder, name) for folder, names, _ in os.walk("/sys/fs/cgroup") for name in names if "ebb" in name}


def snapshot():
    return ebb_processes(), mounts(), cgroups()


def of_homes(homes) -> tuple[str, ...]:
    """What the cgroups of the servers with these homes are called: other servers on this machine may come and go meanwhile."""
    return tuple(f"ebb-{about.st_dev:x}-{about.st_ino:x}-" for about in map(os.stat, filter(os.path.exists, homes)))


def since(before, homes=()) -> list[str]:
    """What is there now and was not before; processes get a moment to end. `homes`: of the servers that were started meanwhile."""
    old_processes, old_mounts, old_cgroups = before

    def descends_from_old(pid: int, table: dict[int, tuple]) -> bool:
        # Another server on this machine that ran before the test may start workers meanwhile.
        old = {key[0] for key in old_processes}
        while pid in table and pid > 1:
            if pid in old:
                return True
            pid = table[pid][2]
        return False

    def left():
        table = processes()
        return {key: comm for key, comm in ebb_processes().items() if key not in old_processes and not descends_from_old(key[0], table)}

    eventually(lambda: not left(), seconds=10, otherwise=None)
    errors = [f"left behind: process {pid} ({comm})" for (pid, _), comm in left().items()]
    errors += [f"left behind: mount {path}" for path in sorted(mounts() - old_mounts)]
    errors += [f"left behind: cgroup {path}" for path in sorted(cgroups() - old_cgroups) if os.path.basename(path).startswith(of_homes(homes))]
    return errors
