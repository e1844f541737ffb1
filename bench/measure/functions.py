"""A container function that does nothing, as an image and as a program of its own; requests to it with as little of a client as can be."""
import json
import os
import pathlib
import shutil
import subprocess

from harness.images import tool
from harness.server import Server
from measure import BUILT

NOOP = BUILT / "noop-function"


def noop_layout(folder: pathlib.Path) -> str:
    """An OCI layout with the image `noop`."""
    program = folder / "bin/noop"
    program.parent.mkdir()
    shutil.copy(NOOP, program)
    program.chmod(0o755)
    image = f"{folder / 'layout'}:noop"
    tool("umoci", "init", "--layout", folder / "layout")
    tool("umoci", "new", "--image", image)
    tool("umoci", "insert", "--image", image, program, "/noop")
    tool("umoci", "config", "--image", image, "--config.entrypoint", "/noop", "--config.user", "1000:1000")
    return image


def deploy_noop(server: Server, folder: pathlib.Path, names: list[str], idle: str, keep: str) -> None:
    image = noop_layout(folder).rpartition(":")[0]
    for name in names:
        spec = {"endpoint": name, "image": "noop@1", "contract": "cloudrun", "memory": "64MiB", "scaling": {"max": 2, "idle": idle, "keep": keep}}
        if name == names[0]:
            server.ebb("image", "add", "noop", image)
        answer = server.request("PUT", f"/ebb/v1/endpoints/{name}", spec)
        assert answer.status in (200, 201), answer


class Requests:
    """Microseconds that bursts of requests take."""

    def __enter__(self) -> "Requests":
        self.program = subprocess.Popen([BUILT / "round-trip"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_) -> None:
        self.program.stdin.close()
        self.program.wait(60)

    def burst(self, *to: tuple[int, str]) -> float:
        self.program.stdin.write("".join(f"{port} {path}\n" for port, path in to) + "\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        assert line, "the requests failed: round-trip says why above"
        return float(line)


def spawn_ms(count: int, *program: str | pathlib.Path, prefix: tuple[str, ...] = ()) -> list[float]:
    """Milliseconds from each start of a program to its end, one after the other."""
    done = subprocess.run([*prefix, BUILT / "bare-spawn", str(count), *program], check=True, capture_output=True, text=True)
    return [float(line) for line in done.stdout.split()]


def bundle(folder: pathlib.Path, image: str) -> pathlib.Path:
    """The image unpacked for an OCI runtime, to end at once, with the limits and namespaces that a function of the platform has."""
    made = folder / "bundle"
    tool("umoci", "unpack", "--image", image, made)
    config = json.loads((made / "config.json").read_text())
    config["process"] |= {"args": ["/noop", "end"], "terminal": False, "capabilities": {}, "noNewPrivileges": True}
    config["root"]["readonly"] = True
    config["linux"]["namespaces"] = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network", "user")]
    config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 0, "size": 65536}]
    config["linux"]["resources"] = {"memory": {"limit": 64 << 20}, "pids": {"limit": 64}}
    (made / "config.json").write_text(json.dumps(config))
    return made


def crun_prefix() -> tuple[str, ...]:
    """On a machine with both versions of cgroups crun wants the second out of its sight."""
    unified = "/sys/fs/cgroup/unified"
    return ("unshare", "-m", "sh", "-c", f'mount -t tmpfs none {unified} && exec "$0" "$@"') if os.path.isdir(unified) else ()
