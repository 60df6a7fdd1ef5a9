"""`make doctor` finds each fault and names its fix; on a machine that is well it finds none."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from compose import container_doctor, doctor, machine, postgres
from compose.backups import Record, beating
from compose.docker import Containers
from compose.finding import Finding
from compose.host import Host
from compose.native import Stack
from compose.ports import is_free
from compose.secrets import make_secrets
from settings import Paths, Site
from settings.paths import CLONE, HOME_VARIABLE
from tests.waiting import free_ports, until


class Patient:
    """A home that was never started, with free ports."""

    def __init__(self, home: Path) -> None:
        self.home = home
        names = [item.name for item in msgspec.structs.fields(Site().ports)]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.write()

    def write(self, **settings: Any) -> None:
        (self.home / "site.yaml").write_text(yaml.safe_dump({"ports": self.ports} | settings))

    def found(self) -> dict[str, Finding]:
        stack = Stack(Host(self.home, None, copied=False), self.home / "site.yaml")
        return {finding.what: finding for finding in doctor.findings(stack)}


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


def test_a_machine_that_is_well_has_nothing_to_mend(patient: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    make_secrets(Paths(patient.home), Host(patient.home, None, copied=False))
    assert {name: finding for name, finding in patient.found().items() if finding.level == "problem"} == {}
    stack = Stack(Host(patient.home, None, copied=False), patient.home / "site.yaml")
    assert doctor.doctor(stack, argparse.Namespace(json=True)) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"site.yaml", "ports", "disk", "clock", "open files", "memory", "secrets", "prometheus"} <= {
        one["what"] for one in told
    }


@contextmanager
def listener(port: int) -> Iterator[int]:
    """A process that listens there, and belongs to no appliance as these tests may; its pid."""
    listen = "import socket, sys, time; held = socket.create_server(('127.0.0.1', int(sys.argv[1])));"
    words = f"{listen} print(1, flush=True); time.sleep(60)"
    environment = {name: value for name, value in os.environ.items() if name != HOME_VARIABLE}
    command = [sys.executable, "-c", words, str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"1\n"
            yield process.pid
        finally:
            process.kill()


def test_every_port_that_is_taken_is_named_with_who_has_it(patient: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    port = patient.ports["prometheus"]
    with listener(port) as pid:
        finding = patient.found()[f"port {port}"]
        stack = Stack(Host(patient.home, None, copied=False), patient.home / "site.yaml")
        assert doctor.doctor(stack, argparse.Namespace(json=False)) == 1
    assert finding.level == "problem"
    assert f"(pid {pid})" in finding.words
    assert "give prometheus another" in finding.fix
    said = capsys.readouterr()
    assert "→ stop that one" in " ".join(said.out.split()), "wherever a line of the table ends"
    assert said.err == f"1 to mend: port {port}\n"


def test_settings_that_are_wrong_are_told_by_line(patient: Patient) -> None:
    patient.write(bind="nowhere at all")
    assert patient.found()["site.yaml"].level == "problem"
    assert "bind" in patient.found()["site.yaml"].words
    patient.write(bind="192.0.2.1", insecure=True)
    assert "192.0.2.1 is no address of this machine" in patient.found()["address"].words


def test_a_secret_that_others_may_read(patient: Patient) -> None:
    paths = Paths(patient.home)
    make_secrets(paths, Host(patient.home, None, copied=False))
    paths.inbox_token.chmod(0o644)
    finding = patient.found()["secret inbox_token"]
    assert finding.level == "problem"
    assert finding.fix == f"chmod 600 {paths.inbox_token}"
    paths.inbox_token.chmod(0o600)
    paths.secrets.chmod(0o755)
    assert patient.found()["secrets"].fix == f"chmod 700 {paths.secrets}"


@pytest.mark.parametrize(("days", "level"), [(-3, "problem"), (5, "warning"), (90, "ok")])
def test_a_certificate_that_ends(patient: Patient, days: int, level: str) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stream.example.org")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=100), now + timedelta(days=days))
    file, secret = patient.home / "tls.pem", patient.home / "tls.key"
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    secret.write_text("a key")
    secret.chmod(0o600)
    pair = {"certificate": str(file), "key_file": str(secret)}
    job = {"job": "shop", "targets": ["shop:443"], "scheme": "https", "access": pair | {"authority": str(file)}}
    patient.write(stream={"tls": pair}, scrape=[job])
    found = patient.found()
    assert found["certificate stream.tls"].level == level
    assert found["certificate scrape shop"].level == found["certificate of the authority of scrape shop"].level == level
    file.write_text("no certificate")
    assert patient.found()["certificate stream.tls"].level == "problem"


def test_a_clock_that_was_set_back(patient: Patient) -> None:
    (patient.home / "log").mkdir()
    log = patient.home / "log" / "prometheus.log"
    log.write_text("")
    later = datetime.now(UTC).timestamp() + 3600
    os.utime(log, (later, later))
    finding = patient.found()["clock"]
    assert finding.level == "problem"
    assert "60 min" in finding.words


def test_programs_that_are_missing_or_too_old(patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bin" / "prometheus"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'prometheus, version 2.5.0 (branch: x)'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent))
    found = patient.found()
    assert (found["prometheus"].level, found["prometheus"].words) == ("problem", "2.5.0 is too old")
    assert found["alertmanager"].fix == "`make setup` installs it"
    assert not {"nginx", "pgbackrest"} & set(found), "nothing asks for them"


def test_programs_that_the_site_asks_for(patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patient.write(entrance={"enabled": True}, backup={"every": "24h"})
    found = patient.found()
    assert [found[name].level for name in ("varnish", "postgresql", "nginx", "pgbackrest")] == ["ok"] * 4
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "installed", lambda: {13: tmp_path})
    monkeypatch.setattr(machine, "ENTRANCE", {"nginx": machine.ENTRANCE["nginx"]._replace(commands=("nginx",))})
    found = patient.found()
    assert (found["postgresql"].level, found["postgresql"].words) == ("problem", "13 is too old")
    assert found["nginx"].fix == found["pgbackrest"].fix == "`make up` of root installs it"


@pytest.mark.parametrize(
    ("free", "level"), [(200 << 20, "problem"), (5 << 30, "warning"), (500 << 30, "ok")], ids=["full", "tight", "wide"]
)
def test_a_disk_that_fills(patient: Patient, monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    monkeypatch.setattr(
        machine, "room", lambda path: machine.Room(path, 1 << 40, free if free < 2**30 else free + (10 << 30), 0, 0)
    )
    if level == "warning":
        monkeypatch.setattr(machine, "room", lambda path: machine.Room(path, 100 << 30, free, 1000, 1))
    found = {finding.what: finding for finding in doctor.disk(patient.home, Site())}
    assert found["disk"].level == level
    assert ("inodes" in found) is (level == "warning")


def test_little_memory_without_swap(patient: Patient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:        2000000 kB\nMemAvailable:    1500000 kB\nSwapFree:              0 kB\n")
    read = machine.memory(meminfo)
    monkeypatch.setattr(machine, "memory", lambda: read)
    finding = patient.found()["memory"]
    assert finding.level == "warning"
    assert "workload: false" in finding.fix


def test_few_descriptors(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "descriptors", lambda: 1024)
    assert patient.found()["open files"].level == "problem"


def test_another_appliance_on_a_port_is_told_by_its_home(patient: Patient) -> None:
    port = patient.ports["prometheus"]
    words = [sys.executable, "-c", f"import socket, sys; s = socket.create_server(('127.0.0.1', {port})); sys.stdin.read()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, env={"WATCHFLOOR_HOME": "/srv/other"}) as other:
        until("it listens", lambda: not is_free("127.0.0.1", port))
        finding = patient.found()[f"port {port}"]
        other.communicate()
    assert "of the appliance in /srv/other has it" in finding.words
    assert finding.fix.startswith("`make down` there, or give prometheus another")


def test_a_machine_without_ipv4_loopback(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "is_own_address", lambda address: address != "127.0.0.1")
    patient.write(bind="::1")
    finding = patient.found()["loopback"]
    assert finding.level == "problem"
    assert "ip address add 127.0.0.1/8 dev lo" in finding.fix


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="a network of its own takes root")
def test_the_looks_at_addresses_are_right_where_there_is_ipv6_alone() -> None:
    """On a loopback that has no IPv4 address, in a network namespace of its own."""
    asked = "from compose.ports import is_own_address as own; print(own('127.0.0.1'), own('::1'))"
    script = f'ip link set lo up; ip -4 address flush dev lo; exec {sys.executable} -c "{asked}"'
    done = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, text=True, cwd=CLONE, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("this machine gives no network namespaces")
    assert done.stdout == "False True\n", done.stderr


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="a network of its own takes root")
@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
def test_up_says_what_it_lacks_where_there_is_ipv6_alone(patient: Patient, bind: str) -> None:
    patient.write(bind=bind, runtime="native")
    words = [sys.executable, "-m", "compose", "up", "--home", str(patient.home), "--site", str(patient.home / "site.yaml")]
    script = f"ip link set lo up; ip -4 address flush dev lo; exec {shlex.join(words)}"
    done = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, text=True, cwd=CLONE, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("this machine gives no network namespaces")
    assert done.returncode == 1
    assert done.stderr.startswith("127.0.0.1 is not there: PostgreSQL and both Redis listen on it alone: give it back: ")
    assert not (patient.home / "data").exists()


def test_status_repeats_that_the_site_is_shown_to_a_network(patient: Patient) -> None:
    words = [sys.executable, "-m", "compose", "status", "--home", str(patient.home), "--site", str(patient.home / "site.yaml")]
    for settings, told in (
        ({"bind": "0.0.0.0", "insecure": True}, "INSECURE: bind: 0.0.0.0 shows every service to the network"),  # noqa: S104  # what is told of
        ({"insecure": True}, "INSECURE: insecure: true stands in site.yaml, though nothing is shown to a network"),
        ({}, ""),
    ):
        patient.write(runtime="native", **settings)
        said = subprocess.run(words, capture_output=True, text=True, cwd=CLONE, check=False).stderr
        assert told in said
        assert ("INSECURE" in said) is bool(told)


def test_containers_are_looked_at_for_what_they_need(tmp_path: Path) -> None:
    """Without an engine: what it lacks, and no word of programs that containers bring along."""
    known = list(container_doctor.engine_())
    if known[0].level == "problem":
        assert known[0].fix.startswith("start Docker")
    assert container_doctor.backups(Paths(tmp_path)).words == "none was made"
    (tmp_path / "data" / "backup").mkdir(parents=True)
    began = Record.read(Paths(tmp_path)).begun().write(Paths(tmp_path))
    assert container_doctor.backups(Paths(tmp_path)).words == "the last one failed: was cut off"
    with beating(Paths(tmp_path)):
        assert container_doctor.backups(Paths(tmp_path)).words == "one is under way"
    began.done(1).write(Paths(tmp_path))
    assert container_doctor.backups(Paths(tmp_path)).level == "ok"
    replace(began.done(1), newest=time.time() - 8 * 86_400).write(Paths(tmp_path))
    assert container_doctor.backups(Paths(tmp_path)).words == "the newest is 8 days old"


def test_of_containers_the_published_ports_are_looked_at_alone(patient: Patient) -> None:
    stack = Containers(Host(patient.home, None, copied=False), patient.home / "site.yaml")
    named = {(service.name, port) for service, port in stack.listening(Site())}
    ports = Site().ports
    assert {("prometheus", ports.prometheus), ("edge", ports.edge), ("preview", ports.grafana)} <= named
    assert not {name for name, _ in named} & {"postgres", "bus", "cache-redis", "analysis", "exporter-system"}


def test_state_that_this_version_cannot_go_on_with(patient: Patient) -> None:
    (patient.home / "VERSION").write_text("99\n")
    assert "newer version" in patient.found()["state"].words
    (patient.home / "VERSION").unlink()
    (patient.home / "data" / "postgres" / "9").mkdir(parents=True)
    assert "holds data of PostgreSQL 9, which is not installed" in patient.found()["state"].words


def test_backups_that_fail_or_are_not_asked_for(patient: Patient) -> None:
    assert patient.found()["backups"].level == "warning"
    patient.write(backup={"every": "24h"})
    assert patient.found()["backups"].level == "ok"
    paths = Paths(patient.home)
    Record.file(paths).parent.mkdir(parents=True)
    Record().begun().failed("the disk is full").write(paths)
    finding = patient.found()["backups"]
    assert (finding.level, finding.words) == ("problem", "the last one failed: the disk is full")
