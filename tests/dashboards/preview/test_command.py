"""The command line: version, a port in use, an orderly end, wrong settings."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from metrics.process import version
from settings.paths import CLONE
from tests.dashboards.preview import world
from tests.waiting import until

COMMAND = [sys.executable, "-m", "dashboards.preview"]


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = os.environ | world.environment(folder, "http://127.0.0.1:9") | environment
    return subprocess.run([*COMMAND, *arguments], env=known, cwd=CLONE, capture_output=True, text=True, timeout=30, check=False)


def test_version(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"watchfloor {version()}\n")


def test_a_password_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("hush", encoding="ascii")
    password.chmod(0o644)
    site = tmp_path / "guarded.yaml"
    site.write_text(f"endpoints: {{prometheus_username: ops, prometheus_password_file: {password}}}\n", encoding="utf-8")
    done = run(tmp_path, "--port", "0", WATCHFLOOR_SITE=str(site))
    assert done.returncode == 2
    assert "open to other users" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_names_port_and_process(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(tmp_path, "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"port {port}: in use by ")
    assert f"(pid {os.getpid()})" in done.stderr
    assert done.stderr.count("\n") == 1


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("wombat: 1\n", encoding="utf-8")
    done = run(tmp_path, WATCHFLOOR_SITE=str(bad))
    assert done.returncode == 2
    assert "wombat: unknown key" in done.stderr


def test_a_wrong_port_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "--port", "70000")
    assert (done.returncode, "--port 70000" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_sigterm_ends_it_in_order(tmp_path: Path) -> None:
    known = world.environment(tmp_path, "http://127.0.0.1:9")
    log = tmp_path / "log"
    with world.running([*COMMAND, "--port", "0"], log, known) as process:
        until("it listens", lambda: log.read_text(encoding="utf-8") or None, 20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert "Traceback" not in log.read_text(encoding="utf-8")
