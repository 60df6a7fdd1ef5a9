"""A slip in the catalogue or in a template stops `make generate`, in words that name the place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from settings.paths import CLONE
from tests.generate import commands

ROOMS = ("alerts", "metrics", "settings", "docs/runbooks")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of the clone as rules and notifications are generated from, to make a mistake in."""
    for room in ROOMS:
        shutil.copytree(CLONE / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CLONE / "pyproject.toml", tmp_path)
    return tmp_path


def generated(clone: Path) -> tuple[list[int], str]:
    """Exit codes and errors of what `make generate` runs for this room: rendering, then the check of what was rendered."""
    own = {"PYTHONPATH": str(clone), "WATCHFLOOR_SITE": str(CLONE / "site.example.yaml")}
    codes, said = [], ""
    for main, words in commands(clone / "out")[:2]:
        command = [sys.executable, "-m", main.__module__.partition(".")[0], *words]
        ended = subprocess.run(command, cwd=clone, env=os.environ | own, capture_output=True, text=True, timeout=60, check=False)
        codes.append(ended.returncode)
        said += ended.stderr
    return codes, said


def twice(text: str) -> str:
    entries = yaml.safe_load(text)
    return yaml.safe_dump([*entries, entries[0]])


def slip(old: str, new: str) -> Callable[[str], str]:
    """The first `old` of a file is written wrongly."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def test_without_a_mistake_it_goes_through(clone: Path) -> None:
    assert generated(clone) == ([0, 0], "")


@pytest.mark.parametrize(
    ("file", "mistake", "said"),
    [
        ("catalog/system.yaml", twice, "system.yaml: HighCPUUsage: stands in system.yaml too: keep one"),
        ("catalog/system.yaml", slip("<< threshold >>", "<< treshold >>"), "HighCPUUsage.description: 'treshold' is undefined"),
        ("catalog/system.yaml", slip("<< for >>", "<< for"), "system.yaml: HighCPUUsage.description: unexpected end of template"),
        ("catalog/stack.yaml", slip("$labels.job", "$lables.job"), '"TargetDown": annotation "summary": template: '),
        ("catalog/stack.yaml", slip("{{ $labels.job }}", "{{ $labels.job }"), '"TargetDown": annotation "summary": template: '),
        ("templates/notifications.tmpl.j2", slip("{{- end }}", ""), "notifications.tmpl:"),
        ("templates/notifications.tmpl.j2", slip('"one.since"', '"one.sicne"'), "notifications.tmpl:"),
        ("templates/alertmanager.yml.j2", slip("<% endfor %>", ""), "templates/alertmanager.yml.j2:"),
        ("templates/alertmanager.yml.j2", slip("times.repeat", "times.repaet"), "has no attribute 'repaet': mend what stands"),
        ("templates/alertmanager.yml.j2", slip("receiver: nobody", "receiver: nobdy"), "nobdy"),
        ("templates/rules.yml.j2", slip("expr:", "exrp:"), "exrp"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_and_stops_it(file: str, mistake: Callable[[str], str], said: str, clone: Path) -> None:
    path = clone / "alerts" / file
    path.write_text(mistake(path.read_text(encoding="utf-8")), encoding="utf-8")
    codes, words = generated(clone)
    assert any(codes), words
    assert said in words
    assert "Traceback" not in words
