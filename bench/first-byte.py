#!/usr/bin/env python3
"""What the server itself does for a call of one token, against one wake-up between two processes

The server's part is the CPU time of its loop, by the kernel's account, over calls to the echo engine on a kept connection: reading and
checking the request, deciding, the frame to the worker, the frame back, the stream's events, the end and the bill. It bounds what it adds to the time
to the first token from above, since the call's end is in it.
"""
import http.client
import json
import pathlib
import statistics
import subprocess

from measure import BUILT, Platform, finish, percentile

BATCHES, CALLS = 40, 100
BODY = json.dumps({"model": "e", "messages": [{"role": "user", "content": "hello"}], "stream": True}).encode()


def loop_nanoseconds(pid: int) -> int:
    """CPU time of the main thread, which is the loop."""
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0])


def wakeup() -> float:
    done = subprocess.run([BUILT / "wakeup"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["wakeup_us"]


def main() -> None:
    with Platform() as server:
        server.deploy("e")
        connection = http.client.HTTPConnection("127.0.0.1", server.port)

        def call() -> None:
            connection.request("POST", "/v1/chat/completions", BODY, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 200 and b"hello" in answer.read()

        for _ in range(CALLS):
            call()
        own, wakes = [], []
        for _ in range(BATCHES):
            wakes.append(wakeup())
            before = loop_nanoseconds(server.pid)
            for _ in range(CALLS):
                call()
            own.append((loop_nanoseconds(server.pid) - before) / CALLS / 1000)
    ratio = statistics.median(own) / statistics.median(wakes)
    finish("first-byte", {"first-byte": ratio}, {"own_us": own, "wakeup_us": wakes}, [
        f"the server's own time for a call of one token: p50 {statistics.median(own):.0f} us ({percentile(own, 0.25):.0f} to {percentile(own, 0.75):.0f}), "
        f"{BATCHES} times {CALLS} calls",
        f"one wake-up between two processes: p50 {statistics.median(wakes):.1f} us",
        f"first-byte: {ratio:.2f} of a wake-up (must <= 6, stretch <= 2)",
    ])


if __name__ == "__main__":
    main()
