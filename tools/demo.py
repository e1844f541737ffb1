#!/usr/bin/env python3
"""The demo of `make run`: deploys the demo model as 'chat', asks it from zero and again warm, and prints what each call cost.

  tools/demo.py http://127.0.0.1:8390
"""
import http.client
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "deps/models/SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
QUESTION = "Why is the sky blue? Answer in one sentence."
READY_SECONDS = 30


class Server:
    def __init__(self, url: str) -> None:
        self.url = url
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port

    def request(self, method: str, path: str, body: object = None) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=180)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS
        answer = "no answer"
        while time.monotonic() < until:
            try:
                response, body = self.request("GET", "/readyz")
                if response.status == 200:
                    return
                answer = body.decode(errors="replace").strip()
            except OSError as error:
                answer = str(error)
            time.sleep(0.05)
        sys.exit(f"run: the server is not ready after {READY_SECONDS} s: {answer}")


def is_deployed(server: Server) -> bool:
    """Whether 'chat' already runs the demo model."""
    response, body = server.request("GET", "/ebb/v1/endpoints/chat")
    if response.status != 200:
        return False
    deployed = json.loads(body).get("model")
    _, body = server.request("GET", "/ebb/v1/models")
    return any(f"{model['name']}@{model['version']}" == deployed and model["sha256"] == MODEL_SHA256 for model in json.loads(body)["models"])


def deploy(server: Server) -> None:
    if is_deployed(server):
        print("chat is deployed already, with the demo model", flush=True)
        return
    command = [str(ROOT / "build/release/bin/ebb"), "deploy", "chat", "--model", str(MODEL), "--server", server.url]
    if subprocess.run(command, check=False).returncode:
        sys.exit("run: the demo model could not be deployed (see above)")


def ask(server: Server) -> dict:
    begun = time.monotonic()
    response, body = server.request("POST", "/v1/chat/completions", {
        "model": "chat", "max_tokens": 48, "temperature": 0, "messages": [{"role": "user", "content": QUESTION}]})
    total = (time.monotonic() - begun) * 1000
    answer = json.loads(body)
    if response.status != 200:
        sys.exit(f"run: the call failed with {response.status}: {answer.get('error', {}).get('message', body)}")
    timing = {}
    for entry in (response.getheader("Server-Timing") or "").split(","):
        name = entry.strip().split(";")[0]
        for key, value in re.findall(r';\s*(dur|desc)="?([^;"]*)', entry):
            timing[f"{name}.{key}"] = value
    return {"text": answer["choices"][0]["message"]["content"].strip(), "tokens": answer["usage"]["completion_tokens"],
            "cost": response.getheader("Ebb-Cost") or "?", "total": total, "timing": timing}


def main() -> None:
    server = Server(sys.argv[1])
    server.wait_until_ready()
    deploy(server)
    print(f"\n> {QUESTION}", flush=True)
    calls = [ask(server), ask(server)]
    print(calls[0]["text"] + "\n")
    _, body = server.request("GET", "/ebb/v1/status")
    currency = json.loads(body).get("currency", "")
    print(f"{'call':<6} {'state':<7} {'queue':>8} {'start':>8} {'prompt':>8} {'generate':>9} {'total ms':>9} {'tokens':>7}  cost {currency}".rstrip())
    for number, call in enumerate(calls, 1):
        timing = call["timing"]
        ms = [f"{float(timing.get(key + '.dur', 'nan')):.1f}" for key in ("queue", "start", "prompt", "generate")]
        print(f"{number:<6} {timing.get('start.desc', '?'):<7} {ms[0]:>8} {ms[1]:>8} {ms[2]:>8} {ms[3]:>9} {call['total']:>9.1f} {call['tokens']:>7}  {call['cost']}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        sys.exit(f"run: the server does not answer any more: {error}")
