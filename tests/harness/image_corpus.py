"""About a hundred and forty images that are wrong in one way each, or odd but right, and what must become of each.

A row is (name, how it is written, outcome). The outcome is "ok", or words of the refusal. `victim` is a folder outside, which absolute links in
images lead to; nothing may ever change in it.
"""
import bz2
import json
import os
import pathlib
import subprocess
import tarfile

from harness.images import CONFIG, INDEX, LAYER, MANIFEST, Oci, entry, folder, hardlink, layer, sha, symlink, zipped

PLAIN = (folder("d"), entry("d/f", b"hello"), entry("x", b"#!", mode=0o755))


def archive(make):
    """A row's writer for an image that `make(victim)` gives: an Oci, or the bytes of a file."""
    def write(path: pathlib.Path, victim: pathlib.Path) -> pathlib.Path:
        made = make(victim)
        if isinstance(made, Oci):
            return made.write_archive(path)
        if isinstance(made, bytes):
            path.write_bytes(made)
        return path
    return write


def one(*entries, **options):
    """An image of one layer with these entries on top of a sound one."""
    return archive(lambda victim: Oci(layer(*PLAIN, *entries), **options))


def raw_header(name: bytes, size_field: bytes, kind: bytes = b"0", uid_field: bytes = b"0000000\0") -> bytes:
    """A header that tarfile would not write, with its right checksum."""
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108], block[108:116], block[116:124] = b"0000644\0", uid_field, b"0000000\0"
    block[124:136], block[136:148], block[156:157] = size_field, b"00000000000\0", kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


END = bytes(1024)


def base256(value: int, width: int = 12) -> bytes:
    field = bytearray((value & (1 << 8 * width) - 1).to_bytes(width, "big"))
    field[0] = (field[0] & 0x7f) | 0x80 if value >= 0 else 0xff
    return bytes(field)


def pax(name: str, data: bytes = b"", **headers):
    info, data = entry(name, data)
    info.pax_headers = headers
    return info, data


def sparse_layer() -> bytes:
    """One file of a TiB that is all hole."""
    import tempfile
    with tempfile.TemporaryDirectory() as place:
        os.truncate(os.open(f"{place}/hole", os.O_CREAT | os.O_WRONLY), 1 << 40)
        return subprocess.run(["tar", "-C", place, "-cSf", "-", "hole"], check=True, capture_output=True).stdout


def nodes():
    device = {"devmajor": 1, "devminor": 3}
    return [folder("dev"), entry("dev/null", kind=tarfile.CHRTYPE, **device), entry("dev/sda", kind=tarfile.BLKTYPE, **device), entry("pipe", kind=tarfile.FIFOTYPE)]


def changed(change, *layers, **options):
    """An image whose parts `change(oci)` spoils once all of them are there."""
    def make(victim):
        oci = Oci(*(layers or (layer(*PLAIN),)), **options)
        oci.after = change
        return oci
    return archive(make)


def spoil_blob(oci: Oci, digest: str) -> None:
    data = bytearray(oci.blobs[digest])
    data[len(data) // 2] ^= 0xff
    oci.blobs[digest] = bytes(data)


def spoil_layer(oci):
    spoil_blob(oci, oci.layers[0]["digest"])


def index_of(oci: Oci) -> dict:
    return json.loads(oci.files["index.json"])


def own_manifest(oci: Oci) -> dict:
    return json.loads(oci.blobs[index_of(oci)["manifests"][0]["digest"]])


def with_manifest(change):
    """An image whose manifest is changed, with its digest right again."""
    def make(victim):
        oci = Oci(layer(*PLAIN))
        descriptor = oci.manifest()
        manifest = json.loads(oci.blobs[descriptor["digest"]])
        manifest = change(manifest) or manifest
        data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        oci.index = {"schemaVersion": 2, "manifests": [{"mediaType": MANIFEST, "digest": oci.put(data), "size": len(data)}]}
        return oci
    return archive(make)


def set_in(*path_and_value):
    *path, last, value = path_and_value

    def change(manifest):
        place = manifest
        for key in path:
            place = place[key]
        place[last] = value
    return change


def platforms(*names, own: bool = True):
    """An index of images for these platforms; that of this machine is a real one."""
    def make(victim):
        entries = []
        whole = Oci(layer(*PLAIN))
        for name in names:
            os_name, _, architecture = name.partition("/")
            other = Oci(layer(*PLAIN), config={"architecture": architecture, "os": os_name})
            entries.append(other.manifest(platform={"os": os_name, "architecture": architecture}))
            whole.blobs.update(other.blobs)
        inner = whole.put_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, INDEX)
        whole.index = {"schemaVersion": 2, "manifests": [inner]} if own else {"schemaVersion": 2, "manifests": entries}
        return whole
    return archive(make)


def nested(depth: int):
    def make(victim):
        oci = Oci(layer(*PLAIN))
        descriptor = oci.manifest()
        for _ in range(depth):
            descriptor = oci.put_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]}, INDEX)
        oci.index = {"schemaVersion": 2, "manifests": [descriptor]}
        return oci
    return archive(make)


def named(*names, choose: str = ""):
    """A layout folder with an image for each name."""
    def write(path: pathlib.Path, victim: pathlib.Path):
        oci = Oci(layer(*PLAIN))
        entries = []
        for name in names:
            oci.config["config"] = {"Entrypoint": ["/" + name]}
            entries.append(oci.manifest(annotations={"org.opencontainers.image.ref.name": name}))
        oci.index = {"schemaVersion": 2, "manifests": entries}
        written = oci.write_folder(path)
        return f"{written}:{choose}" if choose else written
    return write


def index_with(index: dict):
    def make(victim):
        oci = Oci(layer(*PLAIN))
        oci.manifest()
        oci.index = index
        return oci
    return archive(make)


def docker(change=lambda files: None):
    """A Docker archive of one image; `change(files)` spoils its files."""
    def make(victim):
        plain = layer(*PLAIN)
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/x"]}, "rootfs": {"type": "layers", "diff_ids": [sha(plain)]}}).encode()
        files = {"config.json": config, "one/layer.tar": plain,
                 "manifest.json": json.dumps([{"Config": "config.json", "RepoTags": ["a:b"], "Layers": ["one/layer.tar"]}]).encode()}
        change(files)
        return layer(*(data if isinstance(data, tuple) else entry(name, data) for name, data in files.items()))
    return archive(make)


def in_docker_manifest(key, value):
    def change(files):
        manifest = json.loads(files["manifest.json"])
        manifest[0][key] = value
        files["manifest.json"] = json.dumps(manifest).encode()
    return change


def outer(*more):
    """A sound image in an archive with more entries."""
    def write(path: pathlib.Path, victim: pathlib.Path):
        return Oci(layer(*PLAIN)).write_archive(path, *(make(victim) if callable(make) else make for make in more))
    return write


def outer_changed(change):
    return archive(lambda victim: change(layer(*(entry(name, data) for name, data in Oci(layer(*PLAIN)).contents().items()))))


def through(*layers_of):
    """Layers that lead out by a link to the victim's folder."""
    return archive(lambda victim: Oci(*(layer(*(make(str(victim)) if callable(make) else make for make in entries)) for entries in layers_of)))


def config_of(**config):
    return archive(lambda victim: Oci(layer(*PLAIN), config=config))


def run_of(**run):
    return archive(lambda victim: Oci(layer(*PLAIN), run=run))


def folder_with(files: dict):
    def write(path: pathlib.Path, victim: pathlib.Path):
        oci = Oci(layer(*PLAIN))
        oci.write_folder(path)
        for name, target in files.items():
            (path / name).unlink()
            if target is not None:
                (path / name).symlink_to(victim / target)
        return path
    return write


def special(make):
    def write(path: pathlib.Path, victim: pathlib.Path):
        make(path)
        return path
    return write


def garbage_layer(data: bytes, compress=zipped, media_type: str = LAYER + "+gzip"):
    return archive(lambda victim: Oci(data, compress=compress, media_type=media_type))


GZIP, ZSTD = LAYER + "+gzip", LAYER + "+zstd"


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-c"], input=data, check=True, capture_output=True).stdout


PATHS = [
    ("plain", one(), "ok"),
    ("dotdot", one(entry("../evil")), "leads upward"),
    ("dotdot in the middle", one(entry("d/../../evil")), "leads upward"),
    ("dotdot that stays inside", one(entry("d/../e")), "leads upward"),
    ("dotdot at the end", one(folder("d/..")), "leads upward"),
    ("dot dotdot", one(entry("./../evil")), "leads upward"),
    ("absolute", one(entry("/d/abs", b"inside")), "ok"),
    ("two slashes", one(entry("//d//abs", b"inside")), "ok"),
    ("absolute dotdot", one(entry("/../evil")), "leads upward"),
    ("three dots", one(entry("d/...", b"a name")), "ok"),
    ("backslashes", one(entry("d\\..\\..\\evil", b"a name")), "ok"),
    ("long name", one(entry("n" * 255)), "ok"),
    ("too long a name", one(entry("n" * 256)), "name that is too long"),
    ("too long a path", one(entry("/".join(["p" * 200] * 25))), "path that is too long"),
    ("deep", one(entry("/".join("d" * 100))), "ok"),
    ("too deep", one(entry("/".join("d" * 130))), "too deep"),
    ("newline", one(entry("d/a\nb")), "ok"),
    ("escape sequence refused and not shown", one(entry("../\x1b[31mred")), "leads upward"),
    ("UTF-8", one(entry("d/größe", b"1")), "ok"),
    ("no UTF-8", archive(lambda v: Oci(layer(*PLAIN, entry("d/gr\udcf6e", b"1"), form=tarfile.GNU_FORMAT))), "ok"),
    ("NUL in a pax path", one(pax("d/n", path="d/n\0/../../evil")), "umoci"),
    ("dotdot in a pax path", one(pax("d/n", path="../evil")), "leads upward"),
    ("dotdot in a GNU long name", archive(lambda v: Oci(layer(entry("d/" * 60 + "../" * 70 + "evil"), form=tarfile.GNU_FORMAT))), "leads upward"),
    ("root alone", one(folder("./")), "ok"),
    ("root as a file", one(entry("/", b"x")), "damaged"),
    ("the same file twice", one(entry("twice", b"first"), entry("twice", b"second")), "ok"),
    ("a file, then a folder", one(entry("both", b"x"), folder("both")), "ok"),
    ("a folder, then a file", one(folder("both"), entry("both", b"x")), "ok"),
    ("below a file", one(entry("d/f/under", b"x")), "umoci"),
]

LINKS = [
    ("absolute symbolic link", one(symlink("bin", "/usr/bin")), "ok"),
    ("symbolic link upward", one(symlink("up", "../../../../etc/passwd")), "ok"),
    ("symbolic link to itself", one(symlink("loop", "loop")), "ok"),
    ("symbolic link to nothing", one(entry("no", kind=tarfile.SYMTYPE, link="")), "cannot be"),
    ("write through an absolute link", through([lambda v: symlink("out", v), entry("out/evil", b"x")]), "ok"),
    ("write through a relative link", through([lambda v: symlink("out", "../" * 20 + v[1:]), entry("out/evil", b"x")]), "ok"),
    ("write through a chain of links", through([lambda v: symlink("a", "b"), symlink("b", "c"), lambda v: symlink("c", v), entry("a/evil", b"x")]), "ok"),
    ("write through a link of another layer", through([lambda v: symlink("out", v)], [entry("out/evil", b"x")]), "ok"),
    ("folder through a link", through([lambda v: symlink("out", v), folder("out/evil")]), "ok"),
    ("folder over a link", through([lambda v: symlink("out", v), folder("out", mode=0o777), entry("out/evil", b"x")]), "ok"),
    ("mode through a link", through([lambda v: symlink("out", v + "/keep"), entry("out", b"x", mode=0o777)]), "ok"),
    ("link through a link", through([lambda v: symlink("out", v), symlink("out/evil", "/etc")]), "ok"),
    ("hard link through a link", through([entry("f", b"x"), lambda v: symlink("out", v), hardlink("out/evil", "f")]), "ok"),
    ("overwrite through a link", through([lambda v: symlink("out", v), entry("out/keep", b"x")]), "ok"),
    ("whiteout through a link", through([lambda v: symlink("out", v)], [entry("out/.wh.keep")]), "ok"),
    ("opaque through a link", through([lambda v: symlink("out", v)], [entry("out/.wh..wh..opq")]), "ok"),
    ("the root as a link", through([lambda v: symlink("./", v), entry("evil", b"x")]), "umoci"),
    ("hard link", one(hardlink("d/g", "d/f")), "ok"),
    ("hard link upward", one(hardlink("g", "../../etc/passwd")), "not in the image"),
    ("absolute hard link", one(hardlink("g", "/etc/passwd")), "umoci"),
    ("hard link to nothing", one(hardlink("g", "d/none")), "umoci"),
    ("hard link to itself", one(hardlink("g", "g")), "umoci"),
    ("hard link to a link that leads out", through([lambda v: symlink("out", v + "/keep"), hardlink("g", "out"), entry("g", b"x")]), "ok"),
    ("hard link to what is below a link", through([lambda v: symlink("out", v), hardlink("g", "out/keep")]), "umoci"),
    ("hard link with data", one((tarfile.TarInfo("g"), b""), hardlink("h", "d/f")), "ok"),
]

NODES = [
    ("devices and a pipe", one(*nodes()), "ok"),
    ("a device, then a file", one(entry("n", kind=tarfile.CHRTYPE, devmajor=1, devminor=3), entry("n", b"x")), "ok"),
    ("a file behind a device", one(entry("n", kind=tarfile.CHRTYPE, devmajor=1, devminor=1), hardlink("m", "n")), "ok"),
    ("setuid", one(entry("su", b"x", mode=0o4755)), "ok"),
    ("setgid", one(entry("sg", b"x", mode=0o2755)), "ok"),
    ("setuid by a hard link", one(entry("su", b"x", mode=0o4755), hardlink("su2", "su")), "ok"),
    ("setgid folder", one(folder("shared", mode=0o2775)), "ok"),
    ("sticky folder", one(folder("tmp", mode=0o1777)), "ok"),
    ("capability of a file", one(pax("ping", b"x", **{"SCHILY.xattr.security.capability": "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"})), "ok"),
    ("trusted attribute", one(pax("o", b"x", **{"SCHILY.xattr.trusted.overlay.opaque": "y"})), "extended attribute"),
    ("attribute of the kernel's", one(pax("o", b"x", **{"SCHILY.xattr.security.ima": "y"})), "extended attribute"),
    ("high user", one(entry("h", b"x", uid=1_000_680_000, gid=70_000)), "ok"),
    ("user that means nobody", archive(lambda v: Oci(raw_header(b"h", b"00000000000\0", uid_field=base256(0xffffffff, 8)) + END)), "cannot be"),
    ("user below zero", archive(lambda v: Oci(raw_header(b"h", b"00000000000\0", uid_field=base256(-5, 8)) + END)), "cannot be"),
]

WHITEOUTS = [
    ("removed by a later layer", archive(lambda v: Oci(layer(*PLAIN), layer(entry("d/.wh.f")))), "ok"),
    ("opaque folder", archive(lambda v: Oci(layer(*PLAIN), layer(entry("d/.wh..wh..opq"), entry("d/new", b"x")))), "ok"),
    ("folder removed", archive(lambda v: Oci(layer(*PLAIN), layer(entry(".wh.d")))), "ok"),
    ("removed and made again", archive(lambda v: Oci(layer(*PLAIN), layer(entry(".wh.d")), layer(folder("d"), entry("d/again", b"x")))), "ok"),
    ("removes what is not there", one(entry(".wh.none")), "ok"),
    ("removes what its own layer has", one(entry("d/.wh.f")), "ok"),
    ("removes nothing", one(entry("d/.wh.")), "nothing that could be removed"),
    ("removes its folder", one(entry("d/.wh..")), "nothing that could be removed"),
    ("removes the folder above", one(entry("d/.wh...")), "nothing that could be removed"),
    ("removes the folder above, in the root", one(entry(".wh...")), "nothing that could be removed"),
    ("a folder as a whiteout", one(folder("d/.wh.f")), "no plain file"),
    ("a link as a whiteout", one(symlink("d/.wh.f", "/etc")), "no plain file"),
    ("a hard link as a whiteout", one(hardlink("d/.wh.f", "d/f")), "no plain file"),
    ("a whiteout of aufs", one(entry(".wh..wh.plnk")), "unknown kind"),
]

SIZES = [
    ("bomb of zeros", garbage_layer(layer(entry("zeros", bytes(192 << 20)))), "times as much"),
    ("bomb in the padding", garbage_layer(layer(*PLAIN) + bytes(192 << 20)), "times as much"),
    ("a hole of a TiB", garbage_layer(sparse_layer()), "unpacks to more"),
    ("size beyond the end", garbage_layer(raw_header(b"f", b"00000777777\0") + b"x" * 512), "damaged"),
    ("size of 2^62", garbage_layer(raw_header(b"f", base256(1 << 62)) + END), "unpacks to more"),
    ("size below zero", garbage_layer(raw_header(b"f", base256(-1)) + END), "damaged"),
    ("a manifest that says too much", with_manifest(set_in("layers", 0, "size", 1 << 60)), "between"),
    ("a manifest that says more than allowed", with_manifest(set_in("layers", [{"mediaType": GZIP, "digest": sha(b"x"), "size": 40 << 30}] * 2)), "more than 64 GiB"),
    ("129 layers", archive(lambda v: Oci(*[layer(entry(f"f{i}")) for i in range(129)])), "129 layers"),
    ("128 layers", archive(lambda v: Oci(*[layer(entry(f"f{i}")) for i in range(128)])), "ok"),
]

TARS = [
    ("garbage", garbage_layer(b"no archive at all" * 100), "damaged"),
    ("truncated", garbage_layer(layer(*PLAIN)[:700]), "damaged"),
    ("bad checksum", garbage_layer(layer(*PLAIN).replace(b"ustar", b"vstar", 1)), "damaged"),
    ("no end", garbage_layer(layer(*PLAIN).rstrip(b"\0") + bytes(300)), "ok"),
    ("empty layer", archive(lambda v: Oci(layer(*PLAIN), END)), "ok"),
    ("layer of no bytes", archive(lambda v: Oci(layer(*PLAIN), b"")), "ok"),
    ("bytes behind the end", garbage_layer(layer(*PLAIN) + b"more" * 500), "ok"),
    ("an archive behind the end", garbage_layer(layer(*PLAIN) + layer(entry("../evil", b"x"))), "ok"),
    ("unknown type", garbage_layer(raw_header(b"f", b"00000000000\0", kind=b"Z") + END), "umoci"),
    ("contiguous file", garbage_layer(raw_header(b"f", b"00000000000\0", kind=b"7") + END), "umoci"),
    ("no layers", archive(lambda v: Oci()), "ok"),
]

COMPRESSIONS = [
    ("not compressed", one(compress=lambda data: data, media_type=LAYER), "ok"),
    ("zstd", one(compress=zstd, media_type=ZSTD), "ok"),
    ("gzip in two parts", garbage_layer(layer(*PLAIN), compress=lambda data: zipped(data[:512]) + zipped(data[512:])), "ok"),
    ("gzip cut short", garbage_layer(layer(*PLAIN), compress=lambda data: zipped(data)[:-20]), "damaged"),
    ("gzip with a wrong checksum", garbage_layer(layer(*PLAIN), compress=lambda data: zipped(data)[:-8] + bytes(8)), "checksum"),
    ("bytes behind gzip", garbage_layer(layer(*PLAIN), compress=lambda data: zipped(data) + b"trailing"), "umoci"),
    ("plain, said to be gzip", one(compress=lambda data: data), "ok"),
    ("gzip, said to be plain", one(media_type=LAYER), "umoci"),
    ("gzip twice", garbage_layer(layer(*PLAIN), compress=lambda data: zipped(zipped(data))), "umoci"),
    ("bzip2", garbage_layer(layer(*PLAIN), compress=bz2.compress), "ok"),
]

DIGESTS = [
    ("layer altered", changed(spoil_layer), "not what its digest says"),
    ("configuration altered", changed(lambda oci: spoil_blob(oci, own_manifest(oci)["config"]["digest"])), "not what its digest says"),
    ("manifest altered", changed(lambda oci: spoil_blob(oci, index_of(oci)["manifests"][0]["digest"])), "not what its digest says"),
    ("layer missing", changed(lambda oci: oci.blobs.pop(oci.layers[0]["digest"])), "lacks a part"),
    ("configuration missing", changed(lambda oci: oci.blobs.pop(own_manifest(oci)["config"]["digest"])), "lacks a part"),
    ("manifest missing", changed(lambda oci: oci.blobs.pop(index_of(oci)["manifests"][0]["digest"])), "lacks its blob"),
    ("another diff_id", config_of(rootfs={"type": "layers", "diff_ids": [sha(b"other")]}), "something else than its configuration says"),
    ("too few diff_ids", config_of(rootfs={"type": "layers", "diff_ids": []}), "1 layers and 0"),
    ("too many diff_ids", config_of(rootfs={"type": "layers", "diff_ids": [sha(layer(*PLAIN))] * 2}), "1 layers and 2"),
    ("no rootfs", config_of(rootfs=None), "no rootfs"),
    ("layer smaller than said", with_manifest(set_in("layers", 0, "size", 5)), "not what its digest says"),
    ("SHA-512", with_manifest(set_in("layers", 0, "digest", "sha512:" + "0" * 128)), "no sha256 digest"),
    ("a path as a digest", with_manifest(set_in("layers", 0, "digest", "sha256:../../../etc/passwd")), "no sha256 digest"),
    ("capital digest", with_manifest(lambda m: m["layers"][0].update(digest="sha256:" + m["layers"][0]["digest"][7:].upper())), "no sha256 digest"),
]

DOCUMENTS = [
    ("layer of an unknown type", with_manifest(set_in("layers", 0, "mediaType", "application/x-virus")), "not unpacked here"),
    ("no image but a chart", with_manifest(set_in("config", "mediaType", "application/vnd.cncf.helm.config.v1+json")), "not a container image"),
    ("foreign layer", with_manifest(set_in("layers", [{"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "digest": sha(b"elsewhere"),
                                                       "size": 9, "urls": ["http://127.0.0.1:1/layer"]}])), "kept elsewhere"),
    ("schema version 1", with_manifest(set_in("schemaVersion", 1)), "schema version 2"),
    ("manifest that is no JSON", with_manifest(lambda m: b"{"), "manifest"),
    ("manifest that is a list", with_manifest(lambda m: b"[]"), "manifest"),
    ("manifest of 5 MB", with_manifest(lambda m: json.dumps(m).encode() + b" " * (5 << 20)), "longer than"),
    ("deep JSON", with_manifest(lambda m: b"[" * 100_000), "manifest"),
    ("layers that are no list", with_manifest(set_in("layers", {"a": 1})), "manifest"),
    ("no layers in the manifest", with_manifest(lambda m: m.pop("layers") and None), "no layers"),
    ("negative size", with_manifest(set_in("layers", 0, "size", -1)), "between"),
    ("size missing", with_manifest(lambda m: m["layers"][0].pop("size") and None), "size"),
]

INDEXES = [
    ("several platforms", platforms("linux/arm64", "linux/amd64", "windows/amd64"), "ok"),
    ("several platforms in the layout itself", platforms("linux/s390x", "linux/amd64", own=False), "ok"),
    ("no fitting platform", platforms("linux/arm64", "linux/s390x"), "the image is for linux/arm64, linux/s390x; this machine is linux/amd64"),
    ("attestations beside it", platforms("linux/amd64", "unknown/unknown"), "ok"),
    ("attestations only", platforms("unknown/unknown"), "no image"),
    ("index of an index", nested(2), "ok"),
    ("index of many indexes", nested(5), "nested"),
    ("two images", named("a", "b"), "several images in it: put :NAME behind it, one of a, b"),
    ("two images, one chosen", named("a", "b", choose="b"), "ok"),
    ("two images, another chosen", named("a", "b", choose="c"), "no image 'c' in it; there is a, b"),
    ("empty index", index_with({"schemaVersion": 2, "manifests": []}), "no image"),
    ("index without a list", index_with({"schemaVersion": 2, "manifests": "x"}), "index"),
    ("index of schema version 1", index_with({"schemaVersion": 1, "manifests": []}), "schema version 2"),
    ("index of something else", index_with({"schemaVersion": 2, "manifests": [{"mediaType": "text/plain", "digest": sha(b""), "size": 0}]}), "lacks its blob"),
]

CONFIGURATIONS = [
    ("another architecture", config_of(architecture="arm64"), "the image is for linux/arm64; this machine is linux/amd64"),
    ("another system", config_of(os="windows"), "the image is for windows/amd64; this machine is linux/amd64"),
    ("no architecture", config_of(architecture=None), "'architecture' is required"),
    ("nothing to run", run_of(Env=["A=b"]), "ok"),
    ("no config at all", config_of(config=None), "ok"),
    ("variable without a value", run_of(Entrypoint=["/x"], Env=["NONE"]), "no variable"),
    ("variable without a name", run_of(Entrypoint=["/x"], Env=["=x"]), "no variable"),
    ("NUL in an argument", run_of(Entrypoint=["/x\0y"]), "NUL"),
    ("NUL in the working directory", run_of(Entrypoint=["/x"], WorkingDir="/a\0b"), "NUL"),
    ("arguments that are numbers", run_of(Entrypoint=[1]), "strings only"),
    ("very long variables", run_of(Entrypoint=["/x"], Env=["A=" + "x" * 40_000]), "longer than 32768 bytes"),
    ("very many variables", run_of(Entrypoint=["/x"], Env=["A=b"] * 2000), "more than 1024"),
    ("very many labels", run_of(Entrypoint=["/x"], Labels={f"label{i}": "x" * 50 for i in range(500)}), "ok"),
    ("relative working directory", run_of(Entrypoint=["/x"], WorkingDir="srv"), "ok"),
]

ARCHIVES = [
    ("Docker archive", docker(), "ok"),
    ("Docker archive with a layer outside", docker(in_docker_manifest("Layers", ["../../../../etc/passwd"])), "lacks a part"),
    ("Docker archive with an absolute layer", docker(in_docker_manifest("Layers", ["/etc/passwd"])), "lacks a part"),
    ("Docker archive with a link for a layer", docker(lambda files: files.update({"one/layer.tar": symlink("one/layer.tar", "/etc/passwd")})), "lacks a part"),
    ("Docker archive with a configuration outside", docker(in_docker_manifest("Config", "/etc/hostname")), "lacks a part"),
    ("Docker archive without its configuration", docker(lambda files: files.pop("config.json")), "lacks a part"),
    ("Docker archive without its layer", docker(lambda files: files.pop("one/layer.tar")), "lacks a part"),
    ("Docker archive with a bad manifest", docker(lambda files: files.update({"manifest.json": b"{"})), "end of JSON"),
    ("Docker archive of two images", docker(lambda files: files.update({"manifest.json": json.dumps(json.loads(files["manifest.json"]) * 2).encode()})), "several images"),
    ("no archive", archive(lambda v: b"plain text" * 200), "neither a Docker nor an OCI archive"),
    ("empty file", archive(lambda v: b""), "is empty"),
    ("a root folder's archive", archive(lambda v: layer(*PLAIN)), "neither a Docker nor an OCI archive"),
    ("archive cut short", outer_changed(lambda data: data[:2000]), "damaged"),
    ("compressed archive", outer_changed(zipped), "ok"),
    ("bomb as an archive", archive(lambda v: zipped(layer(entry("blobs/sha256/" + "0" * 64, bytes(192 << 20))))), "times as much"),
    ("archive with an entry outside", outer(entry("../../evil", b"x"), entry("/evil", b"x")), "ok"),
    ("archive with a link for a folder", outer(lambda v: symlink("blobs/sha256/" + "1" * 64, str(v)), lambda v: symlink("evil", str(v)), entry("evil/x", b"x")), "ok"),
    ("archive with a blob for a link", outer(lambda v: symlink("blobs/sha256/" + "2" * 64, str(v / "keep")), entry("blobs/sha256/" + "2" * 64, b"x")), "ok"),
    ("a device in the archive", outer(entry("index2.json", kind=tarfile.CHRTYPE, devmajor=1, devminor=3)), "ok"),
    ("folder", named("a"), "ok"),
    ("folder that is no layout", special(lambda path: path.mkdir()), "no OCI layout"),
    ("folder without an index", folder_with({"index.json": None}), "no OCI layout"),
    ("folder whose index is a link outside", folder_with({"index.json": "keep"}), "Permission denied"),
    ("a pipe", special(os.mkfifo), "neither a file nor a folder"),
    ("a link to a device", special(lambda path: path.symlink_to("/dev/zero")), "neither a file nor a folder"),
]

ROWS = [*PATHS, *LINKS, *NODES, *WHITEOUTS, *SIZES, *TARS, *COMPRESSIONS, *DIGESTS, *DOCUMENTS, *INDEXES, *CONFIGURATIONS, *ARCHIVES]
