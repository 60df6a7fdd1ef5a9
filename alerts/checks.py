"""Rendered files, checked by the programs that will read them: promtool and amtool."""

from __future__ import annotations

import subprocess
from pathlib import Path

_SECONDS = 60
# What receivers send (alerts/receivers.py), each through every template that it is made of.
_TEMPLATES = {"text": ("text", "slack.first", "slack.text", "teams.first", "teams.text"), "html": ("html",)}


def check(folder: Path) -> list[str]:
    """What is wrong with the rendered files below `folder`, one text a program; an empty list when they are fine."""
    rules = sorted((folder / "rules").glob("*.yml"))
    configuration = folder / "alertmanager" / "alertmanager.yml"
    if not rules or not configuration.is_file():
        return [f"{folder}: holds no rendered rules or no alertmanager.yml: `python -m alerts render --out {folder}` writes them"]
    commands = [
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", *map(str, rules)],
        ["amtool", "check-config", str(configuration)],
        *(_filled(configuration.parent, kind, names) for kind, names in _TEMPLATES.items()),
    ]
    return [failure for command in commands if (failure := _failure(command))]


def _filled(folder: Path, kind: str, names: tuple[str, ...]) -> list[str]:
    """`check-config` reads templates and does not fill them in: a name that is nowhere defined is found by using it."""
    files, text = folder / "notifications.tmpl", "".join(f'{{{{ template "watchfloor.{name}" . }}}}' for name in names)
    return ["amtool", "template", "render", f"--template.glob={files}", f"--template.type={kind}", f"--template.text={text}"]


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
