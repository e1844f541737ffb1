"""A machine with a wire to an internet of its own: two network namespaces, so that nothing leaves this machine. Needs root.

  machine   93.184.216.1/24 on its wire, and a table of names instead of /etc/hosts; what a server runs in
  outside   a web server on port 80 of every address that it has, public ones and others; it writes down where it was called. And a server of names:
            dns.test is public, led.astray.test is not, rebinds.test is in turn the one and the other
"""
import contextlib
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys

from harness.waiting import eventually

PUBLIC, OWN = "93.184.216.34", "93.184.216.1"
# Somebody answers at each of them: only a rule keeps a function away.
OTHERS = ["10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "172.16.0.1", "203.0.113.7", "168.63.129.16"]
HOSTS = f"""127.0.0.1 localhost
{PUBLIC} public.test api.example.test
10.0.0.1 private.test
169.254.169.254 metadata.test
{PUBLIC} both.test
10.0.0.1 both.test
"""
CLONE_NEWNET = 0x40000000

OUTSIDE = r"""
import http.server, socket, struct, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.headers.get("Transfer-Encoding") == "chunked":
            while (size := int(self.rfile.readline(), 16)):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        with open(sys.argv[1], "a") as log:
            log.write(self.connection.getsockname()[0] + "\n")
        text = f"{self.command} {self.path} {self.headers}".encode() + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_GET = do_POST = answer
    def log_message(self, *_): pass

def names():
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", 53))
    asked = {}
    while True:
        query, sender = udp.recvfrom(1500)
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, kind = ".".join(labels), struct.unpack("!H", query[at + 1:at + 3])[0]
        addresses = {"dns.test": [sys.argv[2]], "rebinds.test": [sys.argv[2], "10.0.0.1"], "led.astray.test": ["10.0.0.1"]}.get(name)
        answer = b""
        if addresses and kind == 1:
            asked[name] = asked.get(name, -1) + 1
            address = addresses[asked[name] % len(addresses)]
            answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(address)
        head = query[:2] + struct.pack("!HHHHH", 0x8180 if addresses else 0x8183, 1, 1 if answer else 0, 0, 0)
        udp.sendto(head + query[12:at + 5] + answer, sender)

threading.Thread(target=names, daemon=True).start()
http.server.ThreadingHTTPServer(("0.0.0.0", 80), Handler).serve_forever()
"""


def can_make_one() -> bool:
    return os.geteuid() == 0 and all(shutil.which(name) for name in ("ip", "nsenter", "unshare"))


def run(*command) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{command}: {done.stderr}"


class Internet:
    def __init__(self, machine: int, calls: pathlib.Path) -> None:
        self.inside = ["nsenter", f"--target={machine}", "--net", "--mount", "--"]
        self.calls = calls

    def called(self) -> set[str]:
        """The addresses outside at which anybody called."""
        return set(self.calls.read_text().split()) if self.calls.exists() else set()


@contextlib.contextmanager
def internet(folder: pathlib.Path):
    """While it lasts, this thread is in the machine's namespace too."""
    hosts, resolver, script, calls = folder / "hosts", folder / "resolv.conf", folder / "outside.py", folder / "calls"
    resolver.write_text(f"nameserver {PUBLIC}\n")
    hosts.write_text(HOSTS)
    script.write_text(OUTSIDE)
    made = []

    def hold(*command) -> int:
        made.append(subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return made[-1].pid

    def has_own_network(pid: int) -> bool:
        return os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")

    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        machine = hold("unshare", "--net", "--mount", "sh", "-c", f"mount --bind {hosts} /etc/hosts && mount --bind {resolver} /etc/resolv.conf && echo ready && read never")
        outside = hold("unshare", "--net", "sh", "-c", f"echo ready; read go; exec {sys.executable} {script} {calls} {PUBLIC}")
        for process in made:
            assert process.stdout.readline() == b"ready\n"
        assert has_own_network(machine) and has_own_network(outside)
        of_machine, of_outside = (("nsenter", f"--target={pid}", "--net", "--", "ip") for pid in (machine, outside))
        run(*of_machine, "link", "set", "lo", "up")
        run(*of_outside, "link", "set", "lo", "up")
        run(*of_machine, "link", "add", "wire0", "type", "veth", "peer", "name", "wire1", "netns", outside)
        run(*of_machine, "addr", "add", f"{OWN}/24", "dev", "wire0")
        run(*of_outside, "addr", "add", f"{PUBLIC}/24", "dev", "wire1")
        for address in OTHERS:
            run(*of_outside, "addr", "add", f"{address}/32", "dev", "wire1")
        run(*of_machine, "link", "set", "wire0", "up")
        run(*of_outside, "link", "set", "wire1", "up")
        run(*of_machine, "route", "add", "default", "dev", "wire0")
        made[1].stdin.write(b"go\n")
        made[1].stdin.flush()
        enter(f"/proc/{machine}/ns/net")
        for address in [PUBLIC, *OTHERS]:
            eventually(lambda to=address: subprocess.run(["nsenter", f"--net=/proc/{machine}/ns/net", "busybox", "nc", "-w", "1", to, "80"], stdin=subprocess.DEVNULL,
                                                         capture_output=True, check=False).returncode == 0, otherwise=f"nobody answers at {address}")
        yield Internet(machine, calls)
    finally:
        libc().setns(before, CLONE_NEWNET)
        os.close(before)
        for process in made:
            process.kill()
            process.wait(30)
            process.stdin.close()
            process.stdout.close()


def libc():
    return ctypes.CDLL(None, use_errno=True)


def enter(path: str) -> None:
    namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        assert libc().setns(namespace, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    finally:
        os.close(namespace)
