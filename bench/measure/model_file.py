"""What a model file makes an engine read and hold for each token."""
import pathlib

from gguf import GGUFReader


class ModelFile:
    """weight_bytes: of all tensors that one token takes; kv_bytes: of one token in the cache, in 16 bits."""

    def __init__(self, path: pathlib.Path) -> None:
        reader = GGUFReader(path)
        sizes = {tensor.name: int(tensor.n_bytes) for tensor in reader.tensors}
        # Of the table of embeddings a token takes one row, unless the table is the output's matrix too.
        if "output.weight" in sizes:
            sizes.pop("token_embd.weight")
        self.weight_bytes = sum(sizes.values())

        architecture = reader.get_field("general.architecture").contents()

        def number(key: str, otherwise: int | None = None) -> int:
            field = reader.get_field(f"{architecture}.{key}")
            return otherwise if field is None else int(field.contents())

        heads = number("attention.head_count")
        width = number("attention.key_length", number("embedding_length") // heads) + number("attention.value_length", number("embedding_length") // heads)
        self.kv_bytes = number("block_count") * number("attention.head_count_kv", heads) * width * 2
