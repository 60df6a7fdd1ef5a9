"""Texts name only what is there: make targets, files, alerts."""

import re
import subprocess
from pathlib import Path

import pytest

from settings.paths import CLONE

TEXTS = sorted([*CLONE.glob("*.md"), *(CLONE / "docs").rglob("*.md"), *(CLONE / "alerts" / "catalog").glob("*.yaml")])
TARGETS = set(re.findall(r"^([a-z-]+):", (CLONE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(CLONE)))
def test_every_make_target_in_a_text_exists(path: Path) -> None:
    named = set(re.findall(r"`make ([a-z][a-z-]*)", path.read_text(encoding="utf-8")))
    assert named <= TARGETS


@pytest.mark.parametrize("path", [path for path in TEXTS if path.suffix == ".md"], ids=lambda path: str(path.relative_to(CLONE)))
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_lists_are_not_empty() -> None:
    assert {"up", "test", "drill"} <= TARGETS
    assert len(TEXTS) > 20


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    files = subprocess.check_output(["git", "ls-files", "-z"], cwd=CLONE, text=True).split("\0")[:-1]
    pieces = (("py", "pi[.]org"), ("python", "hosted"), ("deb[.]", "debian"), ("registry[.]", "npmjs"), ("/", "work/"))
    words = re.compile("|".join(first + second for first, second in pieces))
    texts = [name for name in files if not name.endswith((".png", ".svg"))]
    assert [name for name in texts if words.search((CLONE / name).read_text(encoding="utf-8", errors="replace"))] == []
