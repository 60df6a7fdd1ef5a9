"""TLS, users and a token by a web configuration file, on a real exporter."""

import base64
import http.client
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from exporters import webconfig
from settings import SettingsError
from tests.exporters.servers import ROOT, Server, ours
from tests.waiting import until

PASSWORD = "open: sesame"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def certificate(folder: Path, name: str) -> None:
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(
        [*words, *files, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True
    )


def status(server: Server, path: str, authorization: str = "") -> int:
    return server.get(path, **({"Authorization": authorization} if authorization else {}))[0]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    (folder / "token").write_text("a-token\n")
    (folder / "token").chmod(0o600)
    path = folder / "web.yml"
    path.write_text(f"basic_auth_users: {{prometheus: '{HASH}'}}\nbearer_token_file: token\n")
    return path


@pytest.fixture(scope="module")
def server(config: Path) -> Iterator[Server]:
    with ours("--web.config.file", str(config), "--collectors", "loadavg") as running:
        yield running


@pytest.mark.parametrize("path", ["/metrics", "/", "/probe?target=x", "/nothing"])
def test_nothing_but_health_is_open(server: Server, path: str) -> None:
    code, headers, body = server.get(path)
    assert (code, body) == (401, b"unauthorized\n")
    assert {value.split()[0] for value in headers.get_all("WWW-Authenticate", [])} == {"Basic", "Bearer"}
    assert status(server, "/healthz") == status(server, "/readyz") == 200


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (basic("prometheus", PASSWORD), 200),
        (basic("prometheus", "wrong"), 401),
        (basic("nobody", PASSWORD), 401),
        (basic("nobody", ""), 401),
        ("Basic !!!", 401),
        ("Basic", 401),
        ("Bearer a-token", 200),
        ("bearer a-token", 200),
        ("Bearer another", 401),
        ("Bearer ", 401),
        ("Digest a-token", 401),
    ],
)
def test_who_is_let_in(server: Server, given: str, code: int) -> None:
    assert status(server, "/metrics", given) == code


def test_a_change_counts_at_once_and_a_bad_one_leaves_what_was(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users: {{one: '{HASH}'}}\n")
    with ours("--web.config.file", str(path), "--collectors", "loadavg") as server:
        assert status(server, "/metrics", basic("one", PASSWORD)) == 200
        path.write_text(f"basic_auth_users: {{two: '{HASH}'}}\n")
        assert status(server, "/metrics", basic("one", PASSWORD)) == 401
        assert status(server, "/metrics", basic("two", PASSWORD)) == 200
        path.write_text("basic_auth_users: {two: plain}\n")
        assert status(server, "/metrics", basic("two", PASSWORD)) == 200
        assert status(server, "/metrics", basic("two", "plain")) == 401
        _, said = server.stop()
    assert said.count("is no bcrypt hash") == 1
    assert "plain" not in said.replace("text/plain", "")


def test_tls_and_a_renewed_certificate(tmp_path: Path) -> None:
    certificate(tmp_path, "first")
    path = tmp_path / "web.yml"
    path.write_text("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
    with ours("--web.config.file", str(path), "--collectors", "loadavg") as server:
        first = peer(server.port)
        certificate(tmp_path, "second")
        assert until("the new certificate serves", lambda: peer(server.port) != first)
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=trusting(tmp_path / "cert.pem"), timeout=10)
        connection.request("GET", "/metrics")
        assert b"node_load1 " in connection.getresponse().read()
        connection.close()


def peer(port: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port))


def trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("basic_auth_user: {}", "unknown field `basic_auth_user`"),
        ("basic_auth_users: {a: secret-word}", "basic_auth_users.a: is no bcrypt hash"),
        ("tls_server_config: {cert_file: a}", "required field `key_file`"),
        ("tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}", "RequireAnyClientCert"),
        ("tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}", "go together"),
        ("tls_server_config: {cert_file: a, key_file: b, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}", "TLS_RSA_WITH_RC4_128_SHA"),
        ("tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}", "above max_version"),
        ("http_server_config: {headers: {Set-Cookie: x}}", "'Set-Cookie' cannot be set"),
        ("a: [", "is not YAML"),
        ("[]", "Expected `object`"),
    ],
)
def test_a_wrong_file_is_one_clear_error(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        webconfig.parse(text, "web.yml")
    assert said in str(caught.value)
    assert "secret-word" not in str(caught.value)
    assert str(caught.value).startswith("web.yml")


@pytest.mark.parametrize(
    "text", ["tls_server_config: {cert_file: none.pem, key_file: none.pem}", "bearer_token_file: none", "x: 1"]
)
def test_it_does_not_start_with_a_file_that_it_cannot_use(tmp_path: Path, text: str) -> None:
    (tmp_path / "web.yml").write_text(text)
    words = ["--port", "0", "--site", str(ROOT / "site.example.yaml"), "--web.config.file", str(tmp_path / "web.yml")]
    done = subprocess.run(
        [sys.executable, "-m", "exporters", "system", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
