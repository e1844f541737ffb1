"""llama.cpp's own server, of the same release and with the same libraries as Ebb's engine, to compare with (`make bench-peers`)."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from harness.server import DEMO_MODEL
from harness.waiting import eventually
from measure import end
from measure.versions import versions

PROGRAM = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "ebb/peers/llama-server/llama-server"


def require_llama_server() -> None:
    if not PROGRAM.exists():
        sys.exit("bench: llama.cpp's server is not there to compare with: run 'make bench-peers'")


def versions_with_llama_server() -> dict[str, str]:
    done = subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, text=True)
    said = next(line for line in (done.stdout + done.stderr).splitlines() if line.startswith("version"))
    return {**versions(), "llama_server": said}


class LlamaServer:
    """One on the demo model and a port of its own, with its defaults but for slots, the context of each, and threads; and no copies of what its slots held
    before, which would cost it time and memory for prompts that never come again."""

    def __init__(self, slots: int, context: int, threads: int) -> None:
        self.command = [PROGRAM, "--model", DEMO_MODEL, "--host", "127.0.0.1", "--port", "0", "--parallel", str(slots), "--ctx-size", str(slots * context),
                        "--threads", str(threads), "--cache-ram", "0", "--offline"]

    def __enter__(self) -> "LlamaServer":
        self.log = tempfile.NamedTemporaryFile("r", prefix="ebb-bench-")
        with open(self.log.name, "w") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            self.port = int(eventually(self.listening, 60, "llama-server never listened")[1])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        end(self.process)
        self.log.close()

    def listening(self) -> re.Match | None:
        said = pathlib.Path(self.log.name).read_text(errors="replace")
        if self.process.poll() is not None:
            sys.exit(f"bench: llama-server ended with {self.process.returncode}:\n{said[-3000:]}")
        return re.search(r"listening on http://127\.0\.0\.1:(\d+)", said)

    @property
    def pid(self) -> int:
        return self.process.pid
