"""A disk that is full while the appliance is started: one line, and nothing runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from settings.paths import CLONE


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own takes root")
def test_a_full_disk_is_told_in_a_line_that_names_it(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "watchfloor-test", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        words = [sys.executable, "-m", "compose", "up", "--home", str(place / "home"), "--site", "site.example.yaml"]
        ended = subprocess.run(words, cwd=CLONE, capture_output=True, text=True, timeout=60, check=False)
    finally:
        subprocess.run(["umount", str(place)], check=True)
    assert ended.returncode == 1
    assert ended.stderr == f"{place}/home: No space left on device: `make doctor` tells of room, rights and limits\n"
