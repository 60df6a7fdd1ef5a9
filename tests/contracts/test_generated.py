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

# Folders that hold nothing but what is generated; elsewhere other files stand beside it.
WHOLE = ("alerts/rendered", "compose/rendered", "dashboards/rendered")


def texts(root: Path, folder: str = "") -> dict[str, str]:
    """Every file below a folder, by its path from `root`."""
    found = (path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in found}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything was generated anew."""
    folder = tmp_path_factory.mktemp("generated")
    shutil.copytree(CLONE / "docs" / "runbooks", folder / "docs" / "runbooks")  # their lower halves are written by hand
    assert generate(folder) == []
    return folder


def test_generating_leaves_no_difference(made: Path) -> None:
    generated = texts(made)

    assert {Path(name).parts[0] for name in generated} == {"alerts", "compose", "dashboards", "docs", "settings"}
    assert [name for name in generated if not (CLONE / name).exists()] == [], "run `make generate` and commit"
    differ = [name for name, text in generated.items() if (CLONE / name).read_text(encoding="utf-8") != text]
    assert differ == [], "run `make generate`"


@pytest.mark.parametrize("folder", WHOLE)
def test_nothing_stays_that_is_no_longer_generated(folder: str, made: Path) -> None:
    assert set(texts(CLONE, folder)) == set(texts(made, folder))


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
