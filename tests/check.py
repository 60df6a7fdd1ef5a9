"""Lint, format, types, who may import whom, what is dangerous: `python -m tests.check`, all of them even when one complains."""

import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
ROOMS = ("alerts", "compose", "dashboards", "exporters", "metrics", "settings", "stream")
CHECKS = (
    ["ruff", "check", "--quiet", "."],
    ["ruff", "format", "--check", "--quiet", "."],
    ["mypy"],
    ["lint-imports", "--no-cache"],
    ["bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", "--severity-level", "medium", *ROOMS],
)

if __name__ == "__main__":
    bad = [name for name, *words in CHECKS if subprocess.run([str(BIN / name), *words], check=False).returncode != 0]
    print("check: all is well" if not bad else f"check: {', '.join(bad)} complained", file=sys.stderr if bad else sys.stdout)
    sys.exit(1 if bad else 0)
