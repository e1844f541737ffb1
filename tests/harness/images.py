"""Container images made without a daemon: from busybox by umoci, and byte by byte for what no tool would write. A registry to fetch them from."""
import base64
import contextlib
import gzip
import hashlib
import http.server
import io
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tarfile
import threading
import urllib.request

from harness.waiting import ROOT, eventually

PYTHON_ROOT = ROOT / "deps/images/python.oci.tar"  # tools/python_root.sh
LAYER = "application/vnd.oci.image.layer.v1.tar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


def tool(*arguments, **options) -> subprocess.CompletedProcess:
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, check=False, timeout=120, **options)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done


def have_tools() -> bool:
    return all(shutil.which(name) for name in ("skopeo", "umoci", "busybox", "docker-registry", "htpasswd", "zstd"))


def busybox_layout(folder: pathlib.Path, tag: str = "t", *config: str) -> pathlib.Path:
    """An OCI layout with one image: busybox, /bin/sh, a file of another user and a setuid program."""
    root = folder / "busybox-root"
    (root / "bin").mkdir(parents=True)
    (root / "etc").mkdir()
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    (root / "etc/motd").write_text("hello\n")
    if os.geteuid() == 0:
        os.chown(root / "etc/motd", 123, 456)
    os.chmod(root / "bin/busybox", 0o4755)
    layout = folder / "layout"
    tool("umoci", "init", "--layout", layout)
    tool("umoci", "new", "--image", f"{layout}:{tag}")
    tool("umoci", "insert", "--rootless", "--image", f"{layout}:{tag}", root, "/") if os.geteuid() else tool("umoci", "insert", "--image", f"{layout}:{tag}", root, "/")
    tool("umoci", "config", "--image", f"{layout}:{tag}", *(config or ("--config.entrypoint", "/bin/sh", "--config.env", "A=b", "--config.workingdir", "/etc")))
    return layout


def web_image(folder: pathlib.Path, scripts: dict[str, str]) -> pathlib.Path:
    """An OCI archive: busybox's web server, which runs the scripts at /cgi-bin/NAME. One that begins with '!' runs before the answer's head."""
    root = folder / "root"
    (root / "bin").mkdir(parents=True)
    (root / "srv/cgi-bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in ("sh", "cat", "echo", "id", "hostname", "ls", "tr", "kill", "pidof", "sleep", "nc", "wget", "head", "wc"):
        (root / "bin" / name).symlink_to("busybox")
    for name, script in scripts.items():
        path = root / "srv/cgi-bin" / name
        head = "printf 'Content-Type: text/plain\\r\\n\\r\\n'"
        path.write_text(f"#!/bin/sh\n{script[1:]}\n{head}\n" if script.startswith("!") else f"#!/bin/sh\n{head}\n{script}\n")
        path.chmod(0o755)
    (root / "srv/index.html").write_text("a page\n")
    layout = folder / "layout"
    tool("umoci", "init", "--layout", layout)
    tool("umoci", "new", "--image", f"{layout}:a")
    for part in ("bin", "srv"):
        tool("umoci", "insert", "--image", f"{layout}:a", root / part, f"/{part}")
    tool("umoci", "config", "--image", f"{layout}:a", "--config.env", "PATH=/bin", "--config.user", "1000:1000", "--config.cmd", "sh", "--config.cmd", "-c",
         "--config.cmd", "exec httpd -f -p $PORT -h /srv")
    archive = folder / "web.oci.tar"
    tool("skopeo", "copy", f"oci:{layout}:a", f"oci-archive:{archive}:a")
    return archive


def why_no_python() -> str:
    """What keeps images with Python from being made here, for a test's reason to be skipped; '' if nothing does."""
    if not have_tools():
        return "skopeo, umoci or busybox is missing: run `make setup`"
    return "" if PYTHON_ROOT.exists() else "the base image with Python is not in deps/images: run tools/python_root.sh, which says why it cannot be made"


def python_image(folder: pathlib.Path, files: dict, *, command=(), entrypoint=(), env: dict | None = None, labels: dict | None = None, user: str = "",
                 workingdir: str = "", name: str = "function") -> pathlib.Path:
    """An OCI archive, FOLDER/NAME.oci.tar: Python 3.11 with busybox as /bin/sh, and on it `files`, {"/app/main.py": text, bytes or the Path of a
    file or folder}. Whoever calls it skips first by why_no_python(). Takes 0.3 s."""
    work = folder / f"{name}.work"
    layout = f"{work}/layout:{name}"
    work.mkdir(parents=True)
    tool("skopeo", "copy", f"oci-archive:{PYTHON_ROOT}:python", f"oci:{layout}")
    for path, content in files.items():
        to = work / "root" / path.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pathlib.Path):
            shutil.copytree(content, to, symlinks=True) if content.is_dir() else shutil.copy(content, to)
        else:
            to.write_bytes(content if isinstance(content, bytes) else content.encode())
    rootless = ["--rootless"] if os.geteuid() else []
    for part in sorted((work / "root").iterdir()) if files else []:
        tool("umoci", "insert", *rootless, "--image", layout, part, f"/{part.name}")
    config = [f"--config.{kind}={value}" for kind, values in (("cmd", command), ("entrypoint", entrypoint)) for value in values]
    config += [f"--config.{kind}={key}={value}" for kind, values in (("env", env), ("label", labels)) for key, value in (values or {}).items()]
    config += [f"--config.{kind}={value}" for kind, value in (("user", user), ("workingdir", workingdir)) if value]
    if config:
        tool("umoci", "config", "--image", layout, *config)
    archive = folder / f"{name}.oci.tar"
    tool("skopeo", "copy", f"oci:{layout}", f"oci-archive:{archive}:{name}")
    shutil.rmtree(work)
    return archive


# --- layers and images, byte by byte ---

def entry(name: str, data: bytes | None = None, kind: bytes | None = None, link: str = "", mode: int = 0o644, **fields) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind or tarfile.REGTYPE
    info.linkname = link
    info.mode = mode
    info.size = len(data or b"")
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data or b""


def folder(name: str, mode: int = 0o755, **fields):
    return entry(name, kind=tarfile.DIRTYPE, mode=mode, **fields)


def symlink(name: str, target: str):
    return entry(name, kind=tarfile.SYMTYPE, link=target, mode=0o777)


def hardlink(name: str, target: str):
    return entry(name, kind=tarfile.LNKTYPE, link=target)


def layer(*entries, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def sha(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


class Oci:
    """An OCI layout in memory; what is wrong with it is changed before it is written."""

    def __init__(self, *layers: bytes, config: dict | None = None, run: dict | None = None, compress=zipped, media_type: str = LAYER + "+gzip") -> None:
        self.blobs: dict[str, bytes] = {}
        self.layers = []
        for plain in layers:
            packed = compress(plain)
            self.layers.append({"mediaType": media_type, "digest": self.put(packed), "size": len(packed)})
        self.config = {"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/x"]} if run is None else run,
                       "rootfs": {"type": "layers", "diff_ids": [sha(plain) for plain in layers]}, **(config or {})}
        self.config_type = CONFIG
        self.manifest_changes: dict = {}
        self.index: dict | None = None
        self.files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
        self.after = lambda oci: None  # called when all is there

    def put(self, data: bytes) -> str:
        self.blobs[sha(data)] = data
        return sha(data)

    def put_json(self, value, media_type: str, **more) -> dict:
        data = json.dumps(value).encode()
        return {"mediaType": media_type, "digest": self.put(data), "size": len(data), **more}

    def manifest(self, **more) -> dict:
        """The descriptor of the manifest."""
        config = self.put_json(self.config, self.config_type)
        return self.put_json({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": self.layers, **self.manifest_changes}, MANIFEST, **more)

    def contents(self) -> dict[str, bytes]:
        index = self.index or {"schemaVersion": 2, "manifests": [self.manifest()]}
        self.files.setdefault("index.json", json.dumps(index).encode())
        self.after(self)
        return {**self.files, **{"blobs/" + digest.replace(":", "/"): data for digest, data in self.blobs.items()}}

    def write_archive(self, path: pathlib.Path, *more) -> pathlib.Path:
        path.write_bytes(layer(*(entry(name, data) for name, data in self.contents().items()), *more))
        return path

    def write_folder(self, path: pathlib.Path) -> pathlib.Path:
        for name, data in self.contents().items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
        return path


# --- registries ---

def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def registry(folder: pathlib.Path, user: str = "", password: str = ""):
    """The distribution's registry on a loopback port; yields "127.0.0.1:PORT"."""
    folder.mkdir()
    port = free_port()  # taken again at once: a clash shows as a registry that never answers
    auth = ""
    if user:
        hashed = tool("htpasswd", "-nbB", user, password).stdout.strip()
        (folder / "htpasswd").write_text(hashed + "\n")
        auth = f"auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n"
    (folder / "config.yml").write_text(f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n{auth}")
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", folder / "config.yml"], stdout=log, stderr=log, start_new_session=True)
    try:
        eventually(lambda: answers(port), 20, "the registry never answered")
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(20)


def answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return True


class Spy:
    """A server that answers as it is told and keeps what it was sent."""

    def __init__(self, answer) -> None:
        spy = self
        self.requests: list[tuple[str, dict[str, str]]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                spy.requests.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
                status, headers, body = answer(spy, self)
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> "Spy":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def saw(self, user: str, password: str) -> bool:
        """Whether it was ever sent the credential."""
        secret = base64.b64encode(f"{user}:{password}".encode()).decode()
        return any(secret in value or password in value for _, headers in self.requests for value in headers.values()) or any(password in path for path, _ in self.requests)
