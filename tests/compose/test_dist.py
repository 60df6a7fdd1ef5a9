"""What goes to a machine without a network: our wheel with all that it reads, and units that systemd takes."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from compose import dist, units
from exporters.domains import DOMAINS
from tests.appliance import status_of
from tests.dashboards.preview.world import running
from tests.waiting import free_ports, until


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


def test_what_install_md_says_ends_in_an_exporter_that_answers(tmp_path: Path) -> None:
    """In folders of its own, with no index of packages to ask, and without the lines for the machine's users and its systemd."""
    dist.make(tmp_path / "dist")
    (block,) = re.findall(r"```sh\n(.*?)```", (tmp_path / "dist" / "INSTALL.md").read_text(), re.DOTALL)
    places = {
        units.FOLDER: tmp_path / "opt",
        units.SITE: tmp_path / "etc" / "site.yaml",
        "/etc/systemd/system": tmp_path / "units",
    }
    (tmp_path / "units").mkdir()

    def here(text: str) -> str:
        for place, other in places.items():
            text = text.replace(place, str(other))
        return text

    lines = [line for line in here(block).splitlines() if not line.startswith(("useradd ", "chgrp ", "systemctl "))]
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(lines)], cwd=tmp_path / "dist", env=alone | {"PIP_INDEX_URL": "http://127.0.0.1:9/"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (port,) = free_ports(1)
    site = places[units.SITE]
    site.write_text(yaml.safe_dump((yaml.safe_load(site.read_text()) or {}) | {"ports": {"exporter_system": port}}))
    (words,) = re.findall(r"^ExecStart=(.*)", here((tmp_path / "units" / units.name("system")).read_text()), re.MULTILINE)
    with running(shlex.split(words), tmp_path / "exporter.log", cwd=tmp_path):
        until("it answers", lambda: status_of(f"http://127.0.0.1:{port}/metrics") == 200, 30)
