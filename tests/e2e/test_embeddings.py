"""Embeddings through every client that asks for them: exact against the echo engine, by meaning against a real sentence model."""
import json
import shutil
import subprocess
import threading

import numpy
import ollama
import openai
import pytest
from langchain_openai import OpenAIEmbeddings
from openai.types import CreateEmbeddingResponse

from harness.server import DEMO_MODEL, ROOT, SENTENCE_MODEL, Stream
from harness.waiting import eventually

def real_model(test):
    return pytest.mark.real_model(pytest.mark.skipif(not SENTENCE_MODEL.exists(), reason="the sentence model is not in deps/models: run `make setup`")(test))


@pytest.fixture
def minilm(server):
    server.ebb("deploy", "e", "--model", str(SENTENCE_MODEL), "--keep", "10m", "--idle", "10m", "--max", "4")
    return server


@pytest.mark.sanitizer
def test_every_form_and_encoding(server):
    server.deploy()
    client = server.openai()
    # The client asks for base64 and decodes it; with "float" it gets numbers.
    packed = client.embeddings.create(model="e", input=["one two", "three"])
    plain = client.embeddings.create(model="e", input=["one two", "three"], encoding_format="float")
    assert numpy.array_equal([item.embedding for item in packed.data], numpy.float32([item.embedding for item in plain.data]))
    assert [item.index for item in plain.data] == [0, 1]
    assert (plain.usage.prompt_tokens, plain.usage.total_tokens) == (3, 3)
    assert numpy.allclose([numpy.linalg.norm(item.embedding) for item in plain.data], 1)
    assert len(client.embeddings.create(model="e", input="one", dimensions=4).data[0].embedding) == 4
    assert client.embeddings.create(model="e", input=[1, 2, 3]).usage.prompt_tokens == 3
    assert len(client.embeddings.create(model="e", input=[[1], [2, 3]]).data) == 2
    CreateEmbeddingResponse.model_validate(server.request("POST", "/v1/embeddings", {"model": "e", "input": "a"}).json)
    server.wait_for_bill(6)
    assert server.request("POST", "/v1/embeddings", {"model": "nobody", "input": "a"}).status == 404
    durations = [line for line in server.get("/metrics").body.decode().splitlines() if line.startswith("gen_ai_server_request_duration_seconds_count")]
    assert {'gen_ai_operation_name="embeddings"' in line for line in durations} == {True} and len(durations) == 2, durations


@pytest.mark.parametrize(("fields", "param"), [
    ({"input": ""}, "input"), ({"input": []}, "input"), ({"input": ["a"] * 2049}, "input"), ({"input": [-1]}, "input"),
    ({"input": "a", "dimensions": 0}, "dimensions"), ({"input": "a", "dimensions": 17}, "dimensions"), ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
    ({"input": "a", "model": "nobody"}, "model"), ({"input": "a\0b"}, "input"),
])
def test_errors(server, fields, param):
    server.deploy()
    answer = server.request("POST", "/v1/embeddings", {"model": "e", **fields})
    assert answer.status in (400, 404) and answer.json["error"]["param"] == param, answer


def test_a_batch_of_everything_that_is_allowed(server):
    server.deploy()
    assert len(server.openai().embeddings.create(model="e", input=[f"text {i}" for i in range(2048)]).data) == 2048


@pytest.mark.sanitizer
def test_a_death_half_way_gives_no_half_answer(server):
    """Vectors of two tries would be taken for one answer: after the first vector a call is not tried again, before it it is."""
    server.deploy()
    broken = server.request("POST", "/v1/embeddings", {"model": "e", "input": ["echo:crash_at=3", "a", "b", "c"]})
    assert broken.status == 503 and "died" in broken.json["error"]["message"], broken
    assert server.openai().embeddings.create(model="e", input=["a", "b"]).usage.prompt_tokens == 2
    assert server.wait_for_bill(1)["total"]["faults"] == 1


@pytest.mark.sanitizer
def test_ollama(server):
    server.deploy()
    client = ollama.Client(host=server.url)
    several = client.embed(model="e:latest", input=["one two", "three"])
    assert len(several.embeddings) == 2 and several.prompt_eval_count == 3 and several.total_duration > 0
    assert client.embed(model="e", input="three").embeddings[0] == several.embeddings[1]
    assert list(client.embeddings(model="e", prompt="three").embedding) == list(several.embeddings[1])
    with pytest.raises(ollama.ResponseError, match="input"):
        client.embed(model="e", input=[""])
    told = server.request("POST", "/api/embed", {"model": "e", "input": "a", "options": {"num_ctx": 8}, "keep_alive": "5m", "foo": 1})
    assert sorted(told.headers["ebb-ignored"].split(",")) == ["foo", "options"]


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_node(server):
    server.deploy()
    done = subprocess.run(["node", "embeddings.mjs", server.url + "/v1", "e"], cwd=ROOT / "tests/node", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["packed"] == seen["plain"] and seen["count"] == 2


@real_model
@pytest.mark.filterwarnings("ignore::UserWarning:pydantic")
def test_meaning_by_every_client(minilm, monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would look for prices on the network
    litellm = pytest.importorskip("litellm")
    cat, feline, revenue = "The cat sits on the mat.", "A feline rests upon a rug.", "Quarterly revenue rose by twelve percent."
    by_openai = [item.embedding for item in minilm.openai().embeddings.create(model="e", input=[cat, feline, revenue]).data]
    langchain = OpenAIEmbeddings(model="e", base_url=minilm.url + "/v1", api_key="any", check_embedding_ctx_length=False)
    by_langchain = langchain.embed_documents([cat, feline, revenue])
    by_litellm = [item["embedding"] for item in litellm.embedding(model="openai/e", input=[cat, feline, revenue], api_base=minilm.url + "/v1", api_key="any").data]
    by_ollama = ollama.Client(host=minilm.url).embed(model="e", input=[cat, feline, revenue]).embeddings
    for vectors in (by_openai, by_langchain, by_litellm, by_ollama):
        assert numpy.allclose(vectors, by_openai, atol=1e-6)
        close, far = numpy.dot(vectors[0], vectors[1]), numpy.dot(vectors[0], vectors[2])
        assert close > 0.5 > 0.2 > far


@real_model
def test_the_command(server):
    added = server.ebb("deploy", "e", "--model", str(SENTENCE_MODEL))
    assert 'ebb embed e "' in added.stderr
    shown = server.ebb("embed", "e", "The cat sits on the mat.", "A feline rests upon a rug.", "Revenue rose.").stdout.splitlines()
    assert "OF 384 VALUES" in shown[0] and len(shown) == 4
    assert [float(line.split()[0]) > 0.5 for line in shown[1:]] == [True, True, False]
    assert len(json.loads(server.ebb("embed", "e", "Hello", "--json").stdout)["data"][0]["embedding"]) == 384
    model = server.get("/v1/models").json["data"][0]["ebb"]
    assert model["capability"] == "embedding" and float(model["price"]["per_second"]) > 0 and model["price"]["currency"] == "USD"


@real_model
def test_a_large_batch_stalls_nobody(minilm):
    """While thousands of texts are embedded, small requests to the same worker and a chat beside it begin and end."""
    minilm.deploy("chat")
    client = minilm.openai()
    ended = threading.Event()
    large = []

    def ask():
        large.extend(client.embeddings.create(model="e", input=[f"This is sentence number {i} of a long list of sentences." for i in range(2048)]).data)
        ended.set()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        eventually(lambda: minilm.endpoint()["slots_busy"] == 1, 20, "the batch never ran")
        for turn in range(3):
            assert len(client.embeddings.create(model="e", input=["small", "and quick"]).data) == 2
            with Stream(minilm, {"model": "chat", "stream": True, "messages": [{"role": "user", "content": "one two three"}]}) as stream:
                assert "".join(stream.texts()) == "one two three"
            assert turn > 0 or not ended.is_set(), "the batch was over before anything beside it was"
    finally:
        thread.join()
    assert len(large) == 2048


@real_model
def test_leaving_frees_the_worker(minilm):
    body = json.dumps({"model": "e", "input": [f"This is sentence number {i} of a long list of sentences." for i in range(2048)]}).encode()
    connection = minilm.socket()
    connection.sendall(b"POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    eventually(lambda: minilm.endpoint()["slots_busy"] == 1, 20, "the batch never ran")
    connection.close()
    minilm.wait_until_free()
    assert minilm.wait_for_bill(1)["total"]["calls"] == 1


@real_model
def test_what_does_not_fit_is_refused_with_the_numbers(minilm):
    client = minilm.openai()
    with pytest.raises(openai.BadRequestError, match=r"'input\[1\]' has 602 tokens, but this endpoint takes at most 512") as caught:
        client.embeddings.create(model="e", input=["fine", "word " * 600])
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="has token 99999999, but the model has 30522 tokens"):
        client.embeddings.create(model="e", input=[[1], [99999999]])
    with pytest.raises(openai.BadRequestError, match="vectors have 384"):
        client.embeddings.create(model="e", input="a", dimensions=385)
    with pytest.raises(openai.BadRequestError, match="turns texts into vectors"):
        client.chat.completions.create(model="e", messages=[{"role": "user", "content": "hi"}])
    local = ollama.Client(host=minilm.url)
    with pytest.raises(ollama.ResponseError, match="602 tokens"):
        local.embed(model="e", input="word " * 600)
    assert len(local.embed(model="e", input="word " * 600, truncate=True).embeddings[0]) == 384
    assert local.show("e").capabilities == ["embedding"]


@pytest.mark.real_model
def test_a_model_of_text_gives_no_vectors(server):
    server.ebb("deploy", "e", "--model", str(DEMO_MODEL))
    with pytest.raises(openai.BadRequestError, match="generates text"):
        server.openai().embeddings.create(model="e", input="a")
