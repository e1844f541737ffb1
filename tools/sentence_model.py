#!/usr/bin/env python3
"""Makes a GGUF file of a sentence model: a BERT with its WordPiece vocabulary, as published for sentence-transformers.

    tools/sentence_model.py FOLDER-OR-ZIP OUT.gguf [--type f16|f32]

The folder has config.json, tokenizer.json, model.safetensors and 1_Pooling/config.json. The pooling goes into the file, so that
whoever runs it pools as the model was trained. Weights of matrices are stored in 16 bits (no figure below changes) unless told
otherwise. Needs the packages gguf and numpy, which tests/requirements.txt brings.
"""
import argparse
import json
import os
import pathlib
import struct
import sys
import tempfile
import zipfile

import gguf
import numpy

NUMPY_TYPES = {"F32": numpy.float32, "F16": numpy.float16}
LEFT_OUT = ("embeddings.position_ids", "pooler.", "cls.")
WORD_BEGINS = "\u2581"  # where WordPiece marks what continues a word, GGUF marks what begins one


def give_up(why: str) -> None:
    sys.exit(f"sentence_model: {why}")


def read_tensors(path: pathlib.Path) -> dict[str, numpy.ndarray]:
    """A safetensors file: the length of a JSON header, the header, the numbers."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        name = name.removeprefix("bert.")
        if name == "__metadata__" or name.startswith(LEFT_OUT):
            continue
        kind = NUMPY_TYPES.get(entry["dtype"]) or give_up(f"tensor {name} has type {entry['dtype']}; known are {', '.join(NUMPY_TYPES)}")
        begin, end = entry["data_offsets"]
        tensors[name] = numpy.frombuffer(data[8 + length + begin : 8 + length + end], kind).reshape(entry["shape"])
    return tensors


def check_modules(folder: pathlib.Path) -> None:
    """Whatever stands behind the pooling would be lost."""
    modules = folder / "modules.json"
    if not modules.exists():
        return
    kinds = [module["type"].rsplit(".", 1)[-1] for module in json.loads(modules.read_text())]
    if unknown := set(kinds) - {"Transformer", "Pooling", "Normalize"}:
        give_up(f"the model has {', '.join(sorted(unknown))} behind its BERT, which cannot be converted")


def pooling_of(folder: pathlib.Path) -> gguf.PoolingType:
    said = json.loads((folder / "1_Pooling/config.json").read_text())
    chosen = [name for name, on in said.items() if name.startswith("pooling_mode_") and on]
    known = {"pooling_mode_mean_tokens": gguf.PoolingType.MEAN, "pooling_mode_cls_token": gguf.PoolingType.CLS}
    if len(chosen) != 1 or chosen[0] not in known:
        give_up(f"1_Pooling/config.json asks for {chosen or 'nothing'}; known are {', '.join(known)}")
    return known[chosen[0]]


def write_vocabulary(writer: gguf.GGUFWriter, folder: pathlib.Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    if tokenizer["model"].get("type") != "WordPiece":
        give_up(f"the vocabulary is {tokenizer['model'].get('type')}, not WordPiece")
    normalizer = tokenizer.get("normalizer") or {}
    if normalizer.get("type") not in (None, "BertNormalizer"):
        give_up(f"the text is normalised by {normalizer['type']}, not as a BERT does")
    lowercase = bool(normalizer.get("lowercase", True))
    accents = normalizer.get("strip_accents")
    writer.add_bool("tokenizer.ggml.normalizer.lowercase", lowercase)
    writer.add_bool("tokenizer.ggml.normalizer.strip_accents", lowercase if accents is None else bool(accents))
    special = {token["content"] for token in tokenizer["added_tokens"] if token["special"]}
    ids = tokenizer["model"]["vocab"]
    words = sorted(ids, key=ids.get)
    if [ids[word] for word in words] != list(range(len(words))):
        give_up("the ids of the vocabulary have gaps")
    spelled = [word if word in special else word[2:] if word.startswith("##") else WORD_BEGINS + word for word in words]
    writer.add_tokenizer_model("bert")
    writer.add_token_list(spelled)
    writer.add_token_types([gguf.TokenType.CONTROL if word in special else gguf.TokenType.NORMAL for word in words])
    for word, add in {"[UNK]": writer.add_unk_token_id, "[SEP]": writer.add_sep_token_id, "[PAD]": writer.add_pad_token_id, "[MASK]": writer.add_mask_token_id}.items():
        if word in ids:
            add(ids[word])
    writer.add_bos_token_id(ids["[CLS]"])


def convert(folder: pathlib.Path, out: pathlib.Path, matrices: type) -> None:
    config = json.loads((folder / "config.json").read_text())
    if config.get("model_type") != "bert" or config.get("position_embedding_type", "absolute") != "absolute":
        give_up(f"{folder} is no BERT with absolute positions")
    check_modules(folder)
    layers = config["num_hidden_layers"]
    partial = out.with_name(out.name + ".partial")
    writer = gguf.GGUFWriter(partial, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.BERT])
    writer.add_name(config.get("_name_or_path", "").split("/")[-1] or folder.name)
    writer.add_block_count(layers)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(pooling_of(folder))
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if matrices is numpy.float16 else gguf.LlamaFileType.ALL_F32)
    write_vocabulary(writer, folder)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, layers)
    for name, tensor in read_tensors(folder / "model.safetensors").items():
        renamed = names.get_name(name, try_suffixes=(".weight", ".bias")) or give_up(f"tensor {name} is none of a BERT's")
        small = tensor.ndim == 1 or renamed.startswith(("position_embd", "token_types"))
        writer.add_tensor(renamed, tensor.astype(numpy.float32 if small else matrices))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(partial, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, metavar="FOLDER-OR-ZIP")
    parser.add_argument("out", type=pathlib.Path, metavar="OUT.gguf")
    parser.add_argument("--type", choices=["f16", "f32"], default="f16", help="of the matrices")
    options = parser.parse_args()
    matrices = numpy.float16 if options.type == "f16" else numpy.float32
    try:
        if options.model.is_dir():
            convert(options.model, options.out, matrices)
            return
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(options.model) as archive:
            archive.extractall(folder)
            convert(pathlib.Path(folder), options.out, matrices)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        give_up(f"{options.model} is no sentence model that can be converted: {error!r}")


if __name__ == "__main__":
    main()
