"""Tables to JSON, as a Cloud Run service: POST a CSV file to /rows, and each of its rows comes back as a line of JSON while the next are still on their way.

Any program that serves HTTP on $PORT is such a service; this one needs no more than Python.
"""
import csv
import io
import json
import os
import re
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = b"POST a CSV file with a header to /rows: each row comes back as a line of JSON.\n"
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")  # JSON's, so that 007 stays what it is


class Body(io.RawIOBase):
    """A request's body as a file, whether its length is known or it comes in chunks."""

    def __init__(self, stream, headers):
        self.stream = stream
        self.is_chunked = "chunked" in headers.get("Transfer-Encoding", "")
        self.left = int(headers.get("Content-Length", 0))  # of the body, or of the chunk

    def readable(self):
        return True

    def readinto(self, buffer):
        if self.is_chunked and not self.left:
            self.left = int(self.stream.readline(), 16)
            self.is_chunked = self.left > 0
            if not self.left:
                self.stream.readline()
        data = self.stream.read1(min(len(buffer), self.left)) if self.left else b""
        buffer[: len(data)] = data
        self.left -= len(data)
        if self.is_chunked and not self.left:
            self.stream.readline()
        return len(data)


def lines_of(table):
    """The rows of a CSV file as lines of JSON; a row that does not fit its header as what is wrong with it."""
    rows = csv.reader(table, strict=True)
    try:
        header = next(rows, [])
        for row in rows:
            if len(row) == len(header):
                yield {name: json.loads(cell) if NUMBER.fullmatch(cell) else cell for name, cell in zip(header, row)}
            elif row:
                yield {"error": f"line {rows.line_num} has {len(row)} cells, the header has {len(header)}"}
    except (csv.Error, UnicodeDecodeError) as error:
        yield {"error": f"after line {rows.line_num}: {error}"}


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200 if self.path == "/" else 404, USAGE)

    def do_POST(self):
        if self.path != "/rows":
            return self.answer(404, USAGE)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with io.TextIOWrapper(io.BufferedReader(Body(self.rfile, self.headers)), encoding="utf-8-sig", newline="") as table:
            for line in lines_of(table):
                data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Service).serve_forever()


if __name__ == "__main__":
    main()
