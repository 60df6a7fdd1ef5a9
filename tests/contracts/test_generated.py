"""What is generated and committed is what the generators make now."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

from settings.paths import CLONE


def generate(module: str, *arguments: str | Path) -> None:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    # An own site.yaml beside the code must not show in what is committed.
    environment = {"WATCHFLOOR_SITE": str(CLONE / "site.example.yaml"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("module", "command", "committed"),
    [
        ("alerts", "render", "alerts/rendered"),
        ("dashboards", "build", "dashboards/rendered"),
    ],
)
def test_a_rendered_folder_is_what_its_generator_makes(module: str, command: str, committed: str, tmp_path: Path) -> None:
    generate(module, command, "--out", tmp_path)

    made, kept = files(tmp_path), files(CLONE / committed)
    assert made == kept
    _, differ, unreadable = filecmp.cmpfiles(tmp_path, CLONE / committed, sorted(map(str, made)), shallow=False)
    assert (differ, unreadable) == ([], []), "run `make generate`"


@pytest.mark.parametrize(
    ("module", "command", "committed"),
    [
        ("settings", "schema", "settings/site.schema.json"),
        ("settings", "reference", "docs/guides/site.md"),
        ("metrics", "docs", "docs/metrics.md"),
    ],
)
def test_a_generated_file_is_what_its_generator_makes(module: str, command: str, committed: str, tmp_path: Path) -> None:
    generate(module, command, "--out", tmp_path / "made")

    assert (tmp_path / "made").read_text(encoding="utf-8") == (CLONE / committed).read_text(encoding="utf-8"), (
        "run `make generate`"
    )


def test_generators_do_not_depend_on_the_order_of_hashes(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "metrics", "docs", "--out", str(tmp_path / seed)]
        subprocess.run(command, cwd=CLONE, env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"}, check=True)

    assert (tmp_path / "1").read_text(encoding="utf-8") == (tmp_path / "2").read_text(encoding="utf-8")
