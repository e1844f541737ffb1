"""nginx as a proxy before a program that does nothing, wrk as the caller, and how requests per second of the two sides are compared.

Both come from the distribution (`make bench-peers`). Each nginx has its configuration, logs and port for itself and ends with its block.
"""
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

from harness.server import Server
from harness.waiting import eventually
from measure import end
from measure.functions import NOOP, noop_layout
from measure.versions import versions

# As many as the program that does nothing accepts at once.
CONNECTIONS = 64
WITHOUT_END = 1_000_000_000

NGINX_CONF = """
daemon off;
{user}
worker_processes {workers};
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests {without_end};
  upstream noop {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests {without_end}; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://noop; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def program(name: str) -> str:
    """Its path; Debian has nginx where only root looks."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin")
    return found or sys.exit(f"bench: {name} is not there to compare with: run 'make bench-peers'")


def all_versions() -> dict[str, str]:
    nginx = subprocess.run([program("nginx"), "-v"], check=True, capture_output=True, text=True)
    wrk = subprocess.run([program("wrk"), "-v"], check=False, capture_output=True, text=True)  # ends with 1
    return {**versions(), "nginx": (nginx.stderr + nginx.stdout).strip(), "wrk": (wrk.stdout + wrk.stderr).splitlines()[0].strip()}


def free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def is_open(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


class Noop:
    """The function as a plain program."""

    def __enter__(self) -> "Noop":
        self.port = free_port()
        self.process = subprocess.Popen([NOOP], env={"PORT": str(self.port)})
        eventually(lambda: is_open(self.port), 10, "the program never listened")
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Proxy:
    """nginx before a program of its own. New for each run with many connections: each nginx worker keeps those that it had to the program, and together
    they would become more than the program accepts."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __enter__(self) -> "Proxy":
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ebb-bench-"))
        self.behind = Noop().__enter__()
        self.port = free_port()
        conf = self.folder / "nginx.conf"
        conf.write_text(NGINX_CONF.format(user="user root;" if os.geteuid() == 0 else "", workers=self.workers, folder=self.folder, port=self.port,
                                          upstream=self.behind.port, without_end=WITHOUT_END))
        self.process = subprocess.Popen([program("nginx"), "-p", self.folder, "-e", self.folder / "error.log", "-c", conf],
                                        stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            eventually(lambda: self.process.poll() is not None or is_open(self.port), 10, "nginx never listened")
            if self.process.poll() is not None:
                sys.exit(f"bench: nginx ended with {self.process.returncode}:\n{self.errors()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        end(self.process)  # its workers end with it
        self.behind.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def errors(self) -> str:
        log = self.folder / "error.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def microseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def wrk(url: str, seconds: int, connections: int = CONNECTIONS, body: str | None = None, pause_ms: int = 0, key: str = "") -> dict:
    """One run on kept connections: requests, requests per second, p50 and p99 in microseconds. Each connection pauses before a request, for `pause_ms` on
    average. Ends the benchmark if one answer was not 2xx or one connection failed."""
    script = f'wrk.headers["Authorization"] = "Bearer {key}"\n' if key else ""
    if body is not None:
        script += f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[{body}]==]\n'
    if pause_ms:
        script += f"function delay() return math.random(0, {2 * pause_ms}) end\n"
    with tempfile.NamedTemporaryFile("w", prefix="ebb-bench-", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = [program("wrk"), "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency", "--script", file.name, url]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    said = done.stdout
    wrong = re.findall(r"^.*(?:Non-2xx|Socket errors).*$", said, re.MULTILINE)
    count, rate = re.search(r"(\d+) requests in", said), re.search(r"Requests/sec:\s*([\d.]+)", said)
    if done.returncode != 0 or wrong or not count or not rate or int(count[1]) == 0:
        sys.exit(f"bench: not all requests to {url} were answered well: {'; '.join(line.strip() for line in wrong)}\n{said}{done.stderr}")
    at = {share: microseconds(took) for share, took in re.findall(r"^\s*(\d+)%\s+([\d.]+(?:us|ms|s))\s*$", said, re.MULTILINE)}
    return {"requests": int(count[1]), "per_second": float(rate[1]), "p50_us": at["50"], "p99_us": at["99"]}


def deploy_noop_shared(server: Server, folder: pathlib.Path) -> str:
    """The function, in one instance that takes as many calls at once as there are connections; gives its URL."""
    server.ebb("image", "add", "noop", noop_layout(folder).rpartition(":")[0])
    spec = {"endpoint": "noop", "image": "noop@1", "contract": "cloudrun", "memory": "64MiB", "concurrency": CONNECTIONS,
            "scaling": {"max": 1, "idle": "10m", "keep": "10m"}}
    answer = server.request("PUT", "/ebb/v1/endpoints/noop", spec)
    assert answer.status in (200, 201), answer
    answer = server.get("/invoke/noop")
    assert (answer.status, answer.body) == (200, b""), answer
    return f"{server.url}/invoke/noop"


def proxy_run(workers: int, path: str, seconds: int, **how) -> dict:
    with Proxy(workers) as proxy:
        return wrk(proxy.url + path, seconds, **how)


def best_workers(path: str, **how) -> int:
    """One process of nginx or two: whichever passes more on here today."""
    tried = {1: [], 2: []}
    for _ in range(3):
        for workers, rates in tried.items():
            rates.append(proxy_run(workers, path, 2, **how)["per_second"])
    return max(tried, key=lambda workers: statistics.median(tried[workers]))


def alternately(runs: int, sides: dict) -> dict[str, list[dict]]:
    """What each side's function gives, run after run; who comes first changes."""
    found = {name: [] for name in sides}
    order = list(sides)
    for _ in range(runs):
        for name in order:
            found[name].append(sides[name]())
        order = order[1:] + order[:1]
    return found


def middle(found: list[dict], what: str) -> float:
    return statistics.median(run[what] for run in found)


def require_billed(server: Server, requests: int, tokens_each: int = 0) -> None:
    """Each request that was answered was a call of the platform that came to its end. Calls that wrk left when its time was over are among them, too."""
    total = server.wait_for_bill(requests)["total"]
    if total["faults"] or total["completion_tokens"] < requests * tokens_each:
        sys.exit(f"bench: {requests} requests were answered, but the bill says {total}")
