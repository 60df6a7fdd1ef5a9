"""What goes to a machine without a network: our wheel with all that it reads, and units that systemd takes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from compose import dist, units
from exporters.domains import DOMAINS


def test_each_domain_has_a_unit() -> None:
    assert set(units.DOMAINS) == set(DOMAINS)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    venv = tmp_path / "venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").symlink_to(sys.executable)
    files = []
    for domain in units.DOMAINS:
        files.append(tmp_path / units.name(domain))
        files[-1].write_text(units.unit(domain, folder=str(tmp_path)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "watchfloor" in line]
    assert said == []


def test_our_wheel_holds_what_the_code_reads(tmp_path: Path) -> None:
    dist.make(tmp_path / "dist", own=True)
    (wheel,) = (tmp_path / "dist" / "wheels").iterdir()
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = ("exporters/cli.py", "metrics/postgres/settings.csv", "settings/look/base.css", "compose/templates/edge.vcl.j2")
    assert [name for name in wanted if name not in names] == []
    assert not [name for name in names if name.startswith("tests/")]
    assert {path.name for path in (tmp_path / "dist").iterdir()} == {
        "wheels", "systemd", "requirements.txt", "site.example.yaml", "INSTALL.md",
    }  # fmt: skip
