"""Search by meaning in this repository's own documents: no index, no server beside Ebb, only vectors. Questions are arguments, or lines of standard input.

ebb deploy sentences --model deps/models/onnx/sentences
python examples/search.py "who pays for a crash?"
"""
import os
import pathlib
import re
import sys

from openai import OpenAI

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
CHARACTERS = 400  # of a piece: the model reads 256 tokens, and a table can have one for every other character
BATCH = 32

client = OpenAI()
model = os.environ.get("EMBEDDING_MODEL", "sentences")


def paragraphs(path):
    """Each paragraph with the heading that it stands under."""
    heading, lines, is_code = path.stem, [], False
    for line in [*path.read_text().splitlines(), ""]:
        is_code ^= line.startswith("```")
        is_heading = line.startswith("#") and not is_code
        if is_heading or not line.strip():
            yield heading, "\n".join(lines)
            lines = []
        if is_heading:
            heading = line.lstrip("# ")
        elif line.strip():
            lines.append(line)


def pieces(path):
    """(heading, text) of what is embedded: paragraphs under one heading together, as long as they fit."""
    heading, text = "", ""
    for under, paragraph in paragraphs(path):
        for part in re.findall(rf"(?s).{{1,{CHARACTERS}}}(?:\s|$)", paragraph):
            if text and (under != heading or len(text) + len(part) > CHARACTERS):
                yield heading, text
                text = ""
            heading, text = under, text + part.strip() + "\n"
    if text:
        yield heading, text


def embed(texts):
    return [item.embedding for at in range(0, len(texts), BATCH) for item in client.embeddings.create(model=model, input=texts[at : at + BATCH]).data]


found = [(path.relative_to(ROOT), heading, text) for path in DOCUMENTS for heading, text in pieces(path)]
vectors = embed([f"{heading}\n{text}" for _, heading, text in found])
print(f"{len(found)} pieces of {len(DOCUMENTS)} documents", file=sys.stderr)

for question in sys.argv[1:] or map(str.strip, sys.stdin):
    asked = embed([question])[0]
    scores = [sum(a * b for a, b in zip(asked, vector)) for vector in vectors]
    print(question)
    for number in sorted(range(len(found)), key=scores.__getitem__, reverse=True)[:3]:
        path, heading, text = found[number]
        print(f"  {scores[number]:.2f}  {path}: {heading}\n        {' '.join(text.split())[:140]}")
