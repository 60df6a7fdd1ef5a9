"""The commands of the guides, and what make runs for one: so that a test does what a reader does, on an appliance of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess

from settings.paths import CLONE

GUIDES = CLONE / "docs" / "guides"


def blocks(name: str, language: str) -> list[str]:
    """The texts of a guide's blocks in that language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", (GUIDES / name).read_text(encoding="utf-8"), re.DOTALL)


def commands(name: str) -> list[str]:
    """A guide's commands, in order."""
    return [line for block in blocks(name, "sh") for line in block.splitlines()]


def recipe(command: str) -> list[str]:
    """What make runs for a command, without the set-up before it."""
    # A make within a make tells of folders, too.
    variables = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    asked = [*shlex.split(command, comments=True), "-n", "--no-print-directory"]
    shown = subprocess.run(asked, cwd=CLONE, env=variables, capture_output=True, text=True, check=True).stdout
    words = shlex.split(shown)
    start = words.index("compose.bootstrap") + 1
    return [word for word in words[start:] if word not in ("--no-setup", "--tests")]
