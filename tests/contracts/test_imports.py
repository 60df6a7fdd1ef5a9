"""Who may import whom: the contracts of pyproject.toml hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from settings.paths import CLONE


def test_the_rooms_keep_to_their_imports() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", str(CLONE / "pyproject.toml"), "--no-cache"]

    done = subprocess.run(
        command, cwd=CLONE, env={"PYTHONPATH": str(CLONE), "PATH": ""}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
