"""A custom runtime for AWS Lambda that does what its event says, for the tests of the Runtime API: well, badly, and in the wrong order.

lambda_runtime.py [init-error | early | silent]: with an argument it reports a failed initialisation, answers before it asked, or never asks.
"""
import base64
import http.client
import json
import os
import socket
import sys
import threading

ADDRESS = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime"
seen = []  # what it was told, for an event that asks


def ask(method, path, body=None, headers=None, connection=None):
    connection = connection or http.client.HTTPConnection(ADDRESS)
    connection.request(method, BASE + path, body, headers or {})
    reply = connection.getresponse()
    return reply.status, dict(reply.getheaders()), reply.read()


def respond(request_id, body, headers=None):
    return ask("POST", f"/invocation/{request_id}/response", body, headers)[0]


def error(request_id, body=b'{"errorMessage":"no luck","errorType":"Luck","stackTrace":[]}', kind="Function.NoLuck"):
    return ask("POST", f"/invocation/{request_id}/error", body, {"Lambda-Runtime-Function-Error-Type": kind})[0]


def raw(request_id, head, *pieces):
    """A response written by hand; the status that it gets, or 0."""
    host, port = ADDRESS.split(":")
    with socket.create_connection((host, int(port))) as out:
        lines = [f"POST {BASE}/invocation/{request_id}/response HTTP/1.1", f"Host: {ADDRESS}", *head]
        out.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        for piece in pieces:
            out.sendall(piece)
        out.shutdown(socket.SHUT_WR)
        return int((out.makefile("rb").readline().split() or [0, 0])[1])


STREAM = ["Lambda-Runtime-Function-Response-Mode: streaming", "Transfer-Encoding: chunked"]


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def handle(request_id, headers, body):
    event = json.loads(body)
    what = event.get("do")
    if what == "headers":
        respond(request_id, json.dumps(headers))
    elif what == "env":
        respond(request_id, json.dumps(dict(os.environ)))
    elif what == "seen":
        respond(request_id, json.dumps(seen))
    elif what == "error":
        error(request_id)
    elif what == "bad-error":
        error(request_id, b"not json", "Nonsense")
    elif what == "stream":
        raw(request_id, STREAM + ["Content-Type: text/plain"], chunk(b"one "), chunk(b"two"), b"0\r\n\r\n")
    elif what == "stream-nothing":
        raw(request_id, STREAM, b"0\r\n\r\n")
    elif what == "stream-head":
        prelude = json.dumps({"statusCode": 201, "headers": {"Content-Type": "text/html"}, "cookies": ["a=b"]}).encode()
        raw(request_id, STREAM + ["Content-Type: application/vnd.awslambda.http-integration-response"], chunk(prelude), chunk(bytes(8) + b"<p>"), b"0\r\n\r\n")
    elif what == "stream-bad-head":
        raw(request_id, STREAM + ["Content-Type: application/vnd.awslambda.http-integration-response"], chunk(b"no head"), b"0\r\n\r\n")
    elif what == "stream-error":
        details = base64.b64encode(b'{"errorMessage":"late"}')
        trailers = b"0\r\nLambda-Runtime-Function-Error-Type: Function.Late\r\nLambda-Runtime-Function-Error-Body: " + details + b"\r\n\r\n"
        head = STREAM + ["Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"]
        raw(request_id, head, chunk(b"so far"), trailers)
    elif what == "stream-break":
        raw(request_id, STREAM, chunk(b"so far"), b"10\r\nx")
    elif what == "stream-exit":
        threading.Timer(3600, print).start()
        host, port = ADDRESS.split(":")
        out = socket.create_connection((host, int(port)))
        out.sendall("\r\n".join([f"POST {BASE}/invocation/{request_id}/response HTTP/1.1", "Host: x", *STREAM]).encode() + b"\r\n\r\n" + chunk(b"so far"))
        ask("GET", "/no/such/thing")  # what was written before is read before
        os._exit(4)
    elif what == "too-large":
        seen.append(respond(request_id, b"x" * (7 << 20)))
        seen.append(error(request_id))
    elif what == "truncated":
        seen.append(raw(request_id, ["Content-Length: 100"], b"0123456789"))
    elif what == "wrong":
        seen.append(ask("GET", "/invocation/next")[0])
        seen.append(respond("no-such-id", b"1"))
        seen.append(ask("POST", "/init/error", b"{}")[0])
        seen.append(respond(request_id, b"1", {"Lambda-Runtime-Function-Response-Mode": "buffered"}))
        seen.append(respond(request_id, b'"right"'))
        seen.append(respond(request_id, b"2"))
        seen.append(error(request_id))
        seen.append(ask("GET", "/extension/register")[0])
    elif what == "exit":
        print("leaving", flush=True)
        os._exit(int(event["status"]))
    elif what == "hang":
        threading.Event().wait()
    elif what == "busy-after":  # goes on after its response, until somebody opens the gate
        respond(request_id, b'"first"')
        with open(event["gate"]) as gate:
            gate.read(1)
    else:
        respond(request_id, body)


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode == "init-error":
        seen.append(ask("POST", "/init/error", b'{"errorMessage":"no module","errorType":"ImportError"}', {"Lambda-Runtime-Function-Error-Type": "Runtime.Init"})[0])
        sys.exit(1)
    if mode == "silent":
        threading.Event().wait()
    if mode == "early":
        seen.append(respond("x", b"1"))
    connection = http.client.HTTPConnection(ADDRESS)
    while True:
        _, headers, body = ask("GET", "/invocation/next", connection=connection)
        handle(headers["Lambda-Runtime-Aws-Request-Id"], headers, body)


main()
