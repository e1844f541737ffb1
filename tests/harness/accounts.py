"""Tenants, keys and money, as tests of them need."""
import json

PICO = 10**12


def pico(money: str) -> int:
    """An amount as the server writes it, in its smallest units."""
    whole, _, part = money.partition(".")
    return int(whole) * PICO + int(part.ljust(12, "0"))


def make_key(server, tenant: str, *arguments: str) -> str:
    return server.ebb("key", "create", "--tenant", tenant, *arguments).stdout.strip()


def as_tenant(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def usage(server) -> list[dict]:
    """All records, as the export has them."""
    return [json.loads(line) for line in server.ebb("usage", "export").stdout.splitlines()]
