"""What a restore that was cut off leaves is told, and nothing builds on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from compose import engine, restore
from settings.paths import CLONE, Paths


def run(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    (home / "site.yaml").write_text("runtime: native\n", encoding="utf-8")
    words = [sys.executable, "-m", "compose", command, "--home", str(home), "--site", str(home / "site.yaml"), "--yes"]
    return subprocess.run(words, cwd=CLONE, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("contained", [False, True])
@pytest.mark.parametrize("command", ["backup", "restore", "reload"])
def test_nothing_builds_on_a_restore_that_was_cut_off(tmp_path: Path, command: str, contained: bool) -> None:  # noqa: FBT001  # a parameter
    journal = restore.journal(Paths(tmp_path), contained=contained)
    journal.parent.mkdir()
    journal.write_text("[]", encoding="utf-8")
    done = run(tmp_path, command)
    assert (done.returncode, done.stderr) == (
        1, f"a restore was cut off: {journal}: `make up` first: the data from before it comes back\n"
    )  # fmt: skip
    assert journal.exists()


def test_status_tells_of_it(tmp_path: Path) -> None:
    journal = restore.journal(Paths(tmp_path))
    journal.parent.mkdir()
    journal.write_text("[]", encoding="utf-8")
    assert f"CUT OFF: a restore has not ended: {journal}" in run(tmp_path, "status").stderr
    journal.unlink()
    assert "CUT OFF" not in run(tmp_path, "status").stderr


def test_backups_alone_are_no_state_of_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a backup of containers remembers does not make the next command look for processes."""
    monkeypatch.setattr(engine, "answers", lambda: True)
    monkeypatch.setattr(engine, "composer", lambda: ["docker-compose"])
    (tmp_path / "data" / "backup").mkdir(parents=True)
    assert engine.runtime(tmp_path / "site.yaml", tmp_path) == "docker"
    (tmp_path / "data" / "prometheus").mkdir()
    assert engine.runtime(tmp_path / "site.yaml", tmp_path) == "native"
