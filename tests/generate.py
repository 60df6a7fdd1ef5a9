"""Writes whatever is generated from the declarations: `python -m tests.generate [FOLDER]` (default: the clone itself).

Generated files are committed; a test generates them again elsewhere and compares.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from settings.paths import CLONE

# Files made from the settings' defaults, never from the site.yaml of this clone.
DEFAULTS = {"WATCHFLOOR_SITE": str(CLONE / "site.example.yaml")}


def commands(folder: Path) -> tuple[list[list[str]], list[list[str]]]:
    """Command lines in two waves: the second one reads what the first one wrote."""
    first = [
        ["alerts", "render", "--out", f"{folder}/alerts/rendered"],
        ["dashboards", "build", "--out", f"{folder}/dashboards/rendered"],
        ["compose.render", f"{folder}/compose/rendered"],
        ["settings", "schema", "--out", f"{folder}/settings/site.schema.json"],
        ["settings", "reference", "--out", f"{folder}/docs/guides/site.md"],
        ["alerts", "runbooks", "--out", f"{folder}/docs/runbooks"],
        ["alerts", "docs", "--out", f"{folder}/docs/alerts.md"],
        ["dashboards", "docs", "--out", f"{folder}/docs/panels.md"],
    ]
    second = [["metrics", "docs", "--root", str(folder), "--out", f"{folder}/docs/metrics.md"]]
    return first, second


def generate(folder: Path) -> list[str]:
    """Runs all of it; returns what failed, in the words of the failing command."""
    for child in ("alerts/rendered", "dashboards/rendered", "compose/rendered", "settings", "docs/guides", "docs/runbooks"):
        (folder / child).mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for wave in commands(folder):
            failures += [words for words in pool.map(_run, wave) if words]
    return failures


def _run(command: list[str]) -> str:
    words = [sys.executable, "-m", *command]
    done = subprocess.run(words, cwd=CLONE, env={**os.environ, **DEFAULTS}, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"python -m {' '.join(command)}: exit {done.returncode}\n{done.stderr}{done.stdout}"


if __name__ == "__main__":
    failed = generate(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else CLONE)
    print("\n".join(failed), file=sys.stderr, end="\n" if failed else "")
    sys.exit(1 if failed else 0)
