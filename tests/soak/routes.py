"""One call in every dialect, and what of its answer says that it is a whole one."""
import dataclasses
import json
import math
from collections.abc import Callable


def chat(endpoint: str, words: str, script: str, **more) -> dict:
    messages = [{"role": "system", "content": script}] if script else []
    return {"model": endpoint, "messages": [*messages, {"role": "user", "content": words}], **more}


def streamed(endpoint: str, words: str, script: str) -> dict:
    return chat(endpoint, words, script, stream=True, stream_options={"include_usage": True})


def vector_of(words: str) -> list[float]:
    """What the echo engine gives for a text: how often bytes with the same last four bits come, of length 1."""
    values = [1.0] + [0.0] * 15
    for byte in "".join(words.split()).encode():
        values[byte % 16] += 1
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]


@dataclasses.dataclass(frozen=True)
class Route:
    name: str
    path: str  # {e}: the endpoint
    body: Callable[[str, str, str], dict]  # of endpoint, words, script
    ends: bytes = b"}"  # of a whole answer: it has this
    streams: bool = False
    scripted: bool = False  # it can be told to take its time
    vector: str = ""  # where in the answer one is

    def echoes(self, answer: bytes, words: str) -> bool:
        """Whether this is what the echo engine says to these words, and nothing else."""
        if self.vector:
            found = json.loads(answer)
            for step in self.vector.split("."):
                found = found[int(step) if step.isdigit() else step]
            return all(math.isclose(a, b, abs_tol=1e-5) for a, b in zip(found, vector_of(words), strict=True))
        return words.encode() in answer if not self.streams else all(word.encode() in answer for word in words.split())


ROUTES = [
    Route("chat", "/v1/chat/completions", chat, scripted=True),
    Route("chat, streamed", "/v1/chat/completions", streamed, ends=b"[DONE]", streams=True, scripted=True),
    Route("completion", "/v1/completions", lambda e, words, _: {"model": e, "prompt": words}),
    Route("completion, streamed", "/v1/completions",
          lambda e, words, _: {"model": e, "prompt": words, "stream": True, "stream_options": {"include_usage": True}}, ends=b"[DONE]", streams=True),
    Route("response", "/v1/responses", lambda e, words, script: {"model": e, "input": words, "instructions": script}, scripted=True),
    Route("response, streamed", "/v1/responses", lambda e, words, script: {"model": e, "input": words, "instructions": script, "stream": True},
          ends=b'"response.completed"', streams=True, scripted=True),
    Route("embedding", "/v1/embeddings", lambda e, words, _: {"model": e, "input": words}, vector="data.0.embedding"),
    Route("classify", "/v1/classify", lambda e, words, _: {"model": e, "input": words}),
    Route("Ollama chat", "/api/chat", lambda e, words, script: chat(e, words, script, stream=False), scripted=True),
    Route("Ollama chat, streamed", "/api/chat", chat, ends=b'"done":true', streams=True, scripted=True),
    Route("Ollama generate", "/api/generate", lambda e, words, _: {"model": e, "prompt": words, "stream": False}),
    Route("Ollama embed", "/api/embed", lambda e, words, _: {"model": e, "input": words}, vector="embeddings.0"),
    Route("infer", "/v2/models/{e}/infer", lambda e, words, _: {"inputs": [{"name": "x", "datatype": "BYTES", "shape": [1], "data": [words]}]}),
    Route("predict", "/v1/models/{e}:predict", lambda e, words, _: {"instances": [words]}),
]
FUNCTION = Route("function", "/invoke/{e}/cgi-bin/echo", lambda e, words, _: {"words": words})
