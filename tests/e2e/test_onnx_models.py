"""Models in ONNX on their way into the store: what can be added, what is shown of it, what is refused, and what stays of it."""
import json
import tarfile

import numpy
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = numpy.ones((2, 2), numpy.float32)
VOCABULARY = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\n"
EMBEDDING = """
task: embedding
tokenizer: {vocabulary: vocab.txt, max_tokens: 16}
inputs: {tokens: ids, mask: null, types: null}
output: y
"""


def product() -> onnx.ModelProto:
    """y = x · w"""
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "product",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
                              [numpy_helper.from_array(WEIGHTS, "w")])
    return finished(graph)


def vectors() -> onnx.ModelProto:
    """A row of a table for each token."""
    graph = helper.make_graph([helper.make_node("Gather", ["table", "ids"], ["y"])], "vectors",
                              [helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["texts", "tokens", 4])],
                              [numpy_helper.from_array(numpy.ones((5, 4), numpy.float32), "table")])
    return finished(graph)


def finished(graph: onnx.GraphProto) -> onnx.ModelProto:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="ebb-tests")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    return path


def add(server, name, source, **how):
    return server.ebb("model", "add", name, str(source), **how)


def models(server) -> list[dict]:
    return server.get("/ebb/v1/models").json["models"]


@pytest.mark.sanitizer
def test_a_model_in_a_file(server, folder):
    onnx.save(product(), folder / "any.name.onnx")
    assert "ONNX, tensors" in add(server, "p", folder / "any.name.onnx").stdout
    shown = server.ebb("model", "show", "p").stdout
    assert "ONNX" in shown and "x  FP32 [-1,2]" in shown and "y  FP32 [-1,2]" in shown and "ebb-tests" in shown
    listed = server.ebb("model", "ls").stdout
    assert "onnx" in listed and "p@1" in listed
    facts = models(server)[0]["facts"]
    assert facts["task"] == "tensors" and facts["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    assert facts["parameters"] == 4 and facts["quantization"] == "FP32"
    assert server.ebb("model", "rm", "p").returncode == 0
    assert not models(server) and not list((server.home / "models/sha256").rglob("?" * 64))


def test_a_folder_with_a_task(server, folder):
    onnx.save(vectors(), folder / "model.onnx")
    (folder / "vocab.txt").write_text(VOCABULARY)
    (folder / "ebb.yaml").write_text(EMBEDDING)
    add(server, "v", folder)
    view = json.loads(server.ebb("model", "show", "v", "--json").stdout)
    assert view["facts"]["task"] == "embedding" and view["facts"]["width"] == 4 and view["facts"]["train_context"] == 16
    assert view["prepared"]["ready"] or view["prepared"]["why"]
    # The stored file is an archive that any tar reads, and which is itself again when it is added.
    stored = next((server.home / "models/sha256").rglob(view["sha256"]))
    with tarfile.open(stored) as package:
        assert package.getnames() == ["manifest.json", "model.onnx", "vocab.txt"]
        package.extractall(folder / "again", filter="data")
    for source in (stored, folder / "again", f"{folder}/again/"):
        add(server, "v", source)
    assert [model["version"] for model in models(server)] == [1], "the same content has one version"


def test_weights_beside_the_model(server, folder):
    onnx.save(product(), folder / "model.onnx", save_as_external_data=True, location="model.onnx.data", size_threshold=0)
    assert (folder / "model.onnx.data").exists()
    add(server, "w", folder / "model.onnx")
    assert models(server)[0]["facts"]["weights_bytes"] == next((server.home / "models/sha256").rglob("?" * 64)).stat().st_size
    (folder / "model.onnx.data").unlink()
    done = add(server, "gone", folder / "model.onnx", check=False)
    assert done.returncode != 0 and "'model.onnx.data', which is not beside the model" in done.stderr


@pytest.mark.sanitizer
@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "link", "*/_ORT_MEM_ADDR_/*"])
def test_weights_elsewhere(server, folder, location):
    (folder.parent / "secret").write_bytes(b"s" * 16)
    (folder / "link").symlink_to(folder.parent / "secret")
    model = product()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    done = add(server, "m", folder, check=False)
    assert done.returncode != 0 and ("external data must be a file beside the model" in done.stderr or "is not a plain file" in done.stderr)
    assert not models(server)


def hostile():
    """Name, model, what is said of it."""
    whole = product().SerializeToString()
    yield "cut", whole[:-5], "ModelProto"
    yield "trailing", whole + bytes(16), "has no field 0"
    huge = product()
    huge.graph.initializer[0].dims[0] = 1 << 62
    yield "huge", huge.SerializeToString(), "overflow"
    cycle = product()
    cycle.graph.node.extend([helper.make_node("Relu", ["b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])])
    yield "cycle", cycle.SerializeToString(), "the graph has a cycle"
    foreign = product()
    foreign.graph.node.append(helper.make_node("Evil", ["x"], ["z"], domain="org.example"))
    yield "foreign operator", foreign.SerializeToString(), "org.example"
    twice = product()
    twice.graph.initializer.append(twice.graph.initializer[0])
    yield "twice", twice.SerializeToString(), "'w' is given twice"
    newer = product()
    newer.opset_import[0].version = 99
    yield "newer", newer.SerializeToString(), "of version 99"
    yield "neither", b"PK\x03\x04 a zip", "neither a model in GGUF, which begins with 'GGUF', nor one in ONNX"


@pytest.mark.sanitizer
@pytest.mark.parametrize("model,says", [pytest.param(model, says, id=name) for name, model, says in hostile()])
def test_what_lies_is_refused(server, folder, model, says):
    (folder / "model.onnx").write_bytes(model)
    done = add(server, "m", folder / "model.onnx", check=False)
    assert done.returncode != 0 and says in done.stderr, done.stderr
    assert not models(server) and not list((server.home / "models/staging").iterdir())


def test_a_manifest_that_does_not_fit(server, folder):
    onnx.save(product(), folder / "model.onnx")
    (folder / "ebb.yaml").write_text("task: embedding\ntokenizer: {}\noutput: y\npoling: mean\n")
    assert "ebb.yaml, line 4: 'poling' is not a known field" in add(server, "m", folder, check=False).stderr
    (folder / "ebb.yaml").write_text("task: embedding\ntokenizer: {}\noutput: y\n")
    (folder / "vocab.txt").write_text(VOCABULARY)
    assert "the model has no input of this name: it has x" in add(server, "m", folder, check=False).stderr
    empty = folder / "empty"
    empty.mkdir()
    assert "without a model.onnx" in add(server, "m", empty, check=False).stderr


def test_deploying(server, folder):
    onnx.save(product(), folder / "model.onnx")
    deployed = server.ebb("deploy", "p", "--model", str(folder / "model.onnx"))
    assert "tokens of context" not in deployed.stdout
    endpoint = server.endpoint("p")
    assert endpoint["spec"]["engine"] == "onnx" and endpoint["capability"] == "tensors" and endpoint["context_tokens"] == 0
    done = server.ebb("deploy", "q", "--model", "p", "--context", "128", check=False)
    assert done.returncode != 0 and "takes no text" in done.stderr
    assert "p" in server.ebb("model", "rm", "p", check=False).stderr, "it is needed"
    # What was deployed is there after a restart.
    assert server.terminate() == 0
    server.start()
    assert server.endpoint("p")["spec"]["engine"] == "onnx"
    assert models(server)[0]["facts"]["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 2]}]
