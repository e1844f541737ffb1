"""A server of HTTP that does what a path says, for the tests of the contracts. It speaks HTTP by hand, so that it can also speak it badly.

http_function.py [EXIT_STATUS | never | deaf | polite | stubborn | serial]: with an argument it ends at once, never listens, listens and answers nothing,
serves and says goodbye at SIGTERM, or takes no notice of it, or serves one connection to its end before it takes the next.
"""
import json
import os
import signal
import socket
import sys
import threading
import time

NAMES = ("FUNCTIONS_CUSTOMHANDLER_PORT", "SAGEMAKER_BIND_TO_PORT", "AIP_HTTP_PORT", "PORT")
PORT = int(next((os.environ[name] for name in NAMES if name in os.environ), 8080))  # SageMaker's, which says nothing


ME = os.urandom(8).hex()  # another process has another


def attempt(look):
    try:
        return look()
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"


def read_text(path):
    with open(path, errors="replace") as file:
        return file.read(1 << 16)


FILES = ("/proc/self/mountinfo", "/proc/1/environ", "/proc/1/cmdline", "/proc/self/cgroup", "/proc/self/environ", "/proc/self/status",
         "/proc/kcore", "/proc/keys", "/proc/net/tcp", "/proc/sysrq-trigger", "/etc/hostname", "/etc/resolv.conf")
FOLDERS = ("/", "/proc", "/dev", "/sys", "/sys/fs/cgroup", "/proc/self/fd", "/proc/1/fd", "/home", "/run", "/tmp")


def surroundings():
    """What a function can see of where it is."""
    seen = {path: attempt(lambda path=path: read_text(path)) for path in FILES}
    seen |= {f"{path}/*": attempt(lambda path=path: sorted(os.listdir(path))) for path in FOLDERS}
    seen["interfaces"] = attempt(lambda: [name for _, name in socket.if_nameindex()])
    return seen


def fork_for_ever():
    """Ends badly once it is refused a process, as a program does that cannot go on without."""
    while True:
        try:
            if os.fork() == 0:
                signal.pause()
        except BlockingIOError:
            print("no more processes", flush=True)
            os._exit(3)


def fill_disk():
    written = 0
    try:
        with open("/tmp/full", "wb", buffering=0) as file:
            while True:
                written += file.write(bytes(1 << 20))
    except OSError as error:
        return f"{error.strerror} after {written >> 20} MiB"
    finally:
        os.unlink("/tmp/full")


class Request:
    def __init__(self, stream):
        line = stream.readline().decode()
        if not line:
            raise EOFError
        self.method, self.target, _ = line.split()
        self.headers = {}
        while (line := stream.readline().decode().strip()) != "":
            name, value = line.split(":", 1)
            self.headers[name.lower()] = value.strip()
        self.stream = stream

    def pieces(self):
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.stream.readline(), 16):
                yield self.stream.read(size)
                self.stream.readline()
            self.stream.readline()
        elif left := int(self.headers.get("content-length", 0)):
            yield self.stream.read(left)

    def body(self):
        return b"".join(self.pieces())


def answer(out, body, status="200 OK", headers=(), send_body=True):
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    out.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + (body if send_body else b""))


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


def serve(out, request):
    path = request.target.split("?")[0]
    if path == "/echo":
        answer(out, request.body(), headers=[f"Content-Type: {request.headers.get('content-type', 'none')}"])
    elif path == "/head":  # what came, as text
        lines = [f"{request.method} {request.target}"] + [f"{name}: {value}" for name, value in request.headers.items()]
        request.body()
        answer(out, "\n".join(lines).encode(), send_body=request.method != "HEAD")
    elif path == "/env":
        answer(out, "\n".join(f"{name}={value}" for name, value in os.environ.items()).encode())
    elif path == "/hop":
        answer(out, b"x", headers=["Connection: X-Mine", "X-Mine: 1", "X-End: 2", "Keep-Alive: timeout=5", "Ebb-Cost: 0", "Set-Cookie: a", "Set-Cookie: b"])
    elif path == "/both":  # bodies in both directions at once
        out.sendall(CHUNKED + b"\r\n")
        for piece in request.pieces():
            out.sendall(chunk(piece))
        out.sendall(b"0\r\n\r\n")
    elif path == "/early":  # answers before it has read anything
        answer(out, b"enough", status="413 Payload Too Large", headers=["Connection: close"])
        raise EOFError
    elif path == "/trailers":
        out.sendall(CHUNKED + b"Trailer: X-Sum\r\n\r\n" + chunk(b"abc") + b"0\r\nX-Sum: 3\r\nContent-Type: text/late\r\n\r\n")
    elif path == "/events":
        out.sendall(CHUNKED + b"Content-Type: text/event-stream\r\n\r\n")
        for number in range(3):
            out.sendall(chunk(b"data: %d\n\n" % number))
            if request.headers.get("x-wait"):  # until the one who counts has seen it
                with open(request.headers["x-wait"]) as gate:
                    gate.read(1)
        out.sendall(b"0\r\n\r\n")
    elif path == "/until-close":
        out.sendall(b"HTTP/1.0 200 OK\r\n\r\nto the end")
        raise EOFError
    elif path == "/status":
        answer(out, b"" if request.target.endswith(("204", "304")) else b"body", status=request.target.split("?")[1] + " Said So")
    elif path == "/interim":
        out.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        answer(out, b"at last")
    elif path == "/interim-for-ever":
        while True:
            out.sendall(b"HTTP/1.1 102 Processing\r\n\r\n" * 10)
    elif path == "/switch":
        out.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: me\r\n\r\n")
    elif path == "/garbage":
        out.sendall(b"I am no server\r\n\r\n")
    elif path == "/two-lengths":
        out.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")
    elif path == "/bad-chunk":
        out.sendall(CHUNKED + b"\r\n" + chunk(b"abc") + b"zz\r\n")
    elif path == "/long-head":
        out.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40000 + b"\r\n\r\n")
    elif path == "/many-headers":
        out.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300 + b"\r\n")
    elif path == "/close":
        raise EOFError
    elif path == "/close-mid-body":
        out.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        raise EOFError
    elif path == "/two-gigabytes":
        out.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n")
    elif path == "/endless":
        out.sendall(CHUNKED + b"\r\n")
        while True:
            out.sendall(chunk(b"x" * 65536))
    elif path == "/exit":
        print("about to go", flush=True)
        os._exit(7)
    elif path == "/exit-mid-body":
        out.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        os._exit(7)
    elif path == "/asleep":  # reads nothing of a body
        threading.Event().wait()
    elif path == "/deaf":
        request.body()
        out.recv(1)  # until somebody closes
        raise EOFError
    elif path == "/close-after":  # a connection that dies when it is quiet
        answer(out, b"bye")
        raise EOFError
    elif path == "/me":
        answer(out, ME.encode())
    elif path == "/surroundings":
        answer(out, json.dumps(surroundings()).encode())
    elif path == "/forks":
        fork_for_ever()
    elif path == "/memory":
        kept = []
        while True:
            kept.append(b"x" * (4 << 20))
    elif path == "/fill":
        answer(out, fill_disk().encode())
    elif path == "/say":
        sys.stdout.buffer.write(request.body() + b"\n")
        sys.stdout.flush()
        answer(out, b"said")
    elif path == os.environ.get("AIP_HEALTH_ROUTE", "/ping"):
        answer(out, b"", status=f"{os.environ.get('HEALTH', '200')} x")
    elif path in ("/invocations", os.environ.get("AIP_PREDICT_ROUTE")):
        body = request.body()
        if request.target.endswith("?model"):
            with open("/opt/ml/model", "rb") as file:
                body = file.read()
        attributes = request.headers.get("x-amzn-sagemaker-custom-attributes", "")
        answer(out, path.encode() + b" " + body, headers=[f"X-Amzn-SageMaker-Custom-Attributes: {attributes}"])
    elif path.startswith("/api/"):
        answer(out, request.target.encode())
    else:
        answer(out, b"nothing here", status="404 Not Found")


def connection(out):
    stream = out.makefile("rb")
    try:
        while True:
            serve(out, Request(stream))
    except (EOFError, OSError):
        pass
    finally:
        stream.close()
        out.close()


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else "serve"
    if mode.isdigit():
        print("nothing to do", flush=True)
        sys.exit(int(mode))
    if mode == "never":
        time.sleep(3600)
    if mode == "polite":
        signal.signal(signal.SIGTERM, lambda *_: (print("goodbye", flush=True), os._exit(0)))
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    listener = socket.create_server(("127.0.0.1", PORT), backlog=64)
    while True:
        out, _ = listener.accept()
        if mode == "deaf":
            continue
        if mode == "serial":
            connection(out)
            continue
        threading.Thread(target=connection, args=(out,), daemon=True).start()


main()
