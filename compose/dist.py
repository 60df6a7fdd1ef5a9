"""A folder from which a machine without a network gets the appliance's code: wheels, systemd units, how to install them.

    python -m compose.dist [--out dist] [--own]

`--own` leaves the dependencies out. What comes is for this machine's kind: its Python's version and its processor. Exit codes: 0
done, 1 pip failed, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from compose.units import FOLDER, SITE, units
from metrics.process import version
from settings.paths import CLONE

_REQUIREMENTS = CLONE / "requirements" / "runtime.txt"
# What the wheel is built from; a build writes beside its sources, which must not be the clone.
_SOURCES = (
    "alerts", "compose", "dashboards", "exporters", "metrics", "settings", "stream", "pyproject.toml", "README.md", "LICENSE",
)  # fmt: skip
_HOW = """# Watchfloor {version}, for a machine without a network

For Python {python}; nothing is fetched:

```sh
python3 -m venv {folder}/venv
{folder}/venv/bin/pip install --no-index --find-links wheels --require-hashes -r requirements.txt
{folder}/venv/bin/pip install --no-index --find-links wheels --no-deps watchfloor
install -D -m 640 site.example.yaml {site}   # then edit it: bind, exporters
useradd --system --no-create-home watchfloor
chgrp watchfloor {site}
install -m 644 systemd/*.service /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now watchfloor-exporter-system
```
"""


class DistError(Exception):
    """pip could not build or fetch; the text is its last words."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes the folder; the exit code comes back."""
    parser = argparse.ArgumentParser(prog="python -m compose.dist", description="Makes the folder for installing offline.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    parser.add_argument("--out", type=Path, default=CLONE / "dist", help="the folder to make anew (dist/)")
    parser.add_argument("--own", action="store_true", help="without the dependencies")
    options = parser.parse_args(arguments)
    try:
        make(options.out, own=options.own)
    except DistError as error:
        print(f"dist: {error}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"{options.out}: {len(list((options.out / 'wheels').iterdir()))} wheels, {size / 2**20:.0f} MB: see its INSTALL.md")
    return 0


def make(out: Path, *, own: bool = False) -> None:
    """Makes `out` anew. Raises DistError with pip's last words."""
    shutil.rmtree(out, ignore_errors=True)
    wheels = out / "wheels"
    wheels.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="watchfloor-dist-") as folder:
        sources = Path(folder) / "sources"
        _copy(sources)
        _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(sources))
    if not own:
        _pip("download", "--require-hashes", "--only-binary", ":all:", "--dest", str(wheels), "-r", str(_REQUIREMENTS))
    (out / "systemd").mkdir()
    for name, text in units().items():
        (out / "systemd" / name).write_text(text, encoding="utf-8")
    shutil.copyfile(_REQUIREMENTS, out / "requirements.txt")
    shutil.copyfile(CLONE / "site.example.yaml", out / "site.example.yaml")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    (out / "INSTALL.md").write_text(_HOW.format(version=version(), python=python, folder=FOLDER, site=SITE), encoding="utf-8")


def _copy(target: Path) -> None:
    target.mkdir()
    for name in _SOURCES:
        source = CLONE / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target / name)


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).splitlines()[-6:])
        raise DistError(f"pip {words[0]} failed: look at its words, mend the cause, repeat:\n{last}")


if __name__ == "__main__":
    raise SystemExit(main())
