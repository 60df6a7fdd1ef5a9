"""`python -m settings` as a person runs it: real processes, their output and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from metrics.process import version
from settings import Site, parse
from settings.paths import CLONE


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "settings", *map(str, arguments)],
        cwd=CLONE,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_valid_file(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("cluster: mine\n")

    done = run("check", file)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{file}: valid\n", "")


def test_a_wrong_file(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("cluster: mine\nprots: 1\n")

    done = run("check", file)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{file}:2: prots: unknown key: did you mean 'ports'?\n")


def test_a_secret_that_is_open_to_others(tmp_path: Path) -> None:
    file, secret = tmp_path / "site.yaml", tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o644)
    file.write_text(f"endpoints:\n  grafana_key_file: {secret}\n")

    done = run("check", file)

    assert done.returncode == 2
    assert (
        done.stderr == f"{file}:2: endpoints.grafana_key_file: {secret} is open to other users (mode 0644): chmod 600 {secret}\n"
    )


def test_a_wrong_variable() -> None:
    done = run("check", "site.example.yaml", GRAFANA_ENDPOINT="nowhere")

    assert done.returncode == 2
    assert done.stderr.startswith("environment: GRAFANA_ENDPOINT: is 'nowhere'")


@pytest.mark.parametrize("value", ["http://ops:hush@host.example", "http://ops:hu@sh@host.example", "ops:hush@host.example:9090"])
def test_an_endpoint_with_a_password_is_refused_and_not_repeated(value: str, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(f"endpoints: {{prometheus: '{value}'}}\n")
    for done in (run("check", "site.example.yaml", PROMETHEUS_ENDPOINT=value), run("check", file)):
        assert done.returncode == 2
        assert "without user and password" in done.stderr
        assert "hu" not in done.stderr.replace("…", "")


def test_show_prints_what_counts_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("receivers:\n- {type: webhook, name: w, url: 'https://user:hunter2@chat.example/hook'}\n")

    done = run("show", file, GRAFANA_API_KEY="hunter3", PROMETHEUS_ENDPOINT="http://prometheus.example")

    assert done.returncode == 0
    assert "hunter" not in done.stdout + done.stderr
    assert "# GRAFANA_API_KEY is set (not shown)" in done.stdout
    shown = yaml.safe_load(done.stdout)
    assert shown["receivers"][0]["url"] == "https://…@chat.example/hook"
    assert shown["endpoints"]["prometheus"] == "http://prometheus.example"
    assert shown["prometheus"]["scrape_interval"] == "10s"


def test_what_show_prints_is_a_site_file() -> None:
    assert parse(run("show", "site.example.yaml").stdout) == Site()


def test_generated_files_go_where_they_are_told(tmp_path: Path) -> None:
    assert run("schema", "--out", tmp_path / "a" / "schema.json").returncode == 0
    assert (tmp_path / "a" / "schema.json").read_text() == run("schema", "--out", "-").stdout
    assert run("reference", "--out", tmp_path / "site.md").returncode == 0
    assert (tmp_path / "site.md").read_text().startswith("<!-- Made by")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    done = run("schema", "--out", tmp_path / "taken" / "schema.json")

    assert done.returncode == 1
    assert done.stderr.startswith(f"{tmp_path / 'taken'}: cannot be written")


def test_version_and_usage() -> None:
    assert run("--version").stdout == f"watchfloor {version()}\n"
    assert run().returncode == 2
    assert run("nonsense").returncode == 2
