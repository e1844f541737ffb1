"""Price lists and limits by rate: set, kept over a restart, in force when they should be, and what calls pay; and a key for who lost the last."""
import datetime
import json
import subprocess

import openai
import pytest

from harness.accounts import as_tenant, make_key, usage
from harness.book import pico
from harness.waiting import BIN

KEEPS = {"scaling": {"min": 4, "max": 4}, "memory": "512MiB"}


@pytest.fixture
def priced(server, tmp_path):
    """A server with an endpoint, and set(document, *arguments), which brings a price list into force."""
    server.deploy(**KEEPS)

    def bring(document: dict, *arguments: str, check: bool = True):
        path = tmp_path / "prices.yaml"
        path.write_text(json.dumps(document, indent=1))
        return server.ebb("price", "set", str(path), *arguments, check=check)

    server.bring = bring
    return server


def rows(server) -> list[dict]:
    return json.loads(server.ebb("price", "ls", "--json").stdout)["prices"]


def cost_of(answer) -> int:
    assert answer.status == 200, answer
    return pico(answer.headers["ebb-cost"])


def test_calls_pay_by_the_list_in_force_and_it_outlives_a_restart(priced):
    assert [(row["version"], row["state"]) for row in rows(priced)] == [(0, "in_force")]
    said = priced.bring({"per_gib_second": "0", "per_call": "0.25", "note": "dear calls"}).stdout
    assert "price list 1 is in force" in said
    assert cost_of(priced.ask()) == pico("0.25")
    assert priced.get("/v1/models").json["data"][0]["ebb"]["price"]["per_call"] == "0.25"
    priced.terminate()
    priced.start()
    assert [(row["version"], row["state"], row["note"]) for row in rows(priced)] == [(0, "over", ""), (1, "in_force", "dear calls")]
    assert cost_of(priced.ask()) == pico("0.25")
    priced.wait_for_bill(2)
    assert {record["prices"] for record in usage(priced)} == {1}
    assert "2 entries" in priced.ebb("ledger", "verify").stdout


def test_tokens_have_a_price_and_are_reserved(priced):
    priced.bring({"per_gib_second": "0", "per_million_tokens": {"prompt": "3", "completion": "15"}})
    answer = priced.ask("hello", "tokens=4")
    used = answer.json["usage"]
    assert cost_of(answer) == used["prompt_tokens"] * 3_000_000 + used["completion_tokens"] * 15_000_000 > 0
    # The worst case is by the caller's own bound, and a whole context of prompt.
    context = priced.get("/v1/models").json["data"][0]["ebb"]["context_tokens"]
    worst = context * 3_000_000 + 10 * 15_000_000
    fits = priced.ask("hello", "tokens=4", max_tokens=10, headers={"Ebb-Max-Cost": f"{worst / 10**12:.12f}"})
    assert fits.status == 200, fits
    refused = priced.ask("hello", "tokens=4", max_tokens=11, headers={"Ebb-Max-Cost": f"{worst / 10**12:.12f}"})
    assert refused.status == 400 and "its tokens" in refused.json["error"]["message"], refused


def test_what_is_free_is_free_for_each_tenant_and_the_invoice_says_so(priced):
    priced.bring({"per_gib_second": "0.001", "per_call": "0.01", "free": {"calls": 2, "gib_seconds": 1000}})
    for tenant, costs in (("acme", [0, 0, pico("0.01")]), ("other", [0])):
        assert [cost_of(priced.ask(headers={"Ebb-Tenant": tenant})) for _ in costs] == costs
    priced.wait_for_bill(4)
    priced.terminate()
    priced.start()
    assert cost_of(priced.ask(headers={"Ebb-Tenant": "acme"})) == pico("0.01"), "the month goes on"
    assert cost_of(priced.ask(headers={"Ebb-Tenant": "other"})) == 0
    bill = priced.wait_for_bill(6)
    assert bill["total"]["cost_pico"] == pico("0.02")
    month = datetime.datetime.now(datetime.UTC).strftime("%Y-%m")
    invoice = priced.ebb("bill", "--tenant", "acme", "--month", month).stdout
    assert "what is free of each month, and steps, make it" in invoice and "less" in invoice
    total = json.loads(priced.ebb("bill", "--tenant", "acme", "--month", month, "--json").stdout)["total"]
    assert total["cost_pico"] == pico("0.02") and total["list_cost_pico"] > pico("0.04")
    assert "6 entries" in priced.ebb("ledger", "verify").stdout


def test_a_list_to_come_may_be_taken_back(priced):
    later = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "will be in force from" in priced.bring({"per_gib_second": "1"}, "--from", later).stdout
    assert cost_of(priced.ask()) < pico("0.01")
    assert [row["state"] for row in rows(priced)] == ["in_force", "to_come"]
    overlaps = priced.bring({"per_gib_second": "2"}, check=False)
    assert overlaps.returncode == 1 and "`ebb price rm 1`" in overlaps.stderr
    priced.ebb("price", "rm", "1")
    assert "price list 2 is in force" in priced.bring({"per_gib_second": "2"}).stdout
    stays = priced.ebb("price", "rm", "2", check=False)
    assert stays.returncode == 1 and "so it stays" in stays.stderr


@pytest.mark.parametrize(("document", "said"), [
    ({}, "per_gib_second"),
    ({"per_gib_second": 1}, "per_gib_second"),
    ({"per_gib_second": "-1"}, "below zero"),
    ({"per_gib_second": "1", "currency": "EUR"}, "USD"),
    ({"per_gib_second": "1", "from": "2020-01-01"}, "is over"),
    ({"per_gib_second": "1", "steps": [{"from_gib_seconds": 0, "per_gib_second": "1"}]}, "begins where step 1 does"),
    ({"per_gib_second": "1", "steps": [{"from_gib_seconds": 9, "per_gib_second": "1"}, {"from_gib_seconds": 5, "per_gib_second": "1"}]}, "step 3"),
    ({"per_gib_second": "1", "per_million_tokens": {"prompt": "0.0000001"}}, "six digits"),
    ({"per_gib_second": "10000000"}, "can be counted"),
    ({"per_gib_second": "1", "fee": {}}, "fee"),
])
def test_a_list_that_is_none_is_refused(priced, document, said):
    refused = priced.bring(document, check=False)
    assert refused.returncode != 0 and said in refused.stderr, refused
    assert len(rows(priced)) == 1


def fields(document: str) -> dict:
    """A document as `ebb price show` prints it: a line for each field, its value as JSON."""
    return {name: json.loads(value) for name, _, value in (line.partition(": ") for line in document.splitlines())}


def test_presets_are_lists(priced):
    for cloud in ("aws-lambda", "azure-functions", "google-cloud-run"):
        priced.bring(fields(subprocess.run([BIN / "ebb", "price", "preset", cloud], capture_output=True, text=True, check=True).stdout))
    assert rows(priced)[-1]["note"] == "Google Cloud Run"
    shown = fields(priced.ebb("price", "show").stdout)
    assert shown["per_gib_second"]["warm"] == rows(priced)[-1]["per_gib_second"]["warm"]
    assert "FREE EACH MONTH" in priced.ebb("price", "ls").stdout


def test_another_currency_needs_another_home(priced):
    priced.ask()
    priced.wait_for_bill(1)
    priced.terminate()
    (priced.home / "ebb.yaml").write_text("prices: {currency: EUR}\n")
    with pytest.raises(AssertionError):
        priced.start()
    assert "amounts are not converted" in priced.log()
    (priced.home / "ebb.yaml").unlink()
    priced.start()


@pytest.fixture
def limited(server):
    """A server with the tenant acme, and its key."""
    server.deploy(**KEEPS)
    server.ebb("tenant", "add", "us")
    server.key = make_key(server, "us", "--scope", "admin")
    server.ebb("tenant", "add", "acme")
    server.acme = as_tenant(make_key(server, "acme", "--scope", "invoke,read"))
    return server


def test_requests_past_their_rate_are_told_when_to_come_back(limited):
    limited.ebb("limit", "set", "--tenant", "acme", "--requests", "3/hour")
    assert [limited.ask(headers=limited.acme).status for _ in range(4)] == [200, 200, 200, 429]
    refused = limited.ask(headers=limited.acme)
    error = refused.json["error"]
    assert (error["code"], error["type"]) == ("rate_limit_exceeded", "requests") and "requests 3/hour" in error["message"]
    assert 1_100 < int(refused.headers["retry-after"]) <= 1_200 and "x-should-retry" not in refused.headers
    assert limited.ask().status == 200, "the limit is acme's alone"
    client = limited.openai(api_key=limited.acme["Authorization"].split()[1], max_retries=0)
    with pytest.raises(openai.RateLimitError, match="3/hour"):
        client.chat.completions.create(model="e", messages=[{"role": "user", "content": "x"}])
    seen = limited.request("GET", "/ebb/v1/limits", headers=limited.acme).json["limits"]
    assert [(row["name"], row["of"], row["limit"]) for row in seen] == [("acme", "requests", "3/hour")]
    limited.terminate()
    limited.start()
    assert [limited.ask(headers=limited.acme).status for _ in range(4)] == [200, 200, 200, 429], "kept, and full again"
    limited.ebb("limit", "rm", "--tenant", "acme", "--requests")
    assert limited.ask(headers=limited.acme).status == 200


def test_tokens_spending_and_concurrency(limited):
    limited.ebb("limit", "set", "--tenant", "acme", "--tokens", "10/day")
    assert limited.ask("a", "tokens=50", headers=limited.acme).status == 200, "what it uses is known when it is over"
    assert "tokens 10/day" in limited.ask(headers=limited.acme).json["error"]["message"]
    limited.ebb("limit", "rm", "--tenant", "acme", "--tokens")
    limited.ebb("limit", "set", "--endpoint", "e", "--spending", "0.0000001/hour")
    assert limited.ask(headers=limited.acme).status == 200
    refused = limited.ask()
    assert refused.json["error"]["code"] == "spending_too_fast" and refused.headers["x-should-retry"] == "false", refused
    assert "spending too fast" in limited.ebb("why", "e").stdout
    assert "owed" in limited.ebb("limit", "ls").stdout
    limited.ebb("limit", "rm", "--endpoint", "e", "--spending")
    limited.ebb("limit", "set", "--tenant", "acme", "--concurrency", "1")
    with limited.stream("a", "tokens=10000 delay_ms=10", headers=limited.acme) as first:
        next(iter(first.events()))
        assert limited.ask(headers=limited.acme).json["error"]["code"] == "rate_limit_exceeded"
    limited.wait_until_free()
    assert limited.ask(headers=limited.acme).status == 200


def test_what_is_no_limit_is_refused(limited):
    for arguments, said in ((("--tenant", "nobody", "--requests", "5/minute"), "nobody"), (("--tenant", "acme", "--requests", "5"), "600/minute"),
                            (("--tenant", "acme", "--requests", "0/minute"), "lets nothing through"), (("--tenant", "acme"), "nothing to set")):
        refused = limited.ebb("limit", "set", *arguments, check=False)
        assert refused.returncode != 0 and said in refused.stderr, refused
    assert json.loads(limited.ebb("limit", "ls", "--json").stdout)["limits"] == []


def test_a_budget_is_foretold(limited):
    limited.ebb("budget", "set", "--tenant", "acme", "--amount", "1")
    assert "nothing was spent lately" in limited.ebb("budget", "forecast").stdout
    row = json.loads(limited.ebb("budget", "forecast", "--json").stdout)["budgets"][0]
    assert "forecast" not in row and row["name"] == "acme"


def test_who_lost_the_last_key_makes_another_from_the_home(limited):
    recover = [BIN / "ebb", "key", "recover", "--home", limited.home]
    running = subprocess.run(recover, capture_output=True, text=True, check=False)
    assert running.returncode == 1 and "end the server first" in running.stderr, running
    limited.terminate()
    made = subprocess.run(recover, capture_output=True, text=True, check=True)
    lost, limited.key = limited.key, made.stdout.strip()
    assert limited.key != lost and "of the tenant 'us'" in made.stderr
    limited.start()
    assert "recovered" in limited.ebb("audit").stdout
    assert limited.request("GET", "/ebb/v1/keys", headers={"Authorization": f"Bearer {lost}"}).status == 200, "the lost one is known until it is revoked"
    nowhere = subprocess.run([*recover[:-1], limited.home.parent], capture_output=True, text=True, check=False)
    assert nowhere.returncode == 1 and "is no home of a server" in nowhere.stderr, nowhere
