"""Invoices: a month of a tenant, exact to the last unit, against the records and the bill."""
import csv
import datetime
import decimal
import io
import json
import urllib.parse
import zoneinfo

import pytest

from harness.waiting import eventually


def month_of(record: dict) -> str:
    return record["ended"][:7]


def invoice(server, **query) -> dict:
    answer = server.get("/ebb/v1/invoice?" + urllib.parse.urlencode(query))
    assert answer.status == 200, answer
    return answer.json


@pytest.mark.sanitizer
def test_an_invoice_is_the_sum_of_its_records(server):
    server.deploy("chat", memory="512MiB")
    server.deploy("other", memory="100MiB")
    for tenant, name, text in [("acme", "chat", "a b c"), ("acme", "chat", "d"), ("acme", "other", "e f"), ("globex", "chat", "g"), ("globex", "other", "h i j k")]:
        assert server.ask(text, script="tokens=3 delay_ms=7", name=name, headers={"Ebb-Tenant": tenant}).status == 200
    assert server.ask("nobody's", name="chat").status == 200
    server.wait_for_bill(6)
    records = [json.loads(line) for line in server.ebb("usage", "export").stdout.splitlines()]
    assert len(records) == 6
    for month in sorted({month_of(record) for record in records}):
        for tenant in ["acme", "globex", "initech"]:
            made = invoice(server, tenant=tenant, month=month)
            own = [record for record in records if record["tenant"] == tenant and month_of(record) == month]
            check(server, made, own)
            assert made["tenant"] == tenant and made["month"] == month
    assert {month_of(record) for record in records} and sum(invoice(server, month=month)["total"]["calls"] for month in {month_of(r) for r in records}) == 6


def check(server, made: dict, own: list[dict]) -> None:
    """Lines and total are the records' sums, and what the bill says of the same time."""
    by_line: dict[tuple[str, str], list[dict]] = {}
    for record in own:
        by_line.setdefault((record["endpoint"], record["tier"]), []).append(record)
    assert [(line["endpoint"], line["tier"]) for line in made["lines"]] == sorted(by_line)
    for line in made["lines"]:
        of_line = by_line[line["endpoint"], line["tier"]]
        for name in ["cost_pico", "billed_ms", "prompt_tokens", "completion_tokens"]:
            assert line[name] == sum(record[name] for record in of_line), name
        assert line["calls"] == len(of_line)
        assert line["mib_ms"] == sum(record["billed_ms"] * record["memory_mib"] for record in of_line)
    assert made["total"]["cost_pico"] == sum(record["cost_pico"] for record in own) == sum(line["cost_pico"] for line in made["lines"])
    assert decimal.Decimal(made["total"]["cost"]) * 10**12 == made["total"]["cost_pico"]
    bill = server.get("/ebb/v1/bill?" + urllib.parse.urlencode({"tenant": made["tenant"], "from": made["from"], "to": made["to"]})).json
    assert bill["total"] == made["total"]


def test_clouds_are_priced_by_memory_time_and_calls(server):
    server.deploy("chat", memory="512MiB")
    assert server.ask(script="tokens=3 delay_ms=7", name="chat", headers={"Ebb-Tenant": "acme"}).status == 200
    month = month_of(eventually(lambda: server.wait_for_bill(1) and json.loads(server.ebb("usage", "export").stdout), 20, "no record"))
    made = invoice(server, tenant="acme", month=month)
    elsewhere = made["elsewhere"]
    assert (elsewhere["calls"], elsewhere["mib_ms"], elsewhere["currency"]) == (1, made["total"]["mib_ms"], "USD")
    aws = next(cloud for cloud in elsewhere["clouds"] if cloud["name"] == "AWS Lambda")
    exact = decimal.Decimal(made["total"]["mib_ms"]) / 1_024_000 * 16_666_700 + 200_000
    assert aws["cost_pico"] == exact.to_integral_value(decimal.ROUND_HALF_UP)
    assert elsewhere["always_on"]["memory_mib"] == 512
    begun = datetime.datetime.fromisoformat(made["from"]).timestamp()
    until = datetime.datetime.fromisoformat(min(made["made"], made["to"])).timestamp()
    assert abs(elsewhere["always_on"]["cost_pico"] - (until - begun) / 3600 * 0.5 * 0.005e12) < 1e6


def test_zones_have_their_own_months(server):
    made = invoice(server, month="2026-10", zone="Europe/Berlin")
    assert (made["from"], made["to"]) == ("2026-09-30T22:00:00.000Z", "2026-10-31T23:00:00.000Z")
    assert (made["from_in_zone"], made["to_in_zone"]) == ("2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00")


def test_the_command(server, tmp_path):
    server.deploy("chat", memory="512MiB")
    assert server.ask(name="chat", headers={"Ebb-Tenant": "acme"}).status == 200
    server.wait_for_bill(1)
    record = json.loads(server.ebb("usage", "export").stdout)
    of_acme = ["bill", "--tenant", "acme", "--month", month_of(record)]
    total = json.loads(server.ebb(*of_acme, "--json").stdout)["total"]
    assert total["cost"] in server.ebb(*of_acme).stdout
    rows = list(csv.DictReader(io.StringIO(server.ebb(*of_acme, "--csv").stdout)))
    assert sum(decimal.Decimal(row["cost"]) for row in rows) == decimal.Decimal(total["cost"])
    page = tmp_path / "acme.html"
    month_there = datetime.datetime.fromisoformat(record["ended"]).astimezone(zoneinfo.ZoneInfo("Asia/Kolkata")).strftime("%Y-%m")
    server.ebb("bill", "--tenant", "acme", "--month", month_there, "--zone", "Asia/Kolkata", "--html", str(page))
    assert total["cost"] in page.read_text() and "Asia/Kolkata" in page.read_text()
    assert "nothing was billed in it" in server.ebb("bill", "--month", "2999-01").stdout
    assert "the month has not begun" in server.ebb("bill", "--month", "2999-01").stdout


@pytest.mark.parametrize(("arguments", "status", "says"), [
    (["--month", "2026-13"], 2, "is no month"),
    (["--month", "2026-11", "--from", "2026-11-01"], 2, "--month"),
    (["--month", "2026-11", "--html", "x.html", "--csv"], 2, "--csv"),
    (["--month", "2026-11", "--zone", "Mars/Olympus"], 1, "is no time zone"),
])
def test_what_cannot_be_read_is_said(server, arguments, status, says):
    done = server.ebb("bill", *arguments, check=False)
    assert done.returncode == status and says in done.stderr and not done.stdout
