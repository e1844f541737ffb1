"""Real models in ONNX through real clients: vectors, labels of texts and pictures, tensors; what bad input gets; killed, parked and gone again."""
import io
import threading

import numpy
import onnx
import pytest
import tritonclient.http as triton
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw
from tritonclient.utils import InferenceServerException

from harness.server import ROOT
from harness.waiting import eventually

MODELS = ROOT / "deps/models/onnx"
SENTENCES = ["The cat sits on the mat.", "A kitten rests on a rug.", "Quarterly revenue rose by twelve percent."]


def deploy(server, name: str, **spec) -> None:
    server.ebb("model", "add", name, str(MODELS / name))
    server.deploy(name, model=f"{name}@1", **spec)


def infer_input(name: str, array: numpy.ndarray, kind: str) -> triton.InferInput:
    made = triton.InferInput(name, list(array.shape), kind)
    made.set_data_from_numpy(array)
    return made


def picture_of(text: str, width: int = 192, height: int = 48, turned: bool = False, form: str = "PNG") -> bytes:
    picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).text((8, 4), text, fill="black", font_size=32)
    data = io.BytesIO()
    (picture.rotate(180) if turned else picture).save(data, form)
    return data.getvalue()


# --- tasks ---

@pytest.mark.real_model
def test_vectors_of_sentences_from_absent_to_parked_and_back(server):
    deploy(server, "sentences", scaling={"max": 4, "idle": "100ms", "keep": "10m"})
    client = server.openai()
    first = [item.embedding for item in client.embeddings.create(model="sentences", input=SENTENCES).data]
    cat, kitten, money = map(numpy.array, first)
    assert len(cat) == 384 and abs(numpy.linalg.norm(cat) - 1) < 1e-4
    assert cat @ kitten > 0.5 > abs(cat @ money)
    server.wait_for_state("parked", "sentences")
    again = client.embeddings.create(model="sentences", input=SENTENCES[0]).data[0].embedding
    assert numpy.allclose(cat, again, atol=1e-5)


@pytest.mark.real_model
def test_many_callers_get_their_own_vectors(server):
    deploy(server, "sentences", scaling={"max": 8, "keep": "10m"})
    client = server.openai()
    texts = [f"This is sentence number {number} about {what}." for number in range(6) for what in ("cats", "money", "the sea", "chess")]
    alone = {text: client.embeddings.create(model="sentences", input=text).data[0].embedding for text in texts}
    together = {}

    def ask(text: str) -> None:
        together[text] = client.embeddings.create(model="sentences", input=text).data[0].embedding

    threads = [threading.Thread(target=ask, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(together) == len(texts)
    for text in texts:
        assert numpy.allclose(alone[text], together[text], atol=1e-4), text
    bill = server.wait_for_bill(2 * len(texts))
    assert bill["total"]["calls"] == 2 * len(texts)


@pytest.mark.real_model
def test_labels_of_pictures(server):
    deploy(server, "direction")
    for turned, label in ((False, "0"), (True, "180")):
        for form, kind in (("PNG", "image/png"), ("JPEG", "image/jpeg")):
            answer = server.request("POST", "/v1/classify?model=direction&top=1", picture_of("Hello World", turned=turned, form=form), {"Content-Type": kind})
            assert answer.status == 200, answer
            assert answer.json["results"][0]["labels"][0]["label"] == label, (turned, form, answer)


@pytest.mark.real_model
@pytest.mark.parametrize(("name", "data"), [
    ("cut", picture_of("Hello", form="JPEG")[:400]), ("half a PNG", picture_of("Hello")[:-60]), ("text", b"no picture at all"),
    ("vast", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\x7f\xff\xff\xff\x7f\x08\x02\0\0\0" + bytes(40)),
    ("GIF", b"GIF89a" + bytes(100)),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_no_picture(server, name, data):
    deploy(server, "direction")
    answer = server.request("POST", "/v1/classify?model=direction", data, {"Content-Type": "image/png"})
    assert answer.status == 400 and answer.json["error"]["message"], answer
    assert server.request("POST", "/v1/classify?model=direction", picture_of("Hello"), {"Content-Type": "image/png"}).status == 200


@pytest.mark.real_model
def test_labels_of_texts(server):
    deploy(server, "spam")
    answer = server.request("POST", "/v1/classify", {"model": "spam", "top": 1, "input": [
        "Subject: CONGRATULATIONS!!! You have WON $1,000,000. Click here to claim your FREE prize money now. Limited offer, act now, no risk!",
        "Subject: patch for the build. I have applied your diff to the kernel tree, the compile error in the makefile is gone. Thanks, Bob"]})
    assert [result["labels"][0]["label"] for result in answer.json["results"]] == ["spam", "ham"], answer


# --- tensors ---

@pytest.mark.real_model
def test_a_real_model_by_triton_s_client(server):
    """The same vector, pooled by the caller."""
    deploy(server, "sentences")
    client = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    assert client.is_model_ready("sentences")
    names = [each["name"] for each in client.get_model_metadata("sentences")["inputs"]]
    assert sorted(names) == ["attention_mask", "input_ids", "token_type_ids"]
    tokens = numpy.array([[101, 1996, 4937, 7719, 2006, 1996, 13523, 1012, 102]], numpy.int64)
    inputs = [infer_input("input_ids", tokens, "INT64"), infer_input("attention_mask", numpy.ones_like(tokens), "INT64"),
              infer_input("token_type_ids", numpy.zeros_like(tokens), "INT64")]
    hidden = client.infer("sentences", inputs).as_numpy("last_hidden_state")
    assert hidden.shape == (1, 9, 384)
    pooled = hidden[0].mean(axis=0)
    ours = server.openai().embeddings.create(model="sentences", input=SENTENCES[0]).data[0].embedding
    assert numpy.allclose(pooled / numpy.linalg.norm(pooled), ours, atol=1e-4)
    client.close()


def grown() -> onnx.ModelProto:
    """As many zeros as the caller likes, and their sum."""
    graph = helper.make_graph(
        [helper.make_node("ConstantOfShape", ["shape"], ["zeros"]), helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
         helper.make_node("Add", ["sum", "x"], ["y"])],
        "grown", [helper.make_tensor_value_info("shape", TensorProto.INT64, [1]), helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


@pytest.fixture
def sums(server, tmp_path):
    onnx.save(grown(), tmp_path / "grown.onnx")
    server.ebb("model", "add", "grown", str(tmp_path / "grown.onnx"))
    server.deploy("grown", model="grown@1", memory="256MiB", scaling={"max": 1, "keep": "10m"})
    return server


def ask(server, size=3, x=((1.0, 2.0),), kind="FP32", rows=None, **changed):
    rows = len(x) if rows is None else rows
    body = {"inputs": [{"name": "shape", "datatype": "INT64", "shape": [1], "data": [size]},
                       {"name": "x", "datatype": kind, "shape": [rows, 2], "data": [value for row in x for value in row], **changed}]}
    return server.request("POST", "/v2/models/grown/infer", body)


def test_an_input_that_needs_more_memory_than_there_is(sums):
    assert ask(sums).json["outputs"][0]["data"] == [1, 2]
    refused = ask(sums, size=1 << 28)
    assert refused.status == 413 and "256 MiB that its worker may have" in refused.json["error"], refused
    assert ask(sums, size=1 << 62).status >= 400
    assert ask(sums).status == 200
    assert sums.endpoint("grown")["state"] == "ready", "and no worker died of it"


@pytest.mark.parametrize(("changed", "says"), [
    ({"name": "z"}, "z"), ({"shape": [1, 3], "data": [1, 2, 3]}, "x"), ({"shape": [2]}, "x"), ({"datatype": "FP64"}, "FP32"), ({"data": [1]}, "x"),
    ({"shape": [-1, 2]}, "shape"), ({"shape": [1 << 40, 1 << 40]}, "1099511627776"), ({"data": ["a", "b"]}, "x"),
])
def test_inputs_that_are_not_the_model_s(sums, changed, says):
    answer = ask(sums, **changed)
    assert answer.status == 400 and says in answer.json["error"], answer
    assert ask(sums).status == 200


def test_numbers_that_are_none_and_batches_of_nothing(sums):
    client = triton.InferenceServerClient(f"127.0.0.1:{sums.port}")
    shape = infer_input("shape", numpy.array([1], numpy.int64), "INT64")
    nan = client.infer("grown", [shape, infer_input("x", numpy.array([[numpy.nan, numpy.inf]], numpy.float32), "FP32")]).as_numpy("y")
    assert numpy.isnan(nan[0, 0]) and numpy.isinf(nan[0, 1])
    with pytest.raises(InferenceServerException, match="'x' is empty"):
        client.infer("grown", [shape, infer_input("x", numpy.zeros((0, 2), numpy.float32), "FP32")])
    with pytest.raises(InferenceServerException, match="nobody"):
        client.infer("nobody", [shape])
    client.close()


def test_after_a_kill_the_next_call_finds_another_worker(sums):
    assert ask(sums).status == 200
    sums.kill_workers()
    eventually(lambda: sums.endpoint("grown")["state"] != "ready", otherwise="the death was not noticed")
    answer = ask(sums)
    assert answer.status == 200 and answer.timing["start.desc"] == "cold"


def test_operators_that_the_library_does_not_know(server, tmp_path):
    graph = helper.make_graph([helper.make_node("NoSuchThing", ["x"], ["y"])], "unknown", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, tmp_path / "unknown.onnx")
    added = server.ebb("model", "add", "unknown", str(tmp_path / "unknown.onnx"))
    assert "NoSuchThing" in added.stdout + added.stderr + server.ebb("model", "show", "unknown").stdout
    server.deploy("unknown", model="unknown@1")
    answer = server.request("POST", "/v2/models/unknown/infer", {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1]}]})
    assert answer.status == 503 and "NoSuchThing" in answer.json["error"], answer


def test_weights_that_are_shared_by_endpoints(server, tmp_path):
    """One file in the store and in the page cache, whatever the number of endpoints."""
    weights = numpy.arange(4, dtype=numpy.float32).reshape(2, 2)
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "product", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, tmp_path / "product.onnx")
    for name in ("a", "b"):
        server.ebb("model", "add", name, str(tmp_path / "product.onnx"))
        server.deploy(name, model=f"{name}@1")
        body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 1]}]}
        assert server.request("POST", f"/v2/models/{name}/infer", body).json["outputs"][0]["data"] == [2, 4]
    assert len(list((server.home / "models/sha256").rglob("?" * 64))) == 1
