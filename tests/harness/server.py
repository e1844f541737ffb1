"""One `ebb serve` under test, with its HTTP API, its command line and its processes."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time

from harness import leaks
from harness.waiting import BIN, ROOT, SLOWER, eventually

DEMO_MODEL = ROOT / "deps/models/SmolLM2-135M-Instruct.Q4_1.gguf"
SENTENCE_MODEL = ROOT / "deps/models/all-MiniLM-L6-v2.F16.gguf"
SANITIZER_REPORT = re.compile(r"(ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|runtime error:)")


class Answer:
    """A whole HTTP answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def timing(self) -> dict[str, str]:
        """Server-Timing, as {'start.desc': 'cold', 'start.dur': '1.2', …}."""
        found = {}
        for entry in self.headers.get("server-timing", "").split(","):
            name = entry.strip().split(";")[0]
            for key, value in re.findall(r';\s*(dur|desc)="?([^;"]*)', entry):
                found[f"{name}.{key}"] = value
        return found

    def __repr__(self) -> str:
        return f"{self.status} {self.body[:300]!r}"


class Server:
    def __init__(self, home: pathlib.Path, arguments=(), programs: pathlib.Path = BIN) -> None:
        self.home = home
        self.programs = programs
        self.arguments = list(arguments)
        self.inside: list[str] = []  # a command that runs another in other namespaces
        self.process: subprocess.Popen | None = None
        self.port = 0
        self.key = ""  # sent with each request, unless it is empty
        self.host = "127.0.0.1"
        self.ca: pathlib.Path | None = None  # who signed its certificate; None: it speaks no TLS
        self.trusted = True  # False: whatever certificate it shows is taken
        self.log_path = home.parent / f"{home.name}.log"

    # --- its life ---

    def start(self) -> None:
        port_file = self.home.parent / f"{self.home.name}.port"
        port_file.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, self.programs / "ebb", "serve", "--home", self.home, "--port", "0", "--port-file", port_file, *self.arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        eventually(lambda: self.process.poll() is not None or (port_file.exists() and port_file.read_text().strip()), 30, "the server never listened")
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log()}"
        self.port = int(port_file.read_text())
        eventually(lambda: self.get("/readyz").status == 200, 30, "the server never became ready")

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def terminate(self) -> int:
        """SIGTERM, then its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60 * SLOWER)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> list[str]:
        """Ends it if it still runs; returns what was wrong."""
        errors = []
        if self.process is not None and self.process.poll() is None:
            family = leaks.descendants(self.process.pid)
            try:
                if (status := self.terminate()) != 0:
                    errors.append(f"the server ended with {status} at SIGTERM:\n{self.log()[-4000:]}")
            except subprocess.TimeoutExpired:
                errors.append(f"the server did not end at SIGTERM:\n{self.log()[-4000:]}")
                self.kill()
            eventually(lambda: not any(map(leaks.is_alive, family)), 10, otherwise=None)
            errors += [f"outlived the server: {pid} {leaks.stat_of(pid)}" for pid in family if leaks.is_alive(pid)]
        if SANITIZER_REPORT.search(self.log()):
            errors.append(f"a sanitizer reported:\n{self.log()[-8000:]}")
        return errors

    # --- its processes ---

    @property
    def pid(self) -> int:
        return self.process.pid

    def spawner_pid(self) -> int:
        return next(pid for pid in leaks.descendants(self.pid) if leaks.stat_of(pid) and leaks.stat_of(pid)[0] == "ebb-spawner")

    def worker_pids(self) -> list[int]:
        """All processes below the spawner, blanks among them."""
        return leaks.descendants(self.spawner_pid())

    def kill_workers(self) -> None:
        for pid in self.worker_pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # --- HTTP ---

    @property
    def url(self) -> str:
        return f"http{'s' if self.ca else ''}://{self.host}:{self.port}"

    def tls(self) -> ssl.SSLContext | None:
        if self.ca is None:
            return None
        context = ssl.create_default_context(cafile=self.ca)
        if not self.trusted:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def request(self, method: str, path: str, body=None, headers: dict[str, str] | None = None, timeout: float = 120) -> Answer:
        if self.ca:
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=timeout * SLOWER, context=self.tls())
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout * SLOWER)
        try:
            data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json", **self.credentials(), **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def credentials(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def socket(self, receive_bytes: int | None = None) -> socket.socket:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.settimeout(60 * SLOWER)
        connection.connect((self.host, self.port))
        return self.tls().wrap_socket(connection, server_hostname=self.host) if self.ca else connection

    def openai(self, **options):
        import openai
        if self.ca:
            options.setdefault("http_client", openai.DefaultHttpxClient(verify=self.tls()))
        return openai.OpenAI(base_url=self.url + "/v1", **{"api_key": self.key or "any", "max_retries": 0, "timeout": 120 * SLOWER, **options})

    def ebb(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """A command of the client."""
        done = subprocess.run([BIN / "ebb", *arguments, "--server", self.url], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, "EBB_KEY": self.key, "EBB_CA": str(self.ca or "")}, timeout=120 * SLOWER, check=False)
        assert not check or done.returncode == 0, f"ebb {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    # --- verbs ---

    def deploy(self, name: str = "e", **spec) -> dict:
        answer = self.request("PUT", f"/ebb/v1/endpoints/{name}", {"endpoint": name, **({} if "model" in spec else {"engine": "echo"}), **spec})
        assert answer.status in (200, 201), answer
        return answer.json

    def endpoint(self, name: str = "e") -> dict:
        answer = self.get(f"/ebb/v1/endpoints/{name}")
        assert answer.status == 200, answer
        return answer.json

    def wait_for_state(self, state: str, name: str = "e", seconds: float = 20) -> dict:
        return eventually(lambda: (row := self.endpoint(name)) and row["state"] == state and row, seconds, f"'{name}' never was {state}")

    def wait_until_free(self, name: str = "e") -> dict:
        """No call runs or waits."""
        return eventually(lambda: (row := self.endpoint(name)) and not row["slots_busy"] and not row["waiting"] and row, 20, f"'{name}' stays busy")

    def ask(self, text: str = "hello", script: str = "", name: str = "e", timeout: float = 120, headers: dict[str, str] | None = None,
            **fields) -> Answer:
        """One whole chat answer; `script` is what the echo engine does ("tokens=5 delay_ms=100")."""
        return self.request("POST", "/v1/chat/completions", chat(text, script, name, **fields), headers, timeout)

    def stream(self, text: str = "hello", script: str = "", name: str = "e", receive_bytes: int | None = None,
               headers: dict[str, str] | None = None, **fields) -> "Stream":
        return Stream(self, chat(text, script, name, stream=True, **fields), receive_bytes, headers)

    def bill(self, *by: str) -> dict:
        answer = self.get("/ebb/v1/bill" + (f"?by={','.join(by)}" if by else ""))
        assert answer.status == 200, answer
        return answer.json

    def wait_for_bill(self, calls: int) -> dict:
        """The bill, once it holds so many calls: a record is written a moment after its call ended."""
        return eventually(lambda: (bill := self.bill()) and bill["total"]["calls"] >= calls and bill, 20, f"the bill never had {calls} calls")


def launching(home: pathlib.Path):
    """For a fixture: gives start(*arguments, home=…, ca=…), which starts a server; all of them are stopped and audited when the fixture ends."""
    before = leaks.snapshot()
    started = []

    def start(*arguments, home=home, **settings):
        started.append(Server(home, arguments))
        vars(started[-1]).update(settings)
        started[-1].start()
        return started[-1]

    yield start
    errors = []
    for server in reversed(started):
        errors += server.stop()
    errors += leaks.since(before, [server.home for server in started])
    assert not errors, "\n".join(errors)


def chat(text: str, script: str = "", name: str = "e", **fields) -> dict:
    messages = [{"role": "system", "content": script}] if script else []
    return {"model": name, "messages": [*messages, {"role": "user", "content": text}], **fields}


class Stream:
    """A streamed chat answer on a socket of its own, read event by event."""

    def __init__(self, server: Server, body: dict, receive_bytes: int | None = None, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        more = "".join(f"{name}: {value}\r\n" for name, value in {**server.credentials(), **(headers or {})}.items()).encode()
        self.connection = server.socket(receive_bytes)
        self.sent = time.monotonic()
        self.connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                b"%bContent-Length: %d\r\n\r\n" % (more, len(data)) + data)
        self.response: http.client.HTTPResponse | None = None

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        if self.response is not None:
            self.response.close()
        self.connection.close()

    def head(self) -> http.client.HTTPResponse:
        if self.response is None:
            self.response = http.client.HTTPResponse(self.connection)
            self.response.begin()
        return self.response

    def events(self):
        """Each event's data as JSON; ends at [DONE] or with the connection."""
        response = self.head()
        assert response.status == 200, (response.status, response.read())
        while True:
            try:
                line = response.readline()
            except (http.client.IncompleteRead, ConnectionError):
                return
            if not line or line == b"data: [DONE]\n":
                return
            if line.startswith(b"data: "):
                yield json.loads(line[6:])

    def texts(self):
        for event in self.events():
            assert "error" not in event, event
            for choice in event["choices"]:
                if choice["delta"].get("content"):
                    yield choice["delta"]["content"]
