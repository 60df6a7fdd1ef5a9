"""The command line: what it prints, what it refuses, how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from metrics.process import version
from metrics.system import METRICS
from tests.exporters.servers import ROOT, ours, series

SITE = ROOT / "site.example.yaml"


def run(*arguments: str, site: Path = SITE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exporters", *arguments, "--site", str(site)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)


def test_once_prints_one_exposition() -> None:
    done = run("system", "--once")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert {"node_load1", "node_time_seconds"} <= series(done.stdout).keys()


def test_once_ends_quietly_when_nobody_reads_on() -> None:
    command = [sys.executable, "-m", "exporters", "system", "--once", "--site", str(SITE)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 0
    assert said == ""


def test_once_replaces_a_file_in_one_step(tmp_path: Path) -> None:
    out = tmp_path / "node.prom"
    out.write_text("old")
    with out.open() as reader:
        assert run("system", "--once", "--out", str(out)).returncode == 0
        assert reader.read() == "old"  # another file has its name now
    assert "node_load1" in series(out.read_text())
    assert [path.name for path in tmp_path.iterdir()] == ["node.prom"]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    done = run("system", "--once", "--out", str(tmp_path / "none" / "node.prom"))
    assert done.returncode == 1
    assert "No such file or directory: name a file in a folder that can be written" in done.stderr
    assert run("system", "--out", "node.prom").returncode == 2


def test_list_is_json_of_every_collector() -> None:
    listed = json.loads(run("system", "--list").stdout)
    assert {"domain", "name", "help", "emits"} == set(listed[0])
    emitted = [name for collector in listed for name in collector["emits"]]
    own = {"node_scrape_collector_success", "node_scrape_collector_duration_seconds"}
    assert sorted(emitted) == sorted({metric.name for metric in METRICS} - own)


def test_version() -> None:
    assert run("system", "--version").stdout.split()[-1] == version()


def test_collectors_can_be_chosen_and_switched_off() -> None:
    found = series(run("system", "--once", "--collectors", "loadavg,uname,filefd", "--no-collector-uname").stdout)
    assert {dict(labels)["collector"] for labels in found["node_scrape_collector_success"]} == {"loadavg", "filefd"}


def test_site_yaml_switches_collectors_off(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("exporters:\n  system:\n    disabled_collectors: [meminfo]\n")
    found = series(run("system", "--once", site=site).stdout)
    assert "node_load1" in found
    assert "node_memory_MemTotal_bytes" not in found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("system", "--collectors", "cpu,nonsense"), ("nonsense", "known are", "meminfo")),
        (("system", "--no-collector-nonsense"), ("--no-collector-nonsense",)),
        (("system", "--port", "many"), ("--port", "many", "65535")),
        (("system", "--port", "70000"), ("--port", "70000", "65535")),
        (("nonsense",), ("nonsense", "system")),
        ((), ("domain",)),
    ],
)
def test_wrong_arguments_are_exit_2_and_say_what_is_allowed(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr


def test_an_unknown_collector_in_site_yaml_is_exit_2_and_one_line(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("exporters:\n  system:\n    disabled_collectors: [nonsense]\n")
    done = run("system", "--once", site=site)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "nonsense" in done.stderr
    assert "meminfo" in done.stderr


def test_a_wrong_site_yaml_is_exit_2_and_names_the_line(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("bind: 127.0.0.1\nbnd: 1\n")
    done = run("system", site=site)
    assert done.returncode == 2
    assert f"{site}:2" in done.stderr


def test_a_port_in_use_names_port_and_process() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("system", "--port", str(port))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"port {port}: in use by" in done.stderr
    assert f"(pid {os.getpid()})" in done.stderr


def test_an_address_of_another_machine_is_one_line(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("insecure: true\n")
    done = run("system", "--bind", "192.0.2.1", "--port", "0", site=site)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "192.0.2.1" in done.stderr


def test_a_network_is_not_answered_without_tls_and_a_password() -> None:
    done = run("system", "--bind", "0.0.0.0", "--port", "0")  # noqa: S104  # refused
    assert done.returncode == 2
    assert "without TLS and a password: give --web.config.file" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    with ours() as server:
        server.text()
        code, said = server.stop(number)
        assert code == 0, said
        assert "Traceback" not in said
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", server.port), 1)


def test_it_needs_little_memory() -> None:
    with ours() as server:
        for _ in range(50):
            server.get(Accept_Encoding="gzip")
        assert server.resident_bytes() < 60 * 2**20


def test_nothing_of_the_drawing_room_is_imported() -> None:
    words = "import sys, exporters.cli; print(*(set(sys.modules) & {'grafanalib', 'jinja2', 'prometheus_client'}))"
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
