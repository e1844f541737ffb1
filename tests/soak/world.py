"""What the soaks share: a server of their own with an admin, tenants, keys and budgets over HTTP, and a function that says what it is told."""
import contextlib
import dataclasses
import os
import pathlib
import shutil
import tempfile

from harness import images, leaks
from harness.book import money
from harness.server import Server


@dataclasses.dataclass(frozen=True)
class Key:
    tenant: str
    text: str
    line: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.text}"}


@contextlib.contextmanager
def new_server():
    """On a home of its own, removed at the end unless something went wrong; nothing may be left of it."""
    before = leaks.snapshot()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ebb-soak-"))
    server = Server(folder / "home")
    server.start()
    try:
        yield server
    except BaseException:
        server.stop()
        print(f"soak: the home and the log of what went wrong are in {folder}")
        raise
    errors = server.stop() + leaks.since(before, [server.home])
    shutil.rmtree(folder, ignore_errors=True)
    assert not errors, "\n".join(errors)


def put(server: Server, path: str, body: dict) -> dict:
    answer = server.request("PUT", path, body)
    assert answer.status in (200, 201), answer
    return answer.json


def add_key(server: Server, tenant: str, scopes: str = "invoke") -> Key:
    put(server, f"/ebb/v1/tenants/{tenant}", {})
    answer = server.request("POST", "/ebb/v1/keys", {"tenant": tenant, "scopes": scopes})
    assert answer.status in (200, 201), answer
    return Key(tenant, answer.json["key"], answer.json["line"])


def add_admin(server: Server) -> Key:
    """Whose key the server's helpers send from here on."""
    key = add_key(server, "us", "admin")
    server.key = key.text
    return key


def set_budget(server: Server, of: str, name: str, amount: int) -> None:
    put(server, f"/ebb/v1/budgets/{of}/{name}/total", {"amount": money(amount)})


def worst_cost(deadline_ms: int, memory_mib: int = 64) -> int:
    """The most that a call may cost by docs/billing.md: its time and five seconds, its memory, and the call itself."""
    return (deadline_ms + 5000) * memory_mib * 16 + 200_000


def why_no_function() -> str:
    """What keeps container functions from running here; '' if nothing does."""
    if not images.have_tools() or not (shutil.which("crun") or shutil.which("runc")):
        return "skopeo, umoci, busybox or a runtime is missing: run `make setup`"
    return "" if os.geteuid() == 0 else "limits of memory and processes need root here"


def deploy_function(server: Server, name: str) -> None:
    with tempfile.TemporaryDirectory(prefix="ebb-soak-") as folder:
        server.ebb("image", "add", name, str(images.web_image(pathlib.Path(folder), {"echo": "cat"})))
    put(server, f"/ebb/v1/endpoints/{name}", {"endpoint": name, "image": name, "memory": "64MiB", "scaling": {"max": 2}})
