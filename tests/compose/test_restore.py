"""What a restore that was cut off leaves is told, and nothing builds on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from compose import engine, restore
from compose.docker import Containers
from compose.errors import ComposeError
from compose.host import Host
from compose.native import Stack
from settings.paths import CLONE, Paths


def run(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    (home / "site.yaml").write_text("runtime: native\n", encoding="utf-8")
    words = [sys.executable, "-m", "compose", command, "--home", str(home), "--site", str(home / "site.yaml"), "--yes"]
    return subprocess.run(words, cwd=CLONE, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("kind", [Stack, Containers])
def test_a_restore_that_was_cut_off_is_refused_in_its_own_runtime_alone(tmp_path: Path, kind: type[Stack]) -> None:
    """`make up` brings back what its runtime has moved: to ask for it because of the other's would be asking for ever."""
    stack = kind(Host(tmp_path, None, copied=False), tmp_path / "site.yaml")
    own, other = (restore.journal(stack.paths, contained=contained) for contained in (stack.contained, not stack.contained))
    own.parent.mkdir()
    other.write_text("[]", encoding="utf-8")
    restore.refuse_cut_off(stack)
    own.write_text("[]", encoding="utf-8")
    with pytest.raises(ComposeError, match=f"a restore was cut off: {own}: `make up` first"):
        restore.refuse_cut_off(stack)


@pytest.mark.parametrize("command", ["backup", "restore", "reload"])
def test_nothing_builds_on_a_restore_that_was_cut_off(tmp_path: Path, command: str) -> None:
    journal = restore.journal(Paths(tmp_path))
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
