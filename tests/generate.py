"""Writes whatever is generated from the declarations: `python -m tests.generate [FOLDER]` (default: the clone itself).

Generated files are committed; a test generates them again elsewhere and compares.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from alerts import cli as alerts
from compose.render import defaults
from dashboards import cli as dashboards
from exporters import reference as exporters
from metrics import __main__ as metrics
from settings import __main__ as settings
from settings.paths import CLONE
from tests.drills import report as drills

# Files made from the settings' defaults, never from the site.yaml of this clone.
DEFAULTS = {"WATCHFLOOR_SITE": str(CLONE / "site.example.yaml")}


def commands(folder: Path) -> list[tuple[Callable[[list[str]], int], list[str]]]:
    """Who writes what, in order: the last one reads what the others wrote."""
    return [
        (alerts.main, ["render", "--out", f"{folder}/alerts/rendered"]),
        (alerts.main, ["check", f"{folder}/alerts/rendered"]),
        (dashboards.main, ["build", "--out", f"{folder}/dashboards/rendered"]),
        (settings.main, ["schema", "--out", f"{folder}/settings/site.schema.json"]),
        (settings.main, ["reference", "--out", f"{folder}/docs/guides/site.md"]),
        (alerts.main, ["runbooks", "--out", f"{folder}/docs/runbooks"]),
        (alerts.main, ["docs", "--out", f"{folder}/docs/alerts.md"]),
        (dashboards.main, ["docs", "--out", f"{folder}/docs/panels.md"]),
        (exporters.main, ["--out", f"{folder}/docs/exporters.md"]),
        (drills.main, ["--out", f"{folder}/docs/drills.md"]),
        (metrics.main, ["docs", "--root", str(folder), "--out", f"{folder}/docs/metrics.md"]),
    ]


def generate(folder: Path) -> list[str]:
    """Runs all of it in this one process, because starting eight costs more than the work; returns what failed."""
    for child in ("alerts/rendered", "dashboards/rendered", "compose/rendered", "settings", "docs/guides", "docs/runbooks"):
        (folder / child).mkdir(parents=True, exist_ok=True)
    before = {name: os.environ.get(name) for name in DEFAULTS}
    os.environ.update(DEFAULTS)
    try:
        defaults(folder / "compose" / "rendered")
        return [" ".join(words) for main, words in commands(folder) if main(words) != 0]
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


if __name__ == "__main__":
    failed = generate(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else CLONE)
    for words in failed:
        print(f"{words}: failed, see above", file=sys.stderr)
    sys.exit(1 if failed else 0)
