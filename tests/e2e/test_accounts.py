"""Tenants, keys and budgets: who may call, who pays, and that nobody spends more than was said."""
import csv
import datetime
import hashlib
import http.client
import json
import pathlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy
import openai
import pytest
import tritonclient.grpc as triton_grpc

from harness.accounts import as_tenant, make_key, usage
from harness.book import PICO, fields_of, pico
from harness.waiting import eventually


@pytest.fixture
def governed(server):
    """A server with an admin, whose key the server's helpers send, and the tenant acme."""
    server.deploy(scaling={"max": 16}, memory="512MiB")
    server.ebb("tenant", "add", "us")
    server.key = make_key(server, "us", "--scope", "admin", "--priority", "critical")
    server.ebb("tenant", "add", "acme")
    return server


ROUTES = [("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("POST", "/v1/embeddings"), ("POST", "/v1/responses"), ("POST", "/v1/classify"),
          ("GET", "/v2"), ("GET", "/v2/models/e"), ("POST", "/v2/models/e/infer"), ("POST", "/api/chat"), ("GET", "/api/tags"), ("POST", "/invoke/e"),
          ("GET", "/ebb/v1/status"), ("GET", "/ebb/v1/endpoints"), ("PUT", "/ebb/v1/endpoints/x"), ("DELETE", "/ebb/v1/endpoints/e"),
          ("GET", "/ebb/v1/endpoints/e/logs"), ("GET", "/ebb/v1/models"), ("GET", "/ebb/v1/bill"), ("GET", "/ebb/v1/usage"), ("GET", "/ebb/v1/calls/1"),
          ("GET", "/ebb/v1/tenants"), ("PUT", "/ebb/v1/tenants/x"), ("GET", "/ebb/v1/keys"), ("POST", "/ebb/v1/keys"), ("DELETE", "/ebb/v1/keys/x"),
          ("GET", "/ebb/v1/budgets"), ("PUT", "/ebb/v1/budgets/tenant/us/day"),
          ("POST", "/ebb/v1/prices"), ("DELETE", "/ebb/v1/prices/1"), ("GET", "/ebb/v1/limits"), ("PUT", "/ebb/v1/limits/tenant/us/requests"),
          ("GET", "/ebb/v1/ledger/seals")]


def test_once_there_is_a_key_every_route_but_health_needs_one(governed):
    mistyped = governed.key[:-1] + ("0" if governed.key[-1] != "0" else "1")
    for method, path in ROUTES:
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer sk-wrong"}, {"Authorization": f"Bearer {mistyped}"}, {"Authorization": "Basic YTpi"}):
            answer = governed.request(method, path, {}, headers)
            assert answer.status == 401, (method, path, headers, answer)
            assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/livez", "/readyz", "/healthz", "/metrics", "/v2/health/live"):
        assert governed.request("GET", path, headers={"Authorization": ""}).status == 200, path
    for name in ("api-key", "x-api-key"):
        assert governed.request("GET", "/v1/models", headers={"Authorization": "", name: governed.key}).status == 200
    assert governed.request("GET", "/v1/models", headers={"api-key": "another"}).status == 401


def test_a_key_may_do_what_its_scopes_say(governed):
    key = make_key(governed, "acme", "--scope", "invoke")
    assert governed.ask(headers=as_tenant(key)).status == 200
    for method, path in ROUTES:
        if path.startswith("/ebb/"):
            answer = governed.request(method, path, {}, as_tenant(key))
            assert answer.status == 403, (method, path, answer)
    assert governed.ask(headers={**as_tenant(key), "Ebb-Tenant": "us"}).status == 403
    urgent = governed.ask(headers={**as_tenant(key), "Ebb-Priority": "critical"})
    assert urgent.status == 403 and "normal at most" in urgent.json["error"]["message"]
    governed.wait_for_bill(1)
    assert {row["tenant"]: row["calls"] for row in governed.bill("tenant")["rows"]} == {"acme": 1}


def test_a_tenant_sees_its_own(governed):
    mine = make_key(governed, "acme", "--scope", "invoke,read")
    governed.ask()
    answer = governed.ask(headers=as_tenant(mine))
    governed.wait_for_bill(2)
    records = [json.loads(line) for line in governed.request("GET", "/ebb/v1/usage", headers=as_tenant(mine)).body.splitlines()]
    assert [record["tenant"] for record in records] == ["acme"]
    assert governed.request("GET", "/ebb/v1/bill", headers=as_tenant(mine)).json["total"]["calls"] == 1
    assert governed.request("GET", "/ebb/v1/bill?tenant=us", headers=as_tenant(mine)).status == 403
    assert governed.request("GET", f"/ebb/v1/calls/{answer.headers['x-request-id']}", headers=as_tenant(mine)).status == 200
    others = next(record["call"] for record in usage(governed) if record["tenant"] == "us")
    hidden = governed.request("GET", f"/ebb/v1/calls/{others}", headers=as_tenant(mine))
    unknown = governed.request("GET", "/ebb/v1/calls/0000000000000001", headers=as_tenant(mine))
    assert hidden.status == unknown.status == 404
    assert hidden.json["error"]["message"].replace(others, "") == unknown.json["error"]["message"].replace("0000000000000001", "")


def test_grpc_needs_the_same_keys(launch):
    server = launch("--grpc-port", "0")
    server.deploy()
    server.ebb("tenant", "add", "us")
    server.key = make_key(server, "us", "--scope", "admin")
    port = next(json.loads(line)["port"] for line in server.log().splitlines() if "listening for gRPC" in line)
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{port}") as client:
        assert client.is_server_live() and client.is_server_ready()
        tensor = triton_grpc.InferInput("x", [1], "FP32")
        tensor.set_data_from_numpy(numpy.array([1], "float32"))
        for ask in (lambda **how: client.is_model_ready("e", **how), lambda **how: client.get_model_metadata("e", **how),
                    lambda **how: client.get_model_repository_index(**how), lambda **how: client.infer("e", [tensor], **how)):
            with pytest.raises(Exception, match="key") as refused:
                ask()
            assert "UNAUTHENTICATED" in str(refused.value.status())
            assert ask(headers={"authorization": f"Bearer {server.key}"})
        with pytest.raises(Exception) as over:
            client.infer("e", [tensor], headers={"authorization": f"Bearer {server.key}", "ebb-max-cost": "0.000000000001"})
        assert "Ebb-Max-Cost" in str(over.value)
        with pytest.raises(Exception, match="over HTTP only") as keyed:
            client.infer("e", [tensor], headers={"authorization": f"Bearer {server.key}", "idempotency-key": "k"})
        assert "INVALID_ARGUMENT" in str(keyed.value.status())


def test_the_log_has_none_of_a_callers_words(launch):
    """What is wrong with a call is told to its caller, in its own words: the log only says that something was."""
    server = launch("--grpc-port", "0")
    server.deploy()
    port = next(json.loads(line)["port"] for line in server.log().splitlines() if "listening for gRPC" in line)
    parts = [{"role": "user", "content": [{"type": "aSecret"}]}]
    assert "aSecret" in server.request("POST", "/v1/chat/completions", {"model": "e", "messages": parts}).json["error"]["message"]
    assert "aSecret" in server.request("POST", "/v2/models/e/infer", {"inputs": [{"name": "aSecret", "datatype": "FP32", "shape": [1], "data": ["b"]}]}).json["error"]
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{port}") as client:
        tensor = triton_grpc.InferInput("aSecret", [2], "FP32")
        tensor.set_data_from_numpy(numpy.array([1, 2], "float32"))
        tensor._input.shape[0] = 3
        with pytest.raises(Exception, match="aSecret"):
            client.infer("e", [tensor])
    eventually(lambda: server.log().count("what was sent is not valid") == 2, 10, "the refusals are not in the log")
    assert "aSecret" not in server.log()


def test_rotation_revocation_and_expiry(governed):
    old = make_key(governed, "acme", "--budget", "1/month")
    key = json.loads(governed.ebb("key", "ls", "--json").stdout)["keys"][-1]["id"]
    new = governed.ebb("key", "rotate", key, "--overlap", "0ms").stdout.strip()
    assert governed.ask(headers=as_tenant(old)).status == 401
    assert governed.ask(headers=as_tenant(new)).status == 200
    brief = make_key(governed, "acme", "--expires", "500ms")
    eventually(lambda: governed.ask(headers=as_tenant(brief)).status == 401, 10, "a key never expired")
    assert "expired" in governed.ask(headers=as_tenant(brief)).json["error"]["message"]
    newest = max(json.loads(governed.ebb("key", "ls", "--json").stdout)["keys"], key=lambda row: row["line"] == key and row["id"] != key)["id"]
    with governed.stream(text="a b c", script="tokens=40 tps=20", headers=as_tenant(new)) as running:
        texts = running.texts()
        next(texts)
        governed.ebb("key", "revoke", newest)
        assert governed.ask(headers=as_tenant(new)).status == 401
        assert len(list(texts)) > 1, "what runs goes on"
    governed.wait_for_bill(2)
    calls = {row["key"]: row["calls"] for row in governed.bill("key")["rows"]}
    assert calls[key] == 2 and newest not in calls, "one line, one account"


def test_somebody_can_always_administer(server):
    server.ebb("tenant", "add", "us")
    first = server.ebb("key", "create", "--tenant", "us", check=False)
    assert first.returncode == 1 and "scope admin" in first.stderr
    server.key = make_key(server, "us", "--scope", "admin")
    make_key(server, "us")
    admin = json.loads(server.ebb("key", "ls", "--json").stdout)["keys"][0]["id"]
    assert server.ebb("key", "revoke", admin, check=False).returncode == 1
    assert server.ebb("tenant", "rm", "us", check=False).returncode == 1
    assert len(json.loads(server.ebb("key", "ls", "--json").stdout)["keys"]) == 2


def test_no_key_is_found_anywhere(launch, tmp_path):
    server = launch()
    server.deploy()
    server.ebb("tenant", "add", "us")
    server.key = make_key(server, "us", "--scope", "admin")
    server.ask()
    server.request("GET", "/nowhere")
    metrics = server.get("/metrics").body
    secret = server.key.split("_")[2][:30].encode()
    server.terminate()
    assert secret not in metrics and secret not in server.log().encode()
    for file in pathlib.Path(server.home).rglob("*"):
        if file.is_file():
            assert secret not in file.read_bytes(), file


def test_who_did_what_is_kept_and_what_was_denied_is_counted(launch):
    server = launch()
    server.ebb("tenant", "add", "us")
    server.key = make_key(server, "us", "--scope", "admin")
    line = json.loads(server.ebb("key", "ls", "--json").stdout)["keys"][0]["id"]
    server.deploy()
    server.ask()
    for _ in range(20):
        assert server.request("GET", "/ebb/v1/keys", headers={"Authorization": "Bearer sk-guess"}).status == 401
    entries = [json.loads(entry) for entry in server.ebb("audit", "--json").stdout.splitlines()]
    assert [(entry["key"], entry["what"], entry["subject"]) for entry in entries if entry["what"] != "denied"] == [
        ("", "PUT", "/ebb/v1/tenants/us"), ("", "POST", "/ebb/v1/keys"), (line, "PUT", "/ebb/v1/endpoints/e")]
    assert sum(entry["times"] for entry in entries if entry["what"] == "denied") == 20
    link = ""
    for entry in entries:
        at = round(datetime.datetime.fromisoformat(entry["at"].replace("Z", "+00:00")).timestamp() * 1000)
        fields = [entry["number"], at, *(entry[name] for name in ("key", "tenant", "what", "subject", "status", "times"))]
        link = hashlib.sha256((link + "\n" + "\t".join(map(str, fields))).encode()).hexdigest()
        assert entry["link"] == link
    assert "denied" in server.ebb("audit").stdout


def test_openais_client_is_told_and_does_not_try_again(governed):
    key = make_key(governed, "acme", "--budget", "0.000000001/day")
    client = openai.OpenAI(base_url=governed.url + "/v1", api_key=key, max_retries=3)
    with pytest.raises(openai.RateLimitError) as over:
        client.chat.completions.create(model="e", messages=[{"role": "user", "content": "hi"}])
    assert over.value.code == "insufficient_quota"
    assert "begins anew at" in over.value.message
    assert governed.log().count('"error":"the budget of key') == 1


def test_a_callers_own_limit(governed):
    refused = governed.ask(headers={"Ebb-Max-Cost": "0.000001"})
    assert refused.status == 400 and refused.json["error"]["param"] == "Ebb-Max-Cost"
    assert governed.ask(headers={"Ebb-Max-Cost": "0.01"}).status == 200
    assert governed.ask(headers={"Ebb-Max-Cost": "0.0001", "Ebb-Deadline": "5s"}).status == 200


def test_a_budget_is_a_wall_at_any_concurrency(governed):
    """Sixty-four callers at once, and money for some dozens: what is spent is never more, and nobody is refused for good while a worst case fits."""
    key = make_key(governed, "acme")
    amount = 90_000_000  # a worst case is 49 million, a call some hundreds of thousands
    line = json.loads(governed.ebb("key", "ls", "--json").stdout)["keys"][-1]["id"]
    governed.ebb("budget", "set", "--key", line, "--amount", f"{amount / PICO:.12f}", "--period", "total")
    over = threading.Event()
    answers = []

    def call(_):
        while not over.is_set():
            answer = governed.ask(script="delay_ms=20", headers={**as_tenant(key), "Ebb-Deadline": "1s"})
            answers.append(answer)
            if answer.status == 429 and answer.json["error"]["code"] == "insufficient_quota":
                over.set()
            elif answer.status == 429:
                over.wait(random.random() / 50)

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(call, range(64)))
    paid = [pico(answer.headers["ebb-cost"]) for answer in answers if answer.status == 200]
    assert paid and {answer.status for answer in answers} <= {200, 429, 503, 504}
    records = eventually(lambda: (found := [record for record in usage(governed) if record["key"] == line]) and len(found) >= len(paid) and found, 20, "records")
    spent = sum(record["cost_pico"] for record in records)
    assert sum(paid) <= spent <= amount
    row = next(row for row in governed.get("/ebb/v1/budgets").json["budgets"] if row["name"] == line)
    assert (row["spent_pico"], row["held_pico"]) == (spent, 0)
    worst = (1000 + 5000) * 512 * 16 + 200_000
    assert amount - spent < worst, "while a worst case fitted somebody was refused"


@pytest.mark.sanitizer
def test_kill_9_under_load_bills_each_answer_once(launch):
    """Whoever has an answer finds it in the ledger with what it was told to cost, once; nothing else is billed but what was under way at a kill."""
    told, under_way = {}, 0
    server = launch()
    server.deploy(scaling={"max": 8})
    for _ in range(4):
        stop = threading.Event()
        lost = []

        def call(_, server=server, stop=stop, lost=lost):
            while not stop.is_set():
                try:
                    answer = server.ask("a b", script="delay_ms=3")
                    if answer.status == 200:
                        told[answer.json["id"].split("-")[1]] = pico(answer.json["usage"]["ebb"]["cost"])
                except (OSError, http.client.HTTPException):
                    lost.append(1)
                    return

        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(call, n) for n in range(8)]
            wanted = len(told) + random.randrange(50, 500)
            eventually(lambda wanted=wanted: len(told) >= wanted, 60, "too few answers")
            server.kill()
            stop.set()
            for one in running:
                one.result()
        under_way += len(lost)
        server = launch()
    billed = [record for record in usage(server) if record["tier"] != "init"]
    assert len({record["call"] for record in billed}) == len(billed), "a call is billed twice"
    by_call = {record["call"]: record["cost_pico"] for record in billed}
    assert told and {call: by_call.get(call) for call in told} == told
    assert len(billed) - len(told) <= under_way
    assert server.bill()["total"]["cost_pico"] == sum(by_call.values())


def test_the_book_is_checked_from_outside_and_knows_when_it_was_changed(launch):
    server = launch()
    server.deploy()
    for n in range(5):
        assert server.ask(headers={"Ebb-Tenant": f"t{n % 2}"}).status == 200
    server.wait_for_bill(5)
    entries = [json.loads(line) for line in server.ebb("ledger", "export").stdout.splitlines()]
    link = ""
    for number, entry in enumerate(entries, 1):
        link = hashlib.sha256(f"{link}\n{fields_of(entry)}".encode()).hexdigest()
        assert (entry["number"], entry["link"]) == (number, link)
    said = json.loads(server.ebb("ledger", "verify", "--json").stdout)
    assert (said["entries"], said["head"], said["cost_pico"]) == (5, link, server.bill()["total"]["cost_pico"])
    assert f"the last link is {link}" in server.ebb("ledger", "verify").stdout
    rows = list(csv.DictReader(server.ebb("ledger", "export", "--csv").stdout.splitlines()))
    assert sum(pico(row["debit"] or "0.00") for row in rows) == sum(pico(row["credit"] or "0.00") for row in rows) == said["cost_pico"]
    assert {row["account"] for row in rows} == {"tenant:t0", "tenant:t1", "calls:e:cold", "calls:e:warm"}
    server.terminate()

    file = server.home / "usage.db"
    raw = bytearray(file.read_bytes())
    at = raw.find(entries[2]["link"].encode())
    assert at > 0
    raw[at] ^= 1
    file.write_bytes(raw)
    changed = launch()
    wrong = changed.ebb("ledger", "verify", check=False)
    assert wrong.returncode == 1 and "entry 3 of the book" in wrong.stderr


def test_budgets_hold_after_a_kill(launch):
    server = launch()
    server.deploy(memory="512MiB")
    server.ebb("budget", "set", "--endpoint", "e", "--amount", "1", "--period", "month")
    costs = [pico(server.ask(script="delay_ms=30").headers["ebb-cost"]) for _ in range(3)]
    server.kill()
    again = launch()
    row = again.get("/ebb/v1/budgets").json["budgets"][0]
    assert (row["spent_pico"], row["held_pico"], row["amount"]) == (sum(costs), 0, "1.00")
    again.ebb("budget", "set", "--endpoint", "e", "--amount", "0", "--period", "month")
    assert again.ask().status == 429
    again.ebb("budget", "rm", "--endpoint", "e", "--period", "month")
    assert again.ask().status == 200


def test_bad_budgets_and_keys_are_named(governed):
    for path, body, param in [("tenant/acme/week", {"amount": "1"}, "period"), ("user/acme/day", {"amount": "1"}, "of"),
                              ("tenant/nobody/day", {"amount": "1"}, "name"), ("key/nobody/day", {"amount": "1"}, "name"),
                              ("tenant/acme/day", {"amount": "-1"}, "amount"), ("tenant/acme/day", {"amount": "1" + "0" * 30}, "amount"),
                              ("tenant/acme/day", {"amount": "1", "currency": "EUR"}, "currency"), ("tenant/acme/day", {"amount": "1", "zone": "Mars/Base"}, "zone"),
                              ("tenant/acme/day", {"amount": "0.0000000000001"}, "amount"), ("tenant/acme'; DROP TABLE budgets; --/day", {"amount": "1"}, "name")]:
        answer = governed.request("PUT", "/ebb/v1/budgets/" + path.replace(" ", "%20").replace("'", "%27").replace(";", "%3B"), body)
        assert answer.status in (400, 404) and answer.json["error"]["param"] == param, (path, answer)
    assert governed.get("/ebb/v1/budgets").json["budgets"] == []
    for body, param in [({"tenant": "acme", "label": "x" * 200}, "label"), ({"tenant": "acme", "expires_in": "forever"}, "expires_in"), ({"tenant": "nobody"}, "tenant")]:
        answer = governed.request("POST", "/ebb/v1/keys", body)
        assert answer.json["error"]["param"] == param, answer
    header = governed.request("GET", "/v1/models", headers={"Authorization": "Bearer " + "é" * 76})
    assert header.status == 401
    assert governed.request("PUT", "/ebb/v1/tenants/a%0d%0aX:%20y", {}).status == 404
    assert governed.ebb("budget", "set", "--tenant", "acme", "--key", "x", "--amount", "1", check=False).returncode == 2
    assert governed.ebb("key", "create", "--tenant", "acme", "--budget", "5/week", check=False).returncode == 2
    assert "EUR" in governed.ebb("budget", "set", "--tenant", "acme", "--amount", "5 EUR", check=False).stderr
