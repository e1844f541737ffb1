"""A sentence model in ONNX on the platform and in a bare program: vectors of one text, the fastest setting of the bare one."""
import http.client
import json
import os
import statistics
import subprocess
import time

from harness.server import Server
from harness.waiting import ROOT
from measure import BUILT

QUIET = 3  # processes once no worker runs: the server, the spawner and the blank worker of the engine

BARE = BUILT / "bare-onnx"
FOLDER = ROOT / "deps/models/onnx/sentences"
TOKENS = 32
# With [CLS] and [SEP] thirty-two tokens of the model's vocabulary.
TEXT = "the quick brown fox ran over the wet green hill and then down to the old house by the river where two small dogs sat in the sun all day"


def deploy_sentences(server: Server, idle: str, keep: str, **scaling) -> None:
    if not server.get("/ebb/v1/models").json["models"]:
        server.ebb("model", "add", "sentences", str(FOLDER))
    server.deploy("sentences", model="sentences@1", scaling={"max": 16, "idle": idle, "keep": keep, **scaling})


class Texts:
    """Calls for the vector of one text on a connection that is open."""

    def __init__(self, server: Server) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.connection.connect()
        self.body = json.dumps({"model": "sentences", "input": TEXT, "encoding_format": "base64"}).encode()

    def call(self) -> tuple[float, str]:
        """Milliseconds from the request to the last byte of the answer, and what the call found."""
        begun = time.monotonic()
        self.connection.request("POST", "/v1/embeddings", self.body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        data = answer.read()
        took = (time.monotonic() - begun) * 1000
        assert answer.status == 200, data
        assert json.loads(data)["usage"]["prompt_tokens"] == TOKENS, data
        return took, answer.getheader("Server-Timing").split('desc="')[1].split('"')[0]


def bare(threads: int) -> dict[str, float]:
    """Milliseconds of a fresh default session, its first run and its best, in a process that does nothing else."""
    done = subprocess.run([BARE, FOLDER / "model.onnx", "--threads", str(threads), "--tokens", str(TOKENS)], check=True, capture_output=True, text=True)
    words = done.stdout.split()
    return dict(zip(words[::2], map(float, words[1::2])))


def bare_ms(threads: int) -> float:
    measured = bare(threads)
    return measured["session"] + measured["first-run"]


def best_threads() -> int:
    cores = len(os.sched_getaffinity(0))
    medians = {threads: statistics.median(bare_ms(threads) for _ in range(5)) for threads in sorted({1, cores})}
    return min(medians, key=medians.get)
