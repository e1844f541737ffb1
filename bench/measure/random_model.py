"""A model of a size that no package ships, to measure with: random weights in a real architecture, with the demo model's vocabulary. How fast it is and what
memory it takes does not depend on the values; what it says is nonsense."""
import os
import pathlib
from dataclasses import dataclass

import numpy
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter

from harness.server import DEMO_MODEL
from measure import ROOT

OUT = ROOT / "bench/out"


@dataclass(frozen=True)
class Shape:
    layers: int
    width: int
    heads: int
    kv_heads: int
    inner: int

    @property
    def kv_width(self) -> int:
        return self.width // self.heads * self.kv_heads


CONTEXT = 8192
# As of the models of half a billion parameters that people use; 0.4 billion with this vocabulary.
LARGE = Shape(layers=24, width=896, heads=14, kv_heads=2, inner=4864)
# 0.3 billion, in widths that every kind of quantization divides.
EVEN = Shape(layers=16, width=1024, heads=16, kv_heads=4, inner=4096)

# Of each kind, how many weights a block stands for, its fields, and scales that keep values in the range of real ones.
KINDS = {
    "Q4_0": (32, [("scale", "<f2"), ("quants", "u1", 16)], {"scale": 0.004}),
    "Q4_1": (32, [("scale", "<f2"), ("least", "<f2"), ("quants", "u1", 16)], {"scale": 0.004, "least": -0.03}),
    "Q8_0": (32, [("scale", "<f2"), ("quants", "u1", 32)], {"scale": 0.0003}),
    "Q4_K": (256, [("scale", "<f2"), ("least", "<f2"), ("scales", "u1", 12), ("quants", "u1", 128)], {"scale": 0.0002, "least": 0.0012}),
    "Q6_K": (256, [("quants", "u1", 128), ("upper", "u1", 64), ("scales", "u1", 16), ("scale", "<f2")], {"scale": 0.00002}),
}


def weights(chance: numpy.random.Generator, kind: str, rows: int, columns: int) -> numpy.ndarray:
    count, fields, scales = KINDS[kind]
    blocks = numpy.empty((rows, columns // count), numpy.dtype(fields))
    for name in blocks.dtype.names:
        blocks[name] = scales[name] if name in scales else chance.integers(0, 256, blocks[name].shape, numpy.uint8)
    return blocks.view(numpy.uint8).reshape(rows, -1)


def copy_vocabulary(reader: GGUFReader, writer: GGUFWriter) -> None:
    for name, field in reader.fields.items():
        if name.startswith("tokenizer."):
            kind = field.types[0]
            writer.add_key_value(name, field.contents(), kind, field.types[-1] if kind == GGUFValueType.ARRAY else None)


def describe(writer: GGUFWriter, shape: Shape, vocabulary: int) -> None:
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(vocabulary)


def add_tensors(writer: GGUFWriter, shape: Shape, kind: str, vocabulary: int) -> None:
    chance = numpy.random.default_rng(1)

    def add(name: str, rows: int, columns: int) -> None:
        writer.add_tensor(f"{name}.weight", weights(chance, kind, rows, columns), raw_dtype=GGMLQuantizationType[kind])

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", numpy.ones(shape.width, numpy.float32))

    add("token_embd", vocabulary, shape.width)
    add_norm("output_norm")
    for layer in range(shape.layers):
        add_norm(f"blk.{layer}.attn_norm")
        add(f"blk.{layer}.attn_q", shape.width, shape.width)
        add(f"blk.{layer}.attn_k", shape.kv_width, shape.width)
        add(f"blk.{layer}.attn_v", shape.kv_width, shape.width)
        add(f"blk.{layer}.attn_output", shape.width, shape.width)
        add_norm(f"blk.{layer}.ffn_norm")
        add(f"blk.{layer}.ffn_gate", shape.inner, shape.width)
        add(f"blk.{layer}.ffn_up", shape.inner, shape.width)
        add(f"blk.{layer}.ffn_down", shape.width, shape.inner)


def random_model(shape: Shape = LARGE, kind: str = "Q4_1") -> pathlib.Path:
    """The file (170 to 320 MB), made if it is not there."""
    path = OUT / f"random-{shape.layers}x{shape.width}.{kind}.gguf"
    if path.exists():
        return path
    path.parent.mkdir(exist_ok=True)
    reader = GGUFReader(DEMO_MODEL)
    vocabulary = len(reader.get_field("tokenizer.ggml.tokens").data)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    writer = GGUFWriter(partial, "llama")
    copy_vocabulary(reader, writer)
    describe(writer, shape, vocabulary)
    add_tensors(writer, shape, kind, vocabulary)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.rename(path)
    return path
