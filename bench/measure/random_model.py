"""A model of a size that no package ships, to measure with: random weights in a real architecture, with the demo model's vocabulary. How fast it is and what
memory it takes does not depend on the values; what it says is nonsense."""
import os
import pathlib

import numpy
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter

from harness.server import DEMO_MODEL
from measure import ROOT

PATH = ROOT / "bench/out/random-0.4b.Q4_1.gguf"
# As of the models of half a billion parameters that people use; 0.4 billion with this vocabulary.
LAYERS, WIDTH, HEADS, KV_HEADS, INNER, CONTEXT = 24, 896, 14, 2, 4864, 8192
KV_WIDTH = WIDTH // HEADS * KV_HEADS
BLOCK = numpy.dtype([("scale", "<f2"), ("least", "<f2"), ("quants", "u1", 16)])  # 32 weights of Q4_1: scale * quant + least


def weights(chance: numpy.random.Generator, rows: int, columns: int) -> numpy.ndarray:
    blocks = numpy.empty((rows, columns // 32), BLOCK)
    blocks["scale"], blocks["least"] = 0.004, -0.03
    blocks["quants"] = chance.integers(0, 256, (*blocks.shape, 16), numpy.uint8)
    return blocks.view(numpy.uint8).reshape(rows, -1)


def copy_vocabulary(reader: GGUFReader, writer: GGUFWriter) -> None:
    for name, field in reader.fields.items():
        if name.startswith("tokenizer."):
            kind = field.types[0]
            writer.add_key_value(name, field.contents(), kind, field.types[-1] if kind == GGUFValueType.ARRAY else None)


def describe(writer: GGUFWriter, vocabulary: int) -> None:
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(vocabulary)


def add_tensors(writer: GGUFWriter, vocabulary: int) -> None:
    chance = numpy.random.default_rng(1)

    def add(name: str, rows: int, columns: int) -> None:
        writer.add_tensor(f"{name}.weight", weights(chance, rows, columns), raw_dtype=GGMLQuantizationType.Q4_1)

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", numpy.ones(WIDTH, numpy.float32))

    add("token_embd", vocabulary, WIDTH)
    add_norm("output_norm")
    for layer in range(LAYERS):
        add_norm(f"blk.{layer}.attn_norm")
        add(f"blk.{layer}.attn_q", WIDTH, WIDTH)
        add(f"blk.{layer}.attn_k", KV_WIDTH, WIDTH)
        add(f"blk.{layer}.attn_v", KV_WIDTH, WIDTH)
        add(f"blk.{layer}.attn_output", WIDTH, WIDTH)
        add_norm(f"blk.{layer}.ffn_norm")
        add(f"blk.{layer}.ffn_gate", INNER, WIDTH)
        add(f"blk.{layer}.ffn_up", INNER, WIDTH)
        add(f"blk.{layer}.ffn_down", WIDTH, INNER)


def random_model() -> pathlib.Path:
    """The file (260 MB), made if it is not there."""
    if PATH.exists():
        return PATH
    PATH.parent.mkdir(exist_ok=True)
    reader = GGUFReader(DEMO_MODEL)
    vocabulary = len(reader.get_field("tokenizer.ggml.tokens").data)
    partial = PATH.with_suffix(f".{os.getpid()}.partial")
    writer = GGUFWriter(partial, "llama")
    copy_vocabulary(reader, writer)
    describe(writer, vocabulary)
    add_tensors(writer, vocabulary)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.rename(PATH)
    return PATH
