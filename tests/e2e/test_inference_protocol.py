"""The Open Inference Protocol through the clients that speak it, against the echo engine: tensors come back as they went."""
import gzip
import json
import math
import pathlib
import queue
import re
import struct
import subprocess
import sys
import zlib

import grpc
import numpy
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from harness.server import BIN, ROOT
from harness.waiting import eventually

# Every type that numpy has, with the values at its ends.
ARRAYS = {
    "BOOL": numpy.array([[True, False, True]]),
    "UINT8": numpy.array([[0, 255]], numpy.uint8),
    "UINT16": numpy.array([0, 65535], numpy.uint16),
    "UINT32": numpy.array([[0], [2**32 - 1]], numpy.uint32),
    "UINT64": numpy.array([0, 2**53 + 1, 2**64 - 1], numpy.uint64),
    "INT8": numpy.array([-128, 127], numpy.int8),
    "INT16": numpy.array([-2**15, 2**15 - 1], numpy.int16),
    "INT32": numpy.array([[[-2**31], [2**31 - 1]]], numpy.int32),
    "INT64": numpy.array([-2**63, -2**53 - 1, 2**63 - 1], numpy.int64),
    "FP16": numpy.array([[0.5, -2.25]], numpy.float16),
    "FP32": numpy.array([[1.5, -0.1, 3e38], [1e-45, 0, 7]], numpy.float32),
    "FP64": numpy.array([0.1, 1e308, 5e-324]),
    "BYTES": numpy.array([["", "ä€"], ["\"quoted\"\n", "x" * 300]], object),
}
ENCODED = {"FP16", "BF16"}  # have no JSON form


def tensor(name: str, array: numpy.ndarray, binary: bool = True, module=triton_http):
    made = module.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array, **({"binary_data": binary} if module is triton_http else {}))
    return made


def same(got: numpy.ndarray, sent: numpy.ndarray) -> bool:
    if sent.dtype == object:
        return [x.decode() if isinstance(x, bytes) else x for x in got.flatten()] == list(sent.flatten()) and got.shape == sent.shape
    return got.dtype == sent.dtype and numpy.array_equal(got, sent, equal_nan=sent.dtype.kind == "f")


@pytest.fixture
def echo(server):
    server.deploy()
    return server


@pytest.fixture
def client(echo):
    made = triton_http.InferenceServerClient(f"127.0.0.1:{echo.port}")
    yield made
    made.close()


def infer(server, body, headers=None, name="e"):
    return server.request("POST", f"/v2/models/{name}/infer", body, headers)


def one(datatype="FP32", shape=(1,), data=(1,), **more) -> dict:
    return {"inputs": [{"name": "x", "datatype": datatype, "shape": list(shape), "data": list(data), **more}]}


def with_binary(head: dict, *tails: bytes, declared: int | None = None) -> tuple[bytes, dict]:
    text = json.dumps(head).encode()
    return text + b"".join(tails), {"Inference-Header-Content-Length": str(len(text) if declared is None else declared)}


# --- what there is ---

@pytest.mark.sanitizer
def test_what_there_is(client, echo):
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("e") and client.is_model_ready("e", "1")
    server = client.get_server_metadata()
    assert server["name"] == "ebb" and "binary_tensor_data" in server["extensions"]
    assert client.get_model_metadata("e") == {"name": "e", "versions": ["1"], "platform": "ebb_echo", "inputs": [], "outputs": []}
    assert client.get_model_config("e")["max_batch_size"] == 0
    assert [(m["name"], m["version"], m["state"]) for m in client.get_model_repository_index()] == [("e", "1", "READY")]
    for request in (lambda: client.get_model_metadata("nobody"), lambda: client.get_model_metadata("e", "2"), lambda: client.load_model("e")):
        with pytest.raises(InferenceServerException) as refused:
            request()
        assert refused.value.status() == "404" and refused.value.message(), refused.value
    assert not client.is_model_ready("nobody") and not client.is_model_ready("e", "2")
    assert echo.endpoint()["state"] == "absent", "questions start nothing"


@pytest.mark.parametrize("path", ["/v2/", "//v2", "/v2/models/e/", "//v2/models/e", "/v2/models/%65", "/v1/models/e/", "/v1/models/"])
def test_paths_that_are_joined_carelessly(echo, path):
    assert echo.get(path).status == 200


def test_models_for_both_kinds_of_clients(echo):
    """One list for OpenAI's clients and those of version 1."""
    listed = echo.get("/v1/models").json
    assert listed["models"] == ["e"] and [m["id"] for m in listed["data"]] == ["e"]
    one_of_them = echo.get("/v1/models/e").json
    assert (one_of_them["name"], one_of_them["ready"], one_of_them["object"]) == ("e", True, "model")
    assert [m.id for m in echo.openai().models.list()] == ["e"] and echo.openai().models.retrieve("e").id == "e"


def test_an_endpoint_whose_workers_fail_is_not_ready(server):
    server.deploy("broken")
    ready = lambda: server.get("/v2/models/broken/ready").status  # noqa: E731
    for _ in range(8):
        if ready() == 503:
            break
        assert server.ask(script="crash_on_start", name="broken").status >= 400
    assert ready() == 503 and server.get("/v2/health/ready").status == 200
    index = server.request("POST", "/v2/repository/index", {}).json
    assert [(m["state"], bool(m["reason"])) for m in index] == [("UNAVAILABLE", True)]
    assert server.request("POST", "/v2/repository/index", {"ready": True}).json == []
    assert server.get("/v1/models/broken").json["ready"] is False


# --- tensors ---

@pytest.mark.sanitizer
@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_every_type_both_ways(client, binary_in, binary_out):
    arrays = {name: array for name, array in ARRAYS.items() if name not in ENCODED or (binary_in and binary_out)}
    inputs = [tensor(name, array, binary_in) for name, array in arrays.items()]
    outputs = [triton_http.InferRequestedOutput(name, binary_data=binary_out) for name in arrays]
    result = client.infer("e", inputs, outputs=outputs, request_id="number 7", model_version="1")
    answer = result.get_response()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("number 7", "e", "1")
    for name, array in arrays.items():
        assert same(result.as_numpy(name), array), name


def test_json_and_binary_in_one_message(client):
    inputs = [tensor("a", ARRAYS["FP32"], True), tensor("b", ARRAYS["INT64"], False), tensor("c", ARRAYS["BYTES"], True)]
    outputs = [triton_http.InferRequestedOutput("c", binary_data=True), triton_http.InferRequestedOutput("a", binary_data=False)]
    result = client.infer("e", inputs, outputs=outputs)
    assert same(result.as_numpy("a"), ARRAYS["FP32"]) and same(result.as_numpy("c"), ARRAYS["BYTES"]) and result.as_numpy("b") is None
    assert same(client.infer("e", inputs).as_numpy("b"), ARRAYS["INT64"]), "without a list of outputs all come"


def test_bf16_scalars_and_empty_batches(echo, client):
    body, headers = with_binary({"inputs": [{"name": "h", "datatype": "BF16", "shape": [2], "parameters": {"binary_data_size": 4}},
                                            {"name": "s", "datatype": "INT8", "shape": [], "data": [-3]},
                                            {"name": "z", "datatype": "FP32", "shape": [0, 3], "data": []}],
                                 "outputs": [{"name": "h", "parameters": {"binary_data": True}}, {"name": "s"}, {"name": "z"}]}, b"\x80\x3f\x00\xc0")
    answer = infer(echo, body, headers)
    assert answer.status == 200 and answer.headers["content-type"] == "application/octet-stream", answer
    length = int(answer.headers["inference-header-content-length"])
    h, s, z = json.loads(answer.body[:length])["outputs"]
    assert answer.body[length:] == b"\x80\x3f\x00\xc0" and h["parameters"] == {"binary_data_size": 4}
    assert (s["shape"], s["data"], z["shape"], z["data"]) == ([], [-3], [0, 3], [])
    empty = numpy.zeros((0, 4), numpy.float32)
    assert same(client.infer("e", [tensor("x", empty)]).as_numpy("x"), empty)


def test_nested_and_flat_data(echo):
    nested = infer(echo, one(shape=[2, 2, 1], data=[[[1], [2]], [[3], [4.5]]])).json
    assert nested == infer(echo, one(shape=[2, 2, 1], data=[1, 2, 3, 4.5])).json
    assert nested["outputs"] == [{"name": "x", "datatype": "FP32", "shape": [2, 2, 1], "data": [1, 2, 3, 4.5]}]
    assert infer(echo, one("BOOL", [3], [1, False, 0])).json["outputs"][0]["data"] == [True, False, False]


def test_nan(echo):
    body = '{"inputs":[{"name":"x","datatype":"FP32","shape":[3],"data":[NaN, -Infinity,Infinity]}]%s}'
    refused = infer(echo, body % "")
    assert refused.status == 400 and "ask for binary data" in refused.json["error"], refused
    answer = infer(echo, body % ',"parameters":{"binary_data_output":true}')
    values = struct.unpack("<3f", answer.body[int(answer.headers["inference-header-content-length"]):])
    assert math.isnan(values[0]) and values[1:] == (-math.inf, math.inf)


@pytest.mark.parametrize("how", ["gzip", "deflate"])
def test_compression(echo, client, how):
    array = numpy.zeros((64, 64), numpy.float32)
    result = client.infer("e", [tensor("x", array)], request_compression_algorithm=how, response_compression_algorithm=how)
    assert same(result.as_numpy("x"), array)
    raw = infer(echo, {**one(shape=[4096], data=[0] * 4096)}, {"Accept-Encoding": how})
    assert raw.headers["content-encoding"] == how and len(raw.body) < 1000
    unpacked = gzip.decompress(raw.body) if how == "gzip" else zlib.decompress(raw.body)
    assert json.loads(unpacked)["outputs"][0]["shape"] == [4096]


def test_bodies_that_are_not_what_their_encoding_says(echo):
    text = json.dumps(one()).encode()
    packed = gzip.compress(text)
    for body, encoding, status, words in [
            (text, "gzip", 400, "not what 'Content-Encoding: gzip' says"), (packed[:-9], "gzip", 400, "ends too early"),
            (packed + b"more", "gzip", 400, "goes on after its end"), (packed, "br", 400, "'br' is not spoken"),
            (gzip.compress(bytes(64 << 20)), "gzip", 413, "when it is unpacked")]:
        answer = infer(echo, body, {"Content-Encoding": encoding})
        assert answer.status == status and words in answer.json["error"], answer


def test_classification(client):
    scores = numpy.array([[0.1, 0.7, 0.2], [5, -1, 5]], numpy.float32)
    result = client.infer("e", [tensor("x", scores)], outputs=[triton_http.InferRequestedOutput("x", class_count=2)])
    assert [[entry.decode() for entry in row] for row in result.as_numpy("x")] == [["0.700000:1", "0.200000:2"], ["5.000000:0", "5.000000:2"]]


def test_large_tensors(echo, client):
    array = numpy.arange(3 << 20, dtype=numpy.float32)  # 12 MiB
    assert same(client.infer("e", [tensor("x", array)]).as_numpy("x"), array)
    over = numpy.zeros((3 << 20) + 1, numpy.float32)
    with pytest.raises(InferenceServerException) as refused:
        client.infer("e", [tensor("x", over)])
    assert refused.value.status() == "413" and "12 MiB" in refused.value.message()
    as_text = infer(echo, one("UINT64", [1 << 19], [2**53] * (1 << 19)))
    assert as_text.status == 413 and "binary data" in as_text.json["error"]
    # A body that is declared longer than any may be is not read.
    assert echo.request("POST", "/v2/models/e/infer", b"", {"Content-Length": str(1 << 30)}).status == 413


# --- what is refused ---

FP32 = struct.pack("<2f", 1, 2)
REFUSED = {
    "not json": (b"{", {}, "not valid JSON"),
    "no inputs": ({"inputs": []}, {}, "'inputs' must be a list"),
    "unknown type": (one("FLOAT"), {}, "'FLOAT' is not a data type"),
    "no shape": ({"inputs": [{"name": "x", "datatype": "FP32", "data": [1]}]}, {}, "'inputs[0].shape' is required"),
    "negative shape": (one(shape=[-1]), {}, "from 0 on"),
    "a shape of 2^62": (one(shape=[2**31, 2**31]), {}, "more elements"),
    "too many dimensions": (one(shape=[1] * 17), {}, "17 dimensions"),
    "too few": (one(shape=[3], data=[1, 2]), {}, "has 2 elements, and its shape [3] asks for 3"),
    "ragged": (one(shape=[2, 2], data=[[1, 2], [3]]), {}, "'inputs[0].data[1]' has 1 elements"),
    "no data": ({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1]}]}, {}, "neither 'data' nor"),
    "a string as a number": (one(data=["a"]), {}, "is no FP32"),
    "a fraction as a whole": (one("INT32", data=[1.5]), {}, "1.5 is no INT32"),
    "over its type": (one("UINT8", data=[256]), {}, "256 is no UINT8"),
    "below its type": (one("UINT64", data=[-1]), {}, "-1 is no UINT64"),
    "over fp32": (one("FP32", data=[1e39]), {}, "is no FP32"),
    "half as json": (one("FP16", data=[1]), {}, "FP16 has no JSON form"),
    "two is no bool": (one("BOOL", data=[2]), {}, "2 is no BOOL"),
    "number as bytes": (one("BYTES", data=[1]), {}, "1 is no string"),
    "twice": ({"inputs": one()["inputs"] * 2}, {}, "there twice"),
    "shared memory": (one(parameters={"shared_memory_region": "r", "shared_memory_byte_size": 4}), {}, "shared memory is not supported"),
    "shared memory out": ({**one(), "outputs": [{"name": "x", "parameters": {"shared_memory_region": "r"}}]}, {}, "shared memory is not supported"),
    "unknown output": ({**one(), "outputs": [{"name": "y"}]}, {}, "no output 'y'"),
    "binary without header": (one(data=(), **{"parameters": {"binary_data_size": 4}}) | {}, {}, "has both 'data' and binary data"),
    "id is no string": ({**one(), "id": 5}, {}, "'id' must be a string"),
}


@pytest.mark.sanitizer
@pytest.mark.parametrize("case", REFUSED)
def test_refused(echo, case):
    body, headers, words = REFUSED[case]
    answer = infer(echo, body, headers)
    assert answer.status == 400 and words in answer.json["error"], answer


BINARY = {"name": "x", "datatype": "FP32", "shape": [2], "parameters": {"binary_data_size": 8}}
REFUSED_BINARY = {
    "size over the body": ({"inputs": [BINARY]}, [FP32[:7]], None, "has 8 bytes of binary data, but only 7 are left"),
    "size under the shape": ({"inputs": [{**BINARY, "parameters": {"binary_data_size": 4}}]}, [FP32[:4]], None, "takes 8 bytes and there are 4"),
    "more than is announced": ({"inputs": [BINARY]}, [FP32, b"!"], None, "has 1 bytes after its last tensor"),
    "header over the body": ({"inputs": [BINARY]}, [FP32], 10_000, "says 10000 bytes, but the body has"),
    "header within the json": ({"inputs": [BINARY]}, [FP32], 5, "not valid JSON"),
    "header is no number": ({"inputs": [BINARY]}, [FP32], -1, "must be the number of bytes"),
    "bytes cut": ({"inputs": [{**BINARY, "datatype": "BYTES", "shape": [1]}]}, [b"\xff\xff\xff\xff1234"], None, "end in the middle"),
    "bytes too few": ({"inputs": [{**BINARY, "datatype": "BYTES", "shape": [3]}]}, [bytes(8)], None, "asks for 3 elements and there are 2"),
    "negative size": ({"inputs": [{**BINARY, "parameters": {"binary_data_size": -1}}]}, [FP32], None, "must be between 0"),
}


@pytest.mark.sanitizer
@pytest.mark.parametrize("case", REFUSED_BINARY)
def test_binary_data_that_disagrees(echo, case):
    head, tails, declared, words = REFUSED_BINARY[case]
    body, headers = with_binary(head, *tails, declared=declared)
    answer = infer(echo, body, headers)
    assert answer.status == 400 and words in answer.json["error"], answer
    assert infer(echo, *with_binary({"inputs": [BINARY]}, FP32)).status == 200, "the next one is served"


def test_binary_data_needs_its_header(echo):
    body, _ = with_binary({"inputs": [BINARY]}, FP32)
    assert infer(echo, body).status == 400
    answer = infer(echo, {"inputs": [BINARY]})
    assert answer.status == 400 and "Inference-Header-Content-Length" in answer.json["error"], answer


def test_unknown_models_and_versions(echo):
    for path in ("/v2/models/nobody/infer", "/v2/models/e/versions/9/infer", "/v1/models/nobody:predict", "/v1/models/e:explain", "/v2/nothing"):
        answer = echo.request("POST", path, one())
        assert answer.status == 404 and isinstance(answer.json["error"], str), (path, answer)


def test_calls_are_billed_and_parameters_named(echo):
    answer = infer(echo, {**one(), "parameters": {"sequence_id": 5, "sequence_start": True, "timeout": 5_000_000}})
    assert answer.status == 200 and answer.headers["ebb-ignored"] == "sequence_id,sequence_start" and "ebb-cost" in answer.headers
    assert echo.wait_for_bill(1)["total"]["calls"] == 1


def test_a_timeout_is_a_deadline(server):
    server.deploy("one", scaling={"max": 1})
    with server.stream(script="tokens=100000 tps=50", name="one") as busy:
        next(busy.texts())
        answer = infer(server, {**one(), "parameters": {"timeout": 100_000}}, name="one")
        assert answer.status == 504 and answer.json["error"], answer


# --- version 1 ---

@pytest.mark.sanitizer
@pytest.mark.parametrize("path", ["/v1/models/e:predict", "/v1/models/e%3Apredict", "/v1/models/e:predict/", "/v1/models/e/versions/1:predict"])
def test_predict(echo, path):
    answer = echo.request("POST", path, {"instances": [[1, 2], [3, 4]]})
    assert answer.status == 200 and answer.json == {"predictions": [[1, 2], [3, 4]]}, answer


@pytest.mark.parametrize(("body", "answer"), [
    ({"instances": [{"a": 1.5, "b": "x"}, {"b": "y", "a": 2}]}, {"predictions": [{"a": 1.5, "b": "x"}, {"a": 2, "b": "y"}]}),
    ({"inputs": [[1, 2, 3]]}, {"outputs": [[1, 2, 3]]}),
    ({"inputs": {"a": [True], "b": 7}, "signature_name": "serving_default"}, {"outputs": {"a": [True], "b": 7}}),
    ({"instances": [{"b64": "AAEC/w=="}, {"b64": "YWJj"}]}, {"predictions": [{"b64": "AAEC/w=="}, "abc"]}),
])
def test_predict_forms(echo, body, answer):
    assert echo.request("POST", "/v1/models/e:predict", body).json == answer


@pytest.mark.parametrize(("body", "words"), [
    ({"instances": []}, "at least one"), ({}, "either 'instances' or 'inputs'"), ({"instances": [1], "inputs": [1]}, "either"),
    ({"instances": [[1, 2], [3]]}, "not a regular list"), ({"instances": [{"a": 1}, {"b": 1}]}, "which 'instances[0]' has not"),
    ({"instances": [{"a": 1}, 2]}, "not the same names"), ({"instances": [1, "a"]}, "is no FP64"), ({"instances": [{"b64": "!"}]}, "not base64"),
    ([1], "must be an object"), (b"{", "not valid JSON"), ('{"instances":[1.5,NaN]}', "has no JSON form"),
])
def test_predict_refused(echo, body, words):
    answer = echo.request("POST", "/v1/models/e:predict", body if isinstance(body, (bytes, str)) else json.dumps(body))
    assert answer.status == 400 and words in answer.json["error"], answer


# --- tasks ---

PICTURE = bytes(range(256)) * 300


@pytest.mark.sanitizer
def test_classify(echo):
    texts = echo.request("POST", "/v1/classify", {"model": "e", "input": ["good", "bad"], "top": 1})
    assert texts.json == {"model": "e", "results": [{"labels": [{"label": "good", "score": 1}]}, {"labels": [{"label": "bad", "score": 1}]}],
                          "usage": {"prompt_tokens": 0, "total_tokens": 0}}
    assert "ebb-cost" in texts.headers
    picture = echo.request("POST", "/v1/classify?model=e&top=3", PICTURE, {"Content-Type": "image/jpeg"})
    assert picture.json["results"] == [{"labels": [{"label": f"{len(PICTURE)} bytes", "score": 1}]}]


def test_classify_a_form(echo, tmp_path):
    """What `curl -F` and a browser's form send."""
    (tmp_path / "cat.jpg").write_bytes(PICTURE)
    done = subprocess.run(["curl", "-sS", "-F", f"file=@{tmp_path}/cat.jpg", "-F", "model=e", echo.url + "/v1/classify"], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout)["results"][0]["labels"][0]["label"] == f"{len(PICTURE)} bytes"
    import requests
    answer = requests.post(echo.url + "/v1/classify", files={"file": ("a.png", PICTURE, "image/png")}, data={"model": "e", "top": "2"}, timeout=60)
    assert answer.json()["results"] == json.loads(done.stdout)["results"]


@pytest.mark.parametrize(("path", "body", "kind", "param"), [
    ("", {"model": "e"}, "application/json", "input"), ("", {"model": "e", "input": []}, "application/json", "input"),
    ("", {"model": "e", "input": ["a", 1]}, "application/json", "input"), ("", {"input": "a"}, "application/json", "model"),
    ("", {"model": "e", "input": "a", "top": 0}, "application/json", "top"), ("", {"model": "nobody", "input": "a"}, "application/json", "model"),
    ("", b"x", "image/png", "model"), ("?model=e", b"", "image/png", "file"), ("?model=e&top=x", b"x", "image/png", "top"),
    ("", b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ne\r\n--b--\r\n", "multipart/form-data; boundary=b", "file"),
    ("", b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ne", "multipart/form-data; boundary=b", None),
])
def test_classify_refused(echo, path, body, kind, param):
    answer = echo.request("POST", "/v1/classify" + path, body, {"Content-Type": kind})
    assert answer.status in (400, 404) and answer.json["error"]["param"] == param, answer


# --- gRPC ---

def grpc_port(server) -> int:
    return int(re.search(r"listening for gRPC.*?port[=\": ]+(\d+)", server.log())[1])


@pytest.fixture
def echo_grpc(launch):
    server = launch("--grpc-port", "0")
    server.deploy()
    return server


@pytest.fixture
def grpc_client(echo_grpc):
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{grpc_port(echo_grpc)}") as made:
        yield made


@pytest.fixture
def stub(echo_grpc):
    with grpc.insecure_channel(f"127.0.0.1:{grpc_port(echo_grpc)}") as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def peak_mib(server) -> int:
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{server.pid}/status").read_text())[1]) // 1024


def typed(datatype="FP32", shape=(1,), name="x", **contents) -> "service_pb2.ModelInferRequest.InferInputTensor":
    return service_pb2.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=shape,
                                                          contents=service_pb2.InferTensorContents(**contents) if contents else None)


def request(*inputs, **fields) -> "service_pb2.ModelInferRequest":
    return service_pb2.ModelInferRequest(model_name=fields.pop("model_name", "e"), inputs=inputs, **fields)


def test_grpc_what_there_is(grpc_client, echo_grpc):
    assert grpc_client.is_server_live() and grpc_client.is_server_ready() and grpc_client.is_model_ready("e")
    assert grpc_client.get_server_metadata().name == "ebb"
    metadata = grpc_client.get_model_metadata("e", "1")
    assert (metadata.name, list(metadata.versions), metadata.platform) == ("e", ["1"], "ebb_echo")
    assert [(m.name, m.state) for m in grpc_client.get_model_repository_index().models] == [("e", "READY")]
    for ask in (lambda: grpc_client.is_model_ready("nobody"), lambda: grpc_client.get_model_metadata("e", "2"),
                lambda: grpc_client.infer("nobody", [tensor("x", ARRAYS["FP32"], module=triton_grpc)])):
        with pytest.raises(InferenceServerException) as refused:
            ask()
        assert refused.value.status() == "StatusCode.NOT_FOUND", refused.value
    with grpc.insecure_channel(f"127.0.0.1:{grpc_port(echo_grpc)}") as channel:
        # grpc.health.v1, in its own bytes: HealthCheckRequest{service=1}, HealthCheckResponse{status=1}, SERVING=1.
        check = channel.unary_unary("/grpc.health.v1.Health/Check", request_serializer=bytes, response_deserializer=bytes)
        name = b"inference.GRPCInferenceService"
        assert check(b"") == check(b"\x0a" + bytes([len(name)]) + name) == b"\x08\x01"


def test_grpc_every_type(grpc_client):
    inputs = [tensor(name, array, module=triton_grpc) for name, array in ARRAYS.items()]
    result = grpc_client.infer("e", inputs, request_id="7", model_version="1")
    assert result.get_response().id == "7"
    for name, array in ARRAYS.items():
        assert same(result.as_numpy(name), array), name
    only = grpc_client.infer("e", inputs, outputs=[triton_grpc.InferRequestedOutput("INT64")])
    assert same(only.as_numpy("INT64"), ARRAYS["INT64"]) and only.as_numpy("FP32") is None
    best = grpc_client.infer("e", [tensor("x", ARRAYS["FP64"], module=triton_grpc)], outputs=[triton_grpc.InferRequestedOutput("x", class_count=1)])
    assert best.as_numpy("x")[0].endswith(b":1")


def test_grpc_typed_contents(stub):
    sent = [typed("BOOL", [2], "b", bool_contents=[True, False]), typed("INT8", [1], "i", int_contents=[-128]), typed("UINT16", [1], "u", uint_contents=[65535]),
            typed("INT64", [1], "l", int64_contents=[-2**63]), typed("UINT64", [1], "m", uint64_contents=[2**64 - 1]),
            typed("FP64", [1], "d", fp64_contents=[0.1]), typed("BYTES", [2], "t", bytes_contents=[b"", b"\xff"])]
    answer = stub.ModelInfer(request(*sent))
    assert list(answer.raw_output_contents) == [b"\x01\x00", b"\x80", b"\xff\xff", struct.pack("<q", -2**63), struct.pack("<Q", 2**64 - 1),
                                                struct.pack("<d", 0.1), b"\0\0\0\0\x01\0\0\0\xff"]


GRPC_REFUSED = {
    "no inputs": (request(), "must be a list"),
    "type": (request(typed("FLOAT", fp32_contents=[1])), "not a data type"),
    "count": (request(typed(shape=[3], fp32_contents=[1, 2])), "takes 12 bytes and there are 8"),
    "range": (request(typed("INT8", int_contents=[128])), "128 does not fit"),
    "half": (request(typed("FP16", fp32_contents=[1])), "raw_input_contents"),
    "negative": (request(typed(shape=[-1], fp32_contents=[1])), "negative dimension"),
    "mixed": (request(typed(fp32_contents=[1]), raw_input_contents=[FP32[:4]]), "beside raw_input_contents"),
    "raw count": (request(typed(), raw_input_contents=[FP32, FP32]), "2 raw_input_contents for 1 inputs"),
    "raw size": (request(typed(), raw_input_contents=[FP32]), "takes 4 bytes and there are 8"),
    "twice": (request(typed(), typed(), raw_input_contents=[FP32[:4]] * 2), "there twice"),
    "unknown output": (request(typed(fp32_contents=[1]), outputs=[service_pb2.ModelInferRequest.InferRequestedOutputTensor(name="y")]), "no output 'y'"),
}


@pytest.mark.parametrize("case", GRPC_REFUSED)
def test_grpc_refused(stub, case):
    asked, words = GRPC_REFUSED[case]
    with pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(asked)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT and words in refused.value.details(), refused.value
    assert stub.ModelInfer(request(typed(fp32_contents=[1]))).raw_output_contents[0] == FP32[:4], "the next one is served"


def test_grpc_stream(grpc_client, echo_grpc):
    """Many requests without waiting; what is wrong with one is said inside the stream, which goes on."""
    answers = queue.Queue()
    grpc_client.start_stream(lambda result, error: answers.put((result, error)))
    for i in range(20):
        name = "nobody" if i == 7 else "e"
        grpc_client.async_stream_infer(name, [tensor("x", numpy.int64([i]).reshape(1), module=triton_grpc)], request_id=str(i), enable_empty_final_response=True)
    got = [answers.get(timeout=60) for _ in range(20)]
    grpc_client.stop_stream()
    assert [i for i, (_, error) in enumerate(got) if error] == [7] and "no endpoint 'nobody'" in str(got[7][1])
    counted = echo_grpc.get("/metrics").body.decode()
    assert 'ebb_requests_total{code="200",endpoint="e",protocol="oip"} 19' in counted and 'ebb_requests_total{code="404",endpoint="_other",protocol="oip"} 1' in counted
    for i, (result, error) in enumerate(got):
        if not error:
            assert result.get_response().id == str(i) and result.as_numpy("x")[0] == i
            assert result.get_response().parameters["triton_final_response"].bool_param


def test_grpc_deadlines_and_leaving(echo_grpc, stub):
    """A call that waits for a slot ends with its deadline, or when its caller leaves; nothing of it is left."""
    echo_grpc.deploy("one", scaling={"max": 1})
    small = request(typed(fp32_contents=[1]), model_name="one")
    with echo_grpc.stream(script="tokens=100000 tps=50", name="one") as busy:
        next(busy.texts())
        with pytest.raises(grpc.RpcError) as late:
            stub.ModelInfer(small, timeout=0.5)
        assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        small.parameters["timeout"].int64_param = 100_000
        with pytest.raises(grpc.RpcError) as late:
            stub.ModelInfer(small)
        assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        del small.parameters["timeout"]
        leaving = stub.ModelInfer.future(small)
        eventually(lambda: echo_grpc.endpoint("one")["waiting"] == 1, 20, "the call never waited")
        leaving.cancel()
        eventually(lambda: echo_grpc.endpoint("one")["waiting"] == 0, 20, "the call outlived its caller")
    echo_grpc.wait_until_free("one")
    assert stub.ModelInfer(small).raw_output_contents[0] == FP32[:4]


def test_grpc_sizes(echo_grpc):
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{grpc_port(echo_grpc)}") as client:
        array = numpy.arange(3 << 20, dtype=numpy.float32)
        assert same(client.infer("e", [tensor("x", array, module=triton_grpc)]).as_numpy("x"), array)
        for over, status in (((3 << 20) + 1, "StatusCode.INVALID_ARGUMENT"), (8 << 20, "StatusCode.RESOURCE_EXHAUSTED")):
            with pytest.raises(InferenceServerException) as refused:
                client.infer("e", [tensor("x", numpy.zeros(over, numpy.float32), module=triton_grpc)])
            assert refused.value.status() == status, refused.value

def test_grpc_takes_no_packed_messages(echo_grpc):
    """The library would unpack a bomb before it looks at its size."""
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{grpc_port(echo_grpc)}") as client:
        assert client.is_server_live()
        before = peak_mib(echo_grpc)
        with pytest.raises(InferenceServerException) as refused:
            client.infer("e", [tensor("x", numpy.zeros(64 << 20, numpy.float32), module=triton_grpc)], compression_algorithm="gzip")
        assert refused.value.status() == "StatusCode.UNIMPLEMENTED" and client.is_server_live()
        assert peak_mib(echo_grpc) < before + 100


def test_grpc_ends_with_the_server(echo_grpc):
    """An open stream does not hold up the end."""
    client = triton_grpc.InferenceServerClient(f"127.0.0.1:{grpc_port(echo_grpc)}")
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put(error))
    client.async_stream_infer("e", [tensor("x", ARRAYS["FP32"], module=triton_grpc)])
    assert answers.get(timeout=60) is None
    assert echo_grpc.terminate() == 0
    assert isinstance(answers.get(timeout=60), InferenceServerException)
    client.close()


def test_grpc_port_in_use(echo_grpc, tmp_path):
    done = subprocess.run([BIN / "ebb", "serve", "--home", tmp_path / "second", "--port", "0", "--grpc-port", str(grpc_port(echo_grpc))],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "it is in use" in done.stderr, done.stderr


# --- KServe's client ---

def test_kserve(echo_grpc):
    """In a process of its own: its protobuf messages and tritonclient's have the same names."""
    done = subprocess.run([sys.executable, str(ROOT / "tests/harness/kserve_client.py"), echo_grpc.url, str(grpc_port(echo_grpc))],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
