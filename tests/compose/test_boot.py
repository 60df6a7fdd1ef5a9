"""`make service` writes a unit that systemd understands, for this clone, home and user."""

from __future__ import annotations

import argparse
import getpass
import shutil
import subprocess
from pathlib import Path

import pytest

from compose import boot, commands
from compose.errors import ComposeError
from compose.host import Host
from compose.native import Stack

ROOT, ORDINARY = "watchfloor", None


@pytest.mark.parametrize("user", [ROOT, ORDINARY])
def test_the_unit_is_written_where_clean_removes_it_and_its_way_in_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], user: str | None
) -> None:
    (tmp_path / "run").mkdir()
    stack = Stack(Host(tmp_path, user, copied=False), tmp_path / "site.yaml")
    assert commands.service(stack, argparse.Namespace()) == 0
    file = tmp_path / "run" / boot.NAME
    lines = file.read_text(encoding="utf-8").splitlines()
    assert f"PIDFile={tmp_path}/run/supervisord.pid" in lines
    assert (f"User={getpass.getuser()}" in lines) is (user is None)
    assert f"install -m 644 {file} /etc/systemd/system/watchfloor.service" in capsys.readouterr().out


def test_systemd_understands_it(tmp_path: Path) -> None:
    if not (verify := shutil.which("systemd-analyze")):
        pytest.skip("systemd-analyze is not installed here")
    file = tmp_path / boot.NAME
    file.write_text(boot.unit(Host(tmp_path, ROOT, copied=False), tmp_path / "site.yaml"), encoding="utf-8")
    done = subprocess.run([verify, "verify", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_path_that_a_unit_would_read_otherwise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ComposeError, match=r"100% holds '%'"):
        boot.unit(Host(tmp_path / "100%", ROOT, copied=False), tmp_path / "site.yaml")
