"""What an exporter's process does not load, and that it can speak TLS where it must."""

import os
import ssl
import sys
from pathlib import Path

import pytest

from exporters.domains import ALL, DOMAINS
from exporters.lean import PLAIN_DOMAINS, TLS_DOMAINS, lean, needs_tls
from tests.exporters.servers import ROOT, ours


def test_tls_is_needed_for_some_domains_and_for_a_web_configuration() -> None:
    assert {*PLAIN_DOMAINS, *TLS_DOMAINS} == {*DOMAINS, ALL}
    assert not any(needs_tls([name, "--port", "0"]) for name in PLAIN_DOMAINS)
    assert all(needs_tls(["system", name]) for name in TLS_DOMAINS)
    assert needs_tls(["system", "--web.config.file", "web.yml"])
    assert needs_tls(["system", "--web.config.file=web.yml"])
    assert needs_tls(["--version"])


@pytest.mark.parametrize("name", PLAIN_DOMAINS)
def test_no_domain_without_tls_asks_for_it(name: str) -> None:
    files = [*(ROOT / "exporters").glob("*.py"), *(ROOT / "exporters" / name).glob("*.py")]
    asking = [str(file.relative_to(ROOT)) for file in files if "\nimport ssl\n" in file.read_text()]
    assert sorted(asking) == ["exporters/gate.py", "exporters/webconfig.py"]


def test_an_exporter_without_tls_loads_no_openssl() -> None:
    with ours() as server:
        assert "watchfloor_collector_success" in server.text()
        maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "python" in maps
    assert "libssl" not in maps
    assert "libcrypto" not in maps


def test_the_authorities_are_there_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)

    with lean(tls=True):
        assert ssl.create_default_context().get_ca_certs() == []

    assert os.environ["SSL_CERT_FILE"] == str(tmp_path)
    assert "SSL_CERT_DIR" not in os.environ
    assert sys.modules["ssl"] is ssl
