"""Rendered files, checked by the programs that will read them: promtool and amtool."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SECONDS = 60


def check(folder: Path) -> list[str]:
    """What is wrong with the rendered files below `folder`, one text a file; an empty list when they are fine."""
    rules = sorted((folder / "rules").glob("*.yml"))
    configuration = folder / "alertmanager" / "alertmanager.yml"
    if not rules or not configuration.is_file():
        return [f"{folder}: holds no rendered rules or no alertmanager.yml: `python -m alerts render --out {folder}` writes them"]
    commands = [["promtool", "check", "rules", "--lint=all", "--lint-fatal", str(path)] for path in rules]
    commands.append(["amtool", "check-config", str(configuration)])
    return [failure for command in commands if (failure := _failure(command))]


def _failure(command: list[str]) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        return f"{command[0]}: is not installed: `make setup` installs it"
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)}: gave no answer within {_SECONDS} s: is the machine overloaded?"
    if ended.returncode == 0:
        return ""
    return f"{' '.join(command)}: exit code {ended.returncode}:\n{ended.stdout}{ended.stderr}".rstrip()
