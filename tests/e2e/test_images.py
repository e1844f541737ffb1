"""Container images: from archives, folders and registries into root folders; what is refused, and that nothing is ever written elsewhere."""
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import threading

import pytest

from harness import leaks
from harness.image_corpus import ROWS
from harness.images import LAYER, Oci, Spy, busybox_layout, entry, folder, have_tools, layer, registry, symlink, tool
from harness.waiting import BIN, SLOWER, eventually

pytestmark = pytest.mark.skipif(not have_tools(), reason="skopeo, umoci or busybox is not installed: run `make setup`")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can keep the owners of files")


def add(server, source, name="i"):
    """The image, or the error, of an addition."""
    answer = server.request("POST", "/ebb/v1/images", {"name": name, "source": str(source)})
    last = json.loads(answer.body.splitlines()[-1])
    return last.get("image") or last["error"]


def added(server, source, name="i"):
    image = add(server, source, name)
    assert "sha256" in image, image
    return image


def refused(server, source, words):
    error = add(server, source)
    assert "message" in error, error
    assert words in error["message"], error
    return error


def root_of(server, image) -> pathlib.Path:
    return server.home / "images/roots" / image["sha256"]


def parts(server, kind) -> set[str]:
    return {path.name for path in (server.home / "images" / kind).iterdir()}


def everything(place: pathlib.Path):
    """What could be seen of a change: names, modes, owners, times, sizes."""
    look = [place, *sorted(place.rglob("*"))]
    return [(str(path), (info := path.lstat()).st_mode, info.st_uid, info.st_gid, info.st_mtime_ns, info.st_size, info.st_nlink) for path in look]


def tools_below(server) -> list[int]:
    return [pid for pid in leaks.descendants(server.pid) if (leaks.stat_of(pid) or ("",))[0] in ("skopeo", "umoci")]


def staging_is_empty(server) -> bool:
    return not parts(server, "staging")


# --- from every kind of source ---

def test_every_kind_of_source_gives_the_image(server, tmp_path):
    layout = busybox_layout(tmp_path)
    tool("skopeo", "copy", "-q", f"oci:{layout}:t", f"oci-archive:{tmp_path}/oci.tar:t")
    tool("skopeo", "copy", "-q", f"oci:{layout}:t", f"docker-archive:{tmp_path}/docker.tar:a/b:c")
    images = [added(server, source, "box") for source in (tmp_path / "oci.tar", layout, f"{layout}:t", tmp_path / "docker.tar", f"{tmp_path}/docker.tar:a/b:c")]
    # What is the same content is the same version; a Docker archive is packed anew and has another manifest.
    assert [image["version"] for image in images] == [1, 1, 1, 2, 2]
    for image in images:
        config = image["facts"]["config"]
        assert (config["entrypoint"], config["env"], config["workdir"]) == (["/bin/sh"], ["A=b"], "/etc")
        assert (image["facts"]["os"], image["facts"]["architecture"]) == ("linux", "amd64")
        assert (root_of(server, image) / "etc/motd").read_text() == "hello\n"
        assert os.readlink(root_of(server, image) / "bin/sh") == "busybox"
    done = subprocess.run([root_of(server, images[0]) / "bin/busybox", "echo", "it runs"], capture_output=True, text=True, check=True)
    assert done.stdout == "it runs\n"
    assert staging_is_empty(server)


def test_the_command_line(server, tmp_path):
    layout = busybox_layout(tmp_path)
    tool("skopeo", "copy", "-q", f"oci:{layout}:t", f"oci-archive:{tmp_path}/oci.tar:t")
    done = server.ebb("image", "add", "box", str(tmp_path / "oci.tar"))
    assert done.stdout.startswith("box@1: linux/amd64, 1 layer, ")
    assert "note: setuid bits or capabilities were taken from 1 file," in done.stderr
    assert "box@1  linux/amd64" in server.ebb("image", "ls").stdout
    shown = server.ebb("image", "show", "box").stdout
    assert "entrypoint  /bin/sh\n" in shown and "env         A=b\n" in shown
    assert json.loads(server.ebb("image", "show", "box@1", "--json").stdout)["source"] == str(tmp_path / "oci.tar")
    for arguments, words in [(["add", "box", "./absent.tar"], "there is no file or folder './absent.tar'"),
                             (["add", "Box", str(layout)], "'Box' is no name for an image"),
                             (["add", "box", "busybox"], "there is no file or folder 'busybox'"),
                             (["add", "box", "library/busybox"], "a reference names its registry"),
                             (["add", "box", "http://localhost/x"], "docker://HOST/NAME:TAG"),
                             (["add", "box", "user:secret@localhost/x"], "credentials are given once"),
                             (["show", "box@2"], "it has other versions"),
                             (["rm", "none"], "there is no image 'none'")]:
        done = server.ebb("image", *arguments, check=False)
        assert done.returncode != 0 and words in done.stderr, (arguments, done.stderr)
        assert "secret" not in done.stderr
    assert server.ebb("image", "rm", "box").stdout == "box is removed\n"
    assert "no images yet" in server.ebb("image", "ls").stderr


def test_an_image_without_a_program_says_so(server, tmp_path):
    image = added(server, Oci(layer(entry("x")), run={"Env": ["A=b"]}).write_archive(tmp_path / "a.tar"))
    assert "it has no entrypoint and no command: it cannot be deployed" in image["facts"]["notes"]


# --- what is in a root folder ---

@as_root
def test_owners_modes_and_links_are_kept(server, tmp_path):
    image = added(server, Oci(layer(folder("d", mode=0o2775, uid=7, gid=8), entry("d/f", b"x", mode=0o640, uid=1000, gid=65534), entry("d/su", b"x", mode=0o6755),
                                    folder("tmp", mode=0o1777), symlink("abs", "/etc/passwd"), symlink("up", "../../..")),
                              ).write_archive(tmp_path / "a.tar"))
    root = root_of(server, image)
    found = {name: (root / name).lstat() for name in ("d", "d/f", "d/su", "tmp")}
    assert [(oct(stat.S_IMODE(info.st_mode)), info.st_uid, info.st_gid) for info in found.values()] == [
        ("0o2775", 7, 8), ("0o640", 1000, 65534), ("0o755", 0, 0), ("0o1777", 0, 0)]
    assert (os.readlink(root / "abs"), os.readlink(root / "up")) == ("/etc/passwd", "../../..")


def test_later_layers_take_away(server, tmp_path):
    base = layer(folder("d"), entry("d/a", b"1"), entry("d/b", b"2"), folder("o"), entry("o/old", b"3"), entry("gone", b"4"))
    top = layer(entry("d/.wh.a"), entry("o/.wh..wh..opq"), entry("o/new", b"5"), entry(".wh.gone"), entry("d/c", b"6"))
    root = root_of(server, added(server, Oci(base, top).write_archive(tmp_path / "a.tar")))
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert files == ["d/b", "d/c", "o/new"]


# --- the store ---

def test_layers_are_kept_once_and_go_with_the_last_that_names_them(launch, tmp_path):
    server = launch()
    base, top = layer(entry("base", b"b" * 5000)), layer(entry("top", b"t"))
    one = added(server, Oci(base).write_archive(tmp_path / "1.tar"), "one")
    two = added(server, Oci(base, top).write_archive(tmp_path / "2.tar"), "two")
    shared = one["facts"]["layers"][0]["sha256"]
    assert two["facts"]["layers"][0]["sha256"] == shared
    assert len(parts(server, "blobs/sha256")) == 6  # two layers, two configurations, two manifests
    server.ebb("image", "rm", "one")
    assert shared in parts(server, "blobs/sha256") and parts(server, "roots") == {two["sha256"]}
    eventually(lambda: staging_is_empty(server), 20, "the removed root folder stays in staging")
    # What no row names, and what is half done, goes at the start.
    server.terminate()
    (server.home / "images/blobs/sha256" / ("0" * 64)).write_text("left")
    (server.home / "images/roots" / ("1" * 64)).mkdir()
    (server.home / "images/staging/fetch-left/deep").mkdir(parents=True)
    again = launch()
    assert parts(again, "roots") == {two["sha256"]} and "0" * 64 not in parts(again, "blobs/sha256")
    eventually(lambda: staging_is_empty(again), 20, "staging is not cleared")
    assert again.get("/ebb/v1/images/two").json["sha256"] == two["sha256"]
    again.ebb("image", "rm", "two@1")
    assert not parts(again, "blobs/sha256") and not parts(again, "roots")


# --- the corpus ---

def test_each_image_of_the_corpus_ends_as_it_must(server, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "keep").write_text("keep")
    before = everything(victim)
    wrong = []
    for number, (name, write, outcome) in enumerate(ROWS):
        place = tmp_path / f"case{number}"
        image = add(server, write(place, victim))
        got = "ok" if "sha256" in image else image["message"]
        if (outcome == "ok") != (got == "ok") or outcome not in got:
            wrong.append(f"{name}: wanted {outcome!r}, got {got!r}")
        if got != "ok" and (image["kind"] not in ("invalid", "corrupt", "too_large", "io") or str(server.home) in got or "\x1b" in got):
            wrong.append(f"{name}: {image}")
        if got != "ok" and not staging_is_empty(server):
            wrong.append(f"{name}: left {parts(server, 'staging')} in staging")
        if everything(victim) != before:
            wrong.append(f"{name}: changed what is outside")
        shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()
    assert not wrong, "\n".join(wrong)
    rows = {image["sha256"] for image in server.get("/ebb/v1/images").json["images"]}
    assert parts(server, "roots") == rows and len(rows) > 50
    for path in (server.home / "images/roots").rglob("*"):
        mode = path.lstat().st_mode
        assert stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode), path
        assert not stat.S_ISREG(mode) or not mode & 0o6000, path
        assert stat.S_ISLNK(mode) or "security.capability" not in os.listxattr(path), path


# --- registries ---

def test_from_a_registry(server, tmp_path):
    layout = busybox_layout(tmp_path)
    with registry(tmp_path / "registry") as host:
        tool("skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:t", f"docker://{host}/team/box:1")
        image = added(server, f"{host}/team/box:1")
        assert image["source"] == f"docker://{host}/team/box:1"
        by_digest = added(server, f"docker://{host}/team/box@sha256:{image['sha256']}")
        assert by_digest["version"] == image["version"]
        assert refused(server, f"{host}/team/box:2", "has no such image")["kind"] == "not_found"
        assert refused(server, f"{host}/team/none", "has no such image")["kind"] == "not_found"
    assert refused(server, f"{host}/team/box:1", "cannot be reached")["kind"] == "unavailable"
    assert staging_is_empty(server)


def test_layers_that_are_here_are_not_fetched_again(server, tmp_path):
    base = layer(entry("base", os.urandom(300_000)))
    layout = Oci(base).write_folder(tmp_path / "one")
    more = Oci(base, layer(entry("top", b"t"))).write_folder(tmp_path / "two")
    with registry(tmp_path / "registry") as host:
        for place, tag in ((layout, "one"), (more, "two")):
            tool("skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{place}", f"docker://{host}/box:{tag}")
        first = added(server, f"{host}/box:one")
        digest = first["facts"]["layers"][0]["sha256"]
        # The registry has it no more: who fetches it again fails.
        blob = tmp_path / f"registry/data/docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}/data"
        blob.write_bytes(b"")
        second = added(server, f"{host}/box:two")
        assert second["facts"]["layers"][0]["sha256"] == digest
        assert sorted(path.name for path in root_of(server, second).iterdir()) == ["base", "top"]
        # A stored layer that was damaged is noticed.
        stored = server.home / "images/blobs/sha256" / digest
        data = stored.read_bytes()
        os.chmod(stored, 0o644)
        stored.write_bytes(b"x" * len(data))
        server.ebb("image", "rm", "i@2")
        assert refused(server, f"{host}/box:two", "damaged")["kind"] == "corrupt"
    assert staging_is_empty(server)


def test_of_an_index_the_fitting_image_is_taken(server, tmp_path):
    images = {name: Oci(layer(entry(name)), config={"architecture": name}) for name in ("arm64", "amd64", "s390x")}
    with registry(tmp_path / "registry") as host:
        def push(names, tag):
            whole = Oci()
            entries = []
            for name in names:
                entries.append(images[name].manifest(platform={"os": "linux", "architecture": name}))
                whole.blobs.update(images[name].blobs)
            whole.index = {"schemaVersion": 2, "manifests": [whole.put_json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                                                                             "manifests": entries}, "application/vnd.oci.image.index.v1+json")]}
            place = whole.write_folder(tmp_path / tag)
            tool("skopeo", "copy", "-q", "--all", "--dest-tls-verify=false", f"oci:{place}", f"docker://{host}/many:{tag}")
        push(["arm64", "amd64", "s390x"], "all")
        push(["arm64", "s390x"], "others")
        assert (root_of(server, added(server, f"{host}/many:all")) / "amd64").exists()
        refused(server, f"{host}/many:others", "the image is for linux/arm64, linux/s390x; this machine is linux/amd64")


def log_in(server, host, user, password, *more):
    return subprocess.run([BIN / "ebb", "registry", "login", host, "--username", user, "--server", server.url, *more], input=password + "\n", text=True,
                          capture_output=True, check=False, timeout=60 * SLOWER)


def test_a_private_registry(server, tmp_path):
    layout = busybox_layout(tmp_path)
    with registry(tmp_path / "registry", "robot", "pass word:1") as host:
        tool("skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-creds", "robot:pass word:1", f"oci:{layout}:t", f"docker://{host}/box:1")
        assert refused(server, f"{host}/box:1", f"ebb registry login {host} --username NAME")["kind"] == "unauthorized"
        assert log_in(server, host, "robot", "wrong").returncode == 0
        assert refused(server, f"{host}/box:1", "wants a login")["kind"] == "unauthorized"
        assert log_in(server, host, "robot", "pass word:1").returncode == 0
        added(server, f"{host}/box:1")
        kept = server.home / "registry-logins.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert host in server.ebb("registry", "ls").stdout
        for place in (server.get("/ebb/v1/registries").body.decode(), server.ebb("registry", "ls", "--json").stdout, server.log()):
            assert "pass word" not in place and "wrong" not in place
        server.ebb("registry", "logout", host)
        assert "pass word" not in kept.read_text()
        refused(server, f"{host}/box:1", "wants a login")
    assert log_in(server, host, "", "x").returncode != 0
    assert "there is no password on stdin" in log_in(server, host, "me", "").stderr
    assert "is no registry" in log_in(server, "no/host", "me", "x").stderr


def bearer(realm: str):
    return 401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="x",scope="repository:box:pull"'}, b"{}"


def test_a_login_is_shown_to_its_own_registry_only(server):
    nothing = lambda spy, request: (404, {}, b"{}")
    token = lambda spy, request: (200, {"Content-Type": "application/json"}, b'{"token":"t"}')
    with Spy(token) as elsewhere:
        evil = f"http://{elsewhere.host}"

        def at(answer):
            """A registry whose login is stored, asked for an image."""
            with Spy(answer) as asked:
                assert log_in(server, asked.host, "robot", "s3cret").returncode == 0
                error = add(server, f"{asked.host}/box:1")
                assert "message" in error, error
                server.ebb("registry", "logout", asked.host)
                return asked, error

        # The realm of the challenge is another server.
        asked, error = at(lambda spy, request: bearer(evil + "/token"))
        assert f"wants its password sent to {evil}, another server; it was not sent" in error["message"]
        assert not asked.saw("robot", "s3cret") and not elsewhere.requests
        # What two parsers could read in two ways.
        for realm in (evil + "\\\\@x/token", "//" + elsewhere.host + "/token", "http://robot@" + elsewhere.host + "/token"):
            at(lambda spy, request: bearer(realm))
        # The registry's own server passes the request on to another.
        at(lambda spy, request: (307, {"Location": evil + request.path}, b"") if request.path.startswith("/token") else bearer(f"http://{spy.host}/token"))
        at(lambda spy, request: (307, {"Location": evil + request.path}, b""))
        # One that wants the password itself passes it on as a redirect.
        at(lambda spy, request: (307, {"Location": evil + request.path}, b"") if "authorization" in request.headers
           else (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"{}"))
        assert not elsewhere.saw("robot", "s3cret"), elsewhere.requests
        # Another registry gets nothing of it.
        with Spy(nothing) as other, Spy(nothing) as own:
            assert log_in(server, own.host, "robot", "s3cret").returncode == 0
            add(server, f"{other.host}/box:1")
            assert other.requests and not other.saw("robot", "s3cret")
    # A token server that the owner named is sent it; so the tests above would have seen it.
    with Spy(token) as tokens, Spy(lambda spy, request: bearer(f"http://{tokens.host}/token")) as own:
        assert log_in(server, own.host, "robot", "s3cret", "--token-server", f"http://{tokens.host}").returncode == 0
        add(server, f"{own.host}/box:1")
        assert tokens.saw("robot", "s3cret") and not own.saw("robot", "s3cret")


def test_a_login_reaches_its_registry(server):
    with Spy(lambda spy, request: (404, {}, b"{}") if "authorization" in request.headers else (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"{}")) as own:
        assert log_in(server, own.host, "robot", "s3cret").returncode == 0
        add(server, f"{own.host}/box:1")
        assert own.saw("robot", "s3cret")


# --- fetches that are stopped ---

class Stalling:
    """A registry that takes a request and says nothing until it is let go."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()

    def __call__(self, spy, request):
        self.asked.set()
        self.go.wait(120)
        return 404, {}, b"{}"


def start_adding(server, source):
    body = json.dumps({"name": "i", "source": source}).encode()
    connection = server.socket()
    connection.sendall(b"POST /ebb/v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    return connection


def test_who_leaves_ends_the_tools(server):
    stalling = Stalling()
    with Spy(stalling) as slow:
        connection = start_adding(server, f"{slow.host}/box:1")
        assert stalling.asked.wait(30 * SLOWER)
        pids = eventually(lambda: tools_below(server), 20, "no tool runs")
        status = pathlib.Path(f"/proc/{pids[0]}/status").read_text()
        assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status and "CapEff:\t0000000000000000" in status
        mounts = [line.split() for line in pathlib.Path(f"/proc/{pids[0]}/mountinfo").read_text().splitlines()]
        writable = [fields[4] for fields in mounts if "ro" not in fields[5].split(",")]
        assert len(writable) == 1 and writable[0].startswith(str(server.home / "images/staging")), writable
        # Of our descriptors it has three, and none that leads to a mount in which more can be written.
        own = pathlib.Path(f"/proc/{pids[0]}")
        kept = {path.name: os.readlink(path) for path in (own / "fd").iterdir()}
        assert kept["0"] == "/dev/null" and kept["1"].endswith("/source/answer") and kept["9"].startswith("/memfd:auth"), kept
        known = {line.split()[0] for line in (own / "mountinfo").read_text().splitlines()}
        for number, target in kept.items():
            mount = next(line.split()[1] for line in (own / "fdinfo" / number).read_text().splitlines() if line.startswith("mnt_id:"))
            assert number in ("0", "1") or not target.startswith("/") or target.startswith("/memfd:") or mount in known, (number, target)
        connection.close()
        eventually(lambda: not any(map(leaks.is_alive, pids)), 20, "the tool outlives its caller")
        eventually(lambda: staging_is_empty(server), 20, "what was half done stays")
        stalling.go.set()


def test_the_tools_end_with_the_server(launch):
    server = launch()
    stalling = Stalling()
    with Spy(stalling) as slow:
        connection = start_adding(server, f"{slow.host}/box:1")
        assert stalling.asked.wait(30 * SLOWER)
        pids = eventually(lambda: tools_below(server), 20, "no tool runs")
        server.kill()
        eventually(lambda: not any(map(leaks.is_alive, pids)), 20, "the tool outlives the server")
        connection.close()
        stalling.go.set()
    again = launch()
    eventually(lambda: staging_is_empty(again), 20, "what was half done stays")


# --- with less ---

def fetch(store: pathlib.Path, source, before=(), **options) -> dict:
    """ebb-fetch alone, over a store; its last line. `before`: a command that starts it."""
    directory = os.open(store, os.O_RDONLY | os.O_DIRECTORY)
    try:
        done = subprocess.run(["bash", "-c", f'exec "$@" 3<&{directory}', "bash", *before, BIN / "ebb-fetch"], input=json.dumps({"image": str(source)}),
                              text=True, capture_output=True, pass_fds=[directory], check=False, timeout=120 * SLOWER, **options)
    finally:
        os.close(directory)
    return json.loads(done.stdout.splitlines()[-1])


@as_root
def test_without_root_it_unpacks_what_it_can():
    """As the user nobody: owners cannot be kept, all else holds."""
    place = pathlib.Path(tempfile.mkdtemp())
    try:
        os.chmod(place, 0o755)
        (place / "store").mkdir()
        os.chown(place / "store", 65534, 65534)
        oci = Oci(layer(folder("closed", mode=0o555), entry("closed/f", b"x", mode=0o400, uid=5, gid=6), entry("su", b"x", mode=0o4711),
                        entry("null", kind=b"3", devmajor=1, devminor=3)), layer(entry("closed/.wh.f"), entry("closed/g", b"y")))
        source = oci.write_archive(place / "a.tar")
        os.chmod(source, 0o644)
        last = fetch(place / "store", source, user=65534, group=65534, extra_groups=[])
        assert "image" in last, last
        root = place / "store/roots" / last["image"]["sha256"]
        assert {path.name for path in root.rglob("*")} >= {"closed", "g", "su"}
        assert all(path.lstat().st_uid == 65534 for path in root.rglob("*"))
        assert stat.S_IMODE((root / "su").stat().st_mode) == 0o711
        assert any("without root" in note for note in last["image"]["facts"]["notes"])
        assert not list((place / "store/staging").iterdir())
    finally:
        shutil.rmtree(place)


@as_root
def test_without_its_tools_it_says_what_to_install(tmp_path):
    """In a mount namespace in which umoci is nothing that could be started."""
    (tmp_path / "store").mkdir()
    hide = 'mount --bind /dev/null "$(readlink -f "$(command -v umoci)")"; exec "$@"'
    last = fetch(tmp_path / "store", Oci(layer(entry("x"))).write_archive(tmp_path / "a.tar"), before=["unshare", "-m", "sh", "-c", hide, "sh"])
    assert last["error"]["kind"] == "unavailable" and "apt-get install umoci" in last["error"]["message"], last


@as_root
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    """A file system that the image does not fit into."""
    disk = tmp_path / "disk"
    disk.mkdir()
    tool("mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", disk)
    try:
        oci = Oci(layer(*(entry(f"f{i}", os.urandom(1 << 20)) for i in range(30))))
        last = fetch(disk, oci.write_archive(tmp_path / "a.tar"))
        assert last["error"]["kind"] == "exhausted" and "disk" in last["error"]["message"], last
        assert not list((disk / "staging").iterdir()) and not list((disk / "roots").iterdir())
    finally:
        tool("umount", disk)
