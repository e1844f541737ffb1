"""Tenants and their keys, as tests of them need."""
import json


def make_key(server, tenant: str, *arguments: str) -> str:
    return server.ebb("key", "create", "--tenant", tenant, *arguments).stdout.strip()


def as_tenant(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def usage(server) -> list[dict]:
    """All records, as the export has them."""
    return [json.loads(line) for line in server.ebb("usage", "export").stdout.splitlines()]
