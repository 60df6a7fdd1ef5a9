"""A real Prometheus asks an exporter that wants TLS, a certificate and a password, by what is rendered from `site.yaml`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml

from compose.render import host_targets, prometheus_config
from settings import SettingsError, parse
from tests.appliance import get
from tests.exporters.servers import ours
from tests.waiting import free_ports, until

_EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def _made(folder: Path) -> None:
    """An authority, and certificates by it for the exporter and for Prometheus."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", *_EC, "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=a test's authority")
    for name in ("exporter", "prometheus"):
        openssl("req", *_EC, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
        (folder / f"{name}.key").chmod(0o600)


def _site(folder: Path, port: int, access: dict[str, str]) -> str:
    known = {name: str(folder / file) if "/" not in file and name != "username" else file for name, file in access.items()}
    host = {"name": "web-1", "address": f"127.0.0.1:{port}", "scheme": "https"}
    return json.dumps(
        {
            "hosts": [host],
            "hosts_access": known,
            "workload": False,
            "prometheus": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        }
    )


FULL = {
    "authority": "ca.pem",
    "certificate": "prometheus.pem",
    "key_file": "prometheus.key",
    "username": "prometheus",
    "password_file": "password",
}


def _without(*names: str) -> dict[str, str]:
    return {name: value for name, value in FULL.items() if name not in names}


@pytest.mark.parametrize(
    ("access", "health"),
    [
        (FULL, "up"), (_without("certificate", "key_file"), "down"), (_without("username", "password_file"), "down"),
        (_without("authority"), "down"),
    ],
    ids=["all", "without its certificate", "without its password", "without their authority"],
)  # fmt: skip
def test_both_sides_know_each_other(tmp_path: Path, access: dict[str, str], health: str) -> None:
    _made(tmp_path)
    (tmp_path / "password").write_text("of a test")
    (tmp_path / "password").chmod(0o600)
    tls = {
        "cert_file": "exporter.pem",
        "key_file": "exporter.key",
        "client_ca_file": "ca.pem",
        "client_auth_type": "RequireAndVerifyClientCert",
    }
    users = {"prometheus": bcrypt.hashpw(b"of a test", bcrypt.gensalt(4)).decode()}
    (tmp_path / "web.yml").write_text(yaml.safe_dump({"tls_server_config": tls, "basic_auth_users": users}))
    with ours("--web.config.file", str(tmp_path / "web.yml"), "--collectors", "loadavg") as exporter:
        config = prometheus_config(parse(_site(tmp_path, exporter.port, access)))
        del config["alerting"], config["rule_files"]
        config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] == "system-tls"]
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
        (port,) = free_ports(1)
        words = [
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with subprocess.Popen(["prometheus", *words, "--log.level=error"]) as prometheus:
            try:
                found = until(f"it is {health}", lambda: _target(port, health), 30)
                assert (found["labels"]["job"], found["labels"]["instance"]) == ("system", "web-1")
            finally:
                prometheus.terminate()


def _target(port: int, health: str) -> dict[str, Any] | None:
    """The target once it is so, and not because a busy machine was late: that says nothing of who knows whom."""
    try:
        targets = get(f"http://127.0.0.1:{port}/api/v1/targets?state=active")["data"]["activeTargets"]
    except OSError:
        return None
    return next((one for one in targets if one["health"] == health and "deadline exceeded" not in one["lastError"]), None)


def test_no_password_goes_where_there_is_no_tls() -> None:
    text = "{hosts: [{name: a, address: 'a:1', scheme: https}, {name: b, address: 'b:1'}]%s}"
    site = parse(text % ", hosts_access: {username: x, password_file: /p}")
    jobs = {job["job_name"]: job for job in prometheus_config(site)["scrape_configs"]}
    assert [group["targets"] for group in host_targets(site)] == [["b:1"]]
    assert "basic_auth" not in jobs["system"]
    assert jobs["system-tls"]["basic_auth"] == {"username": "x", "password_file": "/p"}
    assert "system-tls" not in {job["job_name"] for job in prometheus_config(parse("{}"))["scrape_configs"]}
    with pytest.raises(SettingsError, match="scheme: https"):
        parse("scrape: [{job: a, targets: ['a:1'], access: {username: x, password_file: /p}}]")
    for half in ("certificate: /c", "key_file: /k", "username: x", "password_file: /p"):
        with pytest.raises(SettingsError, match="go together"):
            parse(f"hosts_access: {{{half}}}")
