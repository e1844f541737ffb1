"""Certificates made on the spot by the openssl program."""
import pathlib
import subprocess


class Pair:
    """A certificate and its key, as files."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def arguments(self) -> list[str]:
        return ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]

    def replace_by(self, other: "Pair") -> None:
        """As certbot does it: each file at once, one after the other."""
        for mine, its in ((self.cert, other.cert), (self.key, other.key)):
            new = mine.with_suffix(".new")
            new.write_bytes(its.read_bytes())
            new.rename(mine)


def openssl(*arguments) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """A CA of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.pair = Pair(folder / "ca")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj", "/CN=a CA of the tests",
                "-keyout", self.pair.key, "-out", self.pair.cert)

    @property
    def file(self) -> pathlib.Path:
        return self.pair.cert

    def issue(self, name: str, names: str = "DNS:localhost,IP:127.0.0.1", days: int = 30) -> Pair:
        """`days` below zero: it has expired."""
        pair = Pair(self.folder / name)
        request, extensions = pair.cert.with_suffix(".csr"), pair.cert.with_suffix(".ext")
        extensions.write_text(f"basicConstraints=CA:FALSE\nsubjectAltName={names}\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", pair.key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.pair.cert, "-CAkey", self.pair.key, "-CAcreateserial", "-days", days, "-extfile", extensions,
                "-out", pair.cert)
        return pair
