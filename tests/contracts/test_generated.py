"""What is generated and committed is what the generators make now, and the same each time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settings.paths import CLONE
from tests.generate import generate

# Each generated folder, and what in it is generated; other files of these folders are written by hand.
GENERATED = {
    "alerts/rendered": "**/*.*",
    "compose/rendered": "**/*.*",
    "dashboards/rendered": "**/*.*",
    "docs": "metrics.md",
    "docs/guides": "site.md",
    "docs/runbooks": "*.md",
    "settings": "site.schema.json",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything was generated anew."""
    folder = tmp_path_factory.mktemp("generated")
    shutil.copytree(CLONE / "docs" / "runbooks", folder / "docs" / "runbooks")  # their lower halves are written by hand
    assert generate(folder) == []
    return folder


@pytest.mark.parametrize("folder", GENERATED)
def test_generating_leaves_no_difference(folder: str, made: Path) -> None:
    def texts(root: Path) -> dict[str, str]:
        found = (path for path in (root / folder).glob(GENERATED[folder]) if path.is_file())
        return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in found}

    again, committed = texts(made), texts(CLONE)

    assert committed
    assert set(again) == set(committed)
    assert [name for name, text in again.items() if text != committed[name]] == [], "run `make generate`"


def test_documentation_does_not_depend_on_the_order_of_hashes(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "metrics", "docs", "--out", str(tmp_path / seed)]
        subprocess.run(command, cwd=CLONE, env=os.environ | {"PYTHONHASHSEED": seed}, check=True)

    assert (tmp_path / "1").read_text(encoding="utf-8") == (tmp_path / "2").read_text(encoding="utf-8")


def test_documentation_of_nothing_rendered_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "metrics", "docs", "--root", str(tmp_path), "--out", "-"]

    done = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == f"{tmp_path}/dashboards/rendered: holds no rendered files: run `make generate`\n"
