"""Carries out docs/guides/your-service.md in a copy of the clone: its files are put where they say, its changes are made."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from settings.paths import CLONE

GUIDE = CLONE / "docs" / "guides" / "your-service.md"
_BLOCK = re.compile(r"^```(\w+)(?: ([\w./-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str, str]]:
    """Each block's language, its file (empty where it names none) and text."""
    return [(language, file, text) for language, file, text in _BLOCK.findall(GUIDE.read_text(encoding="utf-8"))]


def copied(folder: Path) -> Path:
    """A copy of the files that git knows, as they are now."""
    names = subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=CLONE, text=True)
    for name in filter(None, names.split("\0")):
        if (CLONE / name).is_file() and not name.startswith("docs/images/"):
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(CLONE / name, place)
    return folder


def followed(clone: Path) -> None:
    """The guide's files and changes in that copy. AssertionError says which change does not fit any more."""
    for language, file, text in blocks():
        if language == "diff":
            words = ["git", "apply", "-"]
            done = subprocess.run(words, cwd=clone, input=text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        elif file:
            place = clone / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
