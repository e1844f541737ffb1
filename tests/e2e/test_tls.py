"""TLS, and servers that listen for others than their own machine: what may start, who is let in, and how certificates are replaced."""
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading

import numpy
import openai
import pytest
import tritonclient.grpc as triton_grpc

from harness.certificates import Authority
from harness.waiting import BIN, eventually


def own_address() -> str | None:
    """An address of this machine that is not loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


ADDRESS = own_address()
elsewhere = pytest.mark.skipif(ADDRESS is None, reason="this machine has no address but loopback")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def pair(authority):
    return authority.issue("server", "DNS:localhost,IP:127.0.0.1,DNS:ebb.test" + (f",IP:{ADDRESS}" if ADDRESS else ""))


@pytest.fixture
def secure(launch, authority, pair):
    """Over HTTPS on loopback."""
    server = launch(*pair.arguments, ca=authority.file)
    server.deploy(scaling={"max": 4}, context=1_000_000)
    return server


@pytest.fixture
def admin_key(launch):
    """Made on loopback, in the home that the test's other server has."""
    server = launch()
    server.deploy()
    server.ebb("tenant", "add", "us")
    key = server.ebb("key", "create", "--tenant", "us", "--scope", "admin").stdout.strip()
    assert server.stop() == []
    return key


def shown_by(server) -> bytes:
    """The certificate that a new connection gets."""
    return ssl.get_server_certificate((server.host, server.port)).encode()


def grpc_port(server) -> int:
    return next(json.loads(line)["port"] for line in server.log().splitlines() if "listening for gRPC" in line)


# --- HTTPS ---

def test_a_call_a_stream_and_a_long_body(secure):
    with secure.openai() as client:
        answer = client.chat.completions.create(model="e", messages=[{"role": "user", "content": "hello"}])
        assert answer.choices[0].message.content
        stream = client.chat.completions.create(model="e", stream=True, messages=[{"role": "system", "content": "tokens=50 tps=200"},
                                                                                 {"role": "user", "content": "hello"}])
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices).count("hello") == 50
    assert secure.ask("word " * 400_000, "tokens=1").status == 200
    curled = subprocess.run(["curl", "-sS", "--cacert", secure.ca, f"{secure.url}/v1/models"], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(curled.stdout)["data"][0]["id"] == "e"


def test_many_calls_at_once(secure):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(secure.ask("hi", "tokens=20 tps=100").status)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 16


def test_clients_know_a_wrong_server(secure, tmp_path):
    stranger = Authority(tmp_path / "stranger")
    with pytest.raises(openai.APIConnectionError) as refused:
        with secure.openai(http_client=openai.DefaultHttpxClient(verify=ssl.create_default_context(cafile=stranger.file))) as client:
            client.models.list()
    assert "CERTIFICATE_VERIFY_FAILED" in str(refused.value.__cause__)
    context = secure.tls()
    with pytest.raises(ssl.SSLCertVerificationError, match="(?i)hostname mismatch"):
        context.wrap_socket(socket.create_connection(("127.0.0.1", secure.port)), server_hostname="other.test")
    with context.wrap_socket(socket.create_connection(("127.0.0.1", secure.port)), server_hostname="ebb.test") as right:
        assert right.version() == "TLSv1.3"


def test_plain_http_is_told_where_it_is(secure):
    curled = subprocess.run(["curl", "-sS", "-i", f"http://127.0.0.1:{secure.port}/v1/models"], capture_output=True, text=True, timeout=60, check=True)
    assert curled.stdout.startswith("HTTP/1.1 400 ") and "this port speaks HTTPS" in curled.stdout
    done = subprocess.run([BIN / "ebb", "ps", "--server", f"http://127.0.0.1:{secure.port}"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "this port speaks HTTPS" in done.stderr


def test_the_command_line_checks_who_it_speaks_with(secure, tmp_path):
    def ebb(*arguments, url=secure.url, **environment):
        return subprocess.run([BIN / "ebb", *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "EBB_URL": url, "EBB_CA": "", **environment})
    assert ebb("ps", EBB_CA=str(secure.ca)).returncode == 0
    assert ebb("ps", "--ca", str(secure.ca)).returncode == 0
    assert ebb("chat", "e", "hello", "--ca", str(secure.ca)).stdout.strip()
    unknown = ebb("ps")
    assert unknown.returncode == 1 and "does not show a certificate that is trusted" in unknown.stderr and "--ca FILE" in unknown.stderr
    stranger = ebb("ps", EBB_CA=str(Authority(tmp_path / "stranger").file))
    assert stranger.returncode == 1 and "does not show a certificate that is trusted" in stranger.stderr
    missing = ebb("ps", "--ca", str(tmp_path / "none"))
    assert missing.returncode == 2 and "cannot read the certificates in" in missing.stderr
    other_name = ebb("ps", "--ca", str(secure.ca), url=f"https://127.0.0.2:{secure.port}")
    assert other_name.returncode in (1, 3)  # it listens on 127.0.0.1 alone


def test_no_tls_where_https_was_meant(server):
    done = subprocess.run([BIN / "ebb", "ps", "--server", server.url.replace("http:", "https:")], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "no TLS with" in done.stderr


# --- certificates that are replaced ---

def test_a_new_certificate_is_taken_while_a_stream_runs(secure, authority, pair):
    before = shown_by(secure)
    with secure.stream(script="tokens=400 tps=50") as stream:
        texts = stream.texts()
        first = next(texts)
        pair.replace_by(authority.issue("next", "DNS:localhost,IP:127.0.0.1,DNS:next.test"))
        eventually(lambda: shown_by(secure) != before, 20, "the new certificate was never shown")
        assert shown_by(secure) == pair.cert.read_bytes()
        assert first and sum(text.count("hello") for text in texts) >= 390
    assert secure.get("/readyz").status == 200
    assert "next.test" in secure.ebb("status").stdout


def test_sighup_reads_it_at_once_and_a_broken_one_replaces_nothing(secure, authority, pair):
    before = shown_by(secure)
    right_key = pair.key.read_bytes()
    pair.key.write_bytes(authority.issue("other").key.read_bytes())
    os.kill(secure.pid, signal.SIGHUP)
    eventually(lambda: "the new certificate cannot be used" in secure.log())
    assert shown_by(secure) == before
    status = secure.get("/ebb/v1/status").json["tls"]
    assert "is not that of the first certificate" in status["problem"] and "ebb.test" in status["names"]
    assert "what was to replace it is not used" in secure.ebb("status").stdout
    pair.key.write_bytes(right_key)
    os.kill(secure.pid, signal.SIGHUP)
    eventually(lambda: secure.get("/ebb/v1/status").json["tls"]["problem"] == "")
    pair.replace_by(authority.issue("next"))
    os.kill(secure.pid, signal.SIGHUP)
    eventually(lambda: shown_by(secure) == pair.cert.read_bytes())


def test_a_sighup_that_comes_while_it_starts_ends_nobody(pair, tmp_path):
    port_file = tmp_path / "port"
    with subprocess.Popen([BIN / "ebb", "serve", "--home", tmp_path / "home", "--port", "0", "--port-file", port_file, *pair.arguments],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True) as server:
        assert any("the certificate" in line for line in server.stderr)
        server.send_signal(signal.SIGHUP)
        eventually(lambda: server.poll() is not None or port_file.exists(), 30, "the server never listened")
        server.terminate()
        assert server.wait(30) == 0


def test_one_that_has_expired_is_a_warning(launch, authority):
    server = launch(*authority.issue("old", days=-1).arguments, ca=authority.file, trusted=False)
    server.trusted = True
    assert "the certificate has expired" in server.log()
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        server.get("/readyz")


# --- what may start ---

def refusal(home: pathlib.Path, *arguments, settings: str = "") -> str:
    home.mkdir(exist_ok=True)
    (home / "ebb.yaml").write_text(settings)
    done = subprocess.run([BIN / "ebb", "serve", "--home", home, "--port", "0", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2), done.stderr
    return done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", *([ADDRESS] if ADDRESS else [])])
def test_every_start_beyond_loopback_without_keys_is_refused(home, pair, host):
    for more in ([], ["--grpc-port", "0"]):
        assert f"will not listen on {host} without TLS" in refusal(home, "--listen", host, *more)
        said = refusal(home, "--listen", host, *pair.arguments, *more)
        assert f"will not listen on {host} without a key" in said and "ebb key create --tenant us --scope admin" in said
        assert f"will not listen on {host} without a key" in refusal(home, "--listen", host, "--behind-proxy", *more)
        assert "will not listen" in refusal(home, "--listen", host, "--behind-proxy", *pair.arguments, *more)
    assert "will not serve behind a proxy without a key" in refusal(home, "--behind-proxy")
    assert f"will not listen on {host} without TLS" in refusal(home, settings=f"listen: '{host}'\n")
    assert f"will not listen on {host} without a key" in refusal(home, settings=f"listen: '{host}'\nbehind_proxy: true\n")


def test_with_a_key_it_still_needs_tls(home, admin_key):
    assert "will not listen on 0.0.0.0 without TLS" in refusal(home, "--listen", "0.0.0.0")


def test_certificates_that_cannot_be_used(home, authority, pair):
    other = authority.issue("other")
    text = home.parent / "text"
    text.write_text("words")
    rows = [(["--tls-cert", pair.cert], "belong together"), (["--tls-key", pair.key], "belong together"),
            (["--tls-cert", "/none", "--tls-key", pair.key], "cannot read /none"), (["--tls-cert", pair.cert, "--tls-key", "/none"], "cannot read /none"),
            (["--tls-cert", pair.cert, "--tls-key", other.key], "is not that of the first certificate"),
            (["--tls-cert", text, "--tls-key", pair.key], "no certificate in PEM"), (["--tls-cert", pair.cert, "--tls-key", text], "no private key in PEM")]
    for arguments, said in rows:
        assert said in refusal(home, *arguments), arguments
    assert "'tls.key' is missing" in (said := refusal(home, settings="tls: {cert: a.pem}\n")) or "tls.key" in said
    assert f"cannot read {home}/a.pem" in refusal(home, settings="tls: {cert: a.pem, key: b.pem}\n")


# --- beyond loopback ---

@elsewhere
def test_from_elsewhere_a_key_opens_and_nothing_else(launch, authority, pair, admin_key, home):
    (home / "ebb.yaml").write_text(f"listen: 0.0.0.0\ntls: {{cert: {pair.cert}, key: {pair.key}}}\n")
    server = launch(ca=authority.file, host=ADDRESS)
    no_key = {"Authorization": "", "X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
    for method, path in [("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("GET", "/ebb/v1/status"), ("GET", "/metrics"), ("POST", "/ebb/v1/keys")]:
        assert server.request(method, path, {}, no_key).status == 401, path
    assert server.get("/livez").status == 200
    server.key = admin_key
    assert server.ask().status == 200
    assert server.request("GET", "/v1/models", headers={"Host": "ebb.example.com"}).status == 200
    assert server.request("GET", "/v1/models", headers={"Host": "ebb.example.com", "Origin": "https://ebb.example.com"}).status == 200
    assert server.request("GET", "/v1/models", headers={"Host": "ebb.example.com", "Origin": "https://evil.example"}).status == 403
    assert b"ebb_build_info" in server.get("/metrics").body
    assert "reset" not in server.ebb("status").stdout
    key_id = server.get("/ebb/v1/keys").json["keys"][0]["id"]
    assert server.ebb("key", "revoke", key_id).returncode == 0
    for path in ("/v1/models", "/ebb/v1/status", "/metrics"):
        for headers in ({}, no_key):
            answer = server.request("GET", path, headers=headers)
            assert answer.status == 401 and "has no keys any more" in answer.body.decode(), (path, answer)
    server.host = "127.0.0.1"  # whoever is on the machine owns it again
    assert server.request("GET", "/ebb/v1/status", headers={"Authorization": ""}).status == 200
    assert server.request("GET", "/ebb/v1/status", headers={"Authorization": "", "Host": "rebound.example"}).status == 421


@elsewhere
def test_behind_a_proxy_nobody_is_on_this_machine(launch, admin_key):
    server = launch("--listen", "0.0.0.0", "--behind-proxy", "--grpc-port", "0", host=ADDRESS)
    for host in (ADDRESS, "127.0.0.1"):
        server.host, server.key = host, ""
        assert server.get("/v1/models").status == 401
        assert server.get("/metrics").status == 401
        server.key = admin_key
        assert server.request("GET", "/v1/models", headers={"Host": "ebb.example.com"}).status == 200
    assert server.ebb("key", "revoke", server.get("/ebb/v1/keys").json["keys"][0]["id"]).returncode == 0
    assert server.request("GET", "/v1/models", headers={"Authorization": ""}).status == 401
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{grpc_port(server)}") as client:
        with pytest.raises(Exception, match="no keys any more"):
            client.is_model_ready("e")


# --- gRPC ---

def infer(client, **how):
    tensor = triton_grpc.InferInput("x", [1], "FP32")
    tensor.set_data_from_numpy(numpy.array([1], "float32"))
    return client.infer("e", [tensor], **how)


def over_tls(address: str, authority) -> triton_grpc.InferenceServerClient:
    return triton_grpc.InferenceServerClient(address, ssl=True, root_certificates=str(authority.file))


def test_grpc_over_tls_and_its_new_certificate(launch, authority, pair):
    server = launch(*pair.arguments, "--grpc-port", "0", ca=authority.file)
    server.deploy()
    address = f"localhost:{grpc_port(server)}"
    with over_tls(address, authority) as client:
        assert infer(client)
        with triton_grpc.InferenceServerClient(address) as plain, pytest.raises(Exception, match="(?i)unavailable|failed to connect|closed"):
            infer(plain, client_timeout=20)
        stranger = Authority(authority.folder / "stranger")
        with over_tls(address, stranger) as wrong, pytest.raises(Exception, match="(?i)unavailable|failed to connect|handshake"):
            infer(wrong, client_timeout=20)
        old = ssl.get_server_certificate(("localhost", grpc_port(server)))
        pair.replace_by(authority.issue("next"))
        os.kill(server.pid, signal.SIGHUP)
        eventually(lambda: ssl.get_server_certificate(("localhost", grpc_port(server))).encode() == pair.cert.read_bytes() != old.encode())
        assert infer(client)  # the old connection goes on
    with over_tls(address, authority) as client:
        assert infer(client)


@elsewhere
def test_grpc_from_elsewhere_needs_a_key(launch, authority, pair, admin_key):
    server = launch("--listen", ADDRESS, *pair.arguments, "--grpc-port", "0", ca=authority.file, host=ADDRESS, key=admin_key)
    with over_tls(f"{ADDRESS}:{grpc_port(server)}", authority) as client:
        with pytest.raises(Exception, match="key"):
            infer(client)
        assert infer(client, headers={"authorization": f"Bearer {admin_key}"})
        assert server.ebb("key", "revoke", server.get("/ebb/v1/keys").json["keys"][0]["id"]).returncode == 0
        for headers in ({}, {"authorization": f"Bearer {admin_key}"}):
            with pytest.raises(Exception, match="no keys any more"):
                infer(client, headers=headers)


def test_what_is_no_tls_ends(secure):
    """Garbage, half a handshake and a cut stream, again and again: the server serves on."""
    for sent in (b"\x16\x03\x01\x02\x00\x01", os.urandom(500), b"\x00" * 20_000, b""):
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", secure.port), timeout=60) as connection:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
    cut = secure.stream(script="tokens=100000 tps=50")
    assert next(cut.texts())
    os.close(cut.connection.detach())  # without TLS's own end
    secure.wait_until_free()
    assert secure.ask().status == 200
    assert re.search(r"panic|assert|terminate", secure.log()) is None
