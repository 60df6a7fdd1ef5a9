"""Commands: `build` writes the dashboards, `lint` judges files, `list` tells every panel.

Exit codes: 0 done, 1 a dashboard breaks a rule, 2 wrong input (site.yaml, arguments).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from dashboards import lint
from metrics.process import version
from settings import SettingsError, Site, load


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboards", description="The dashboards, made from the declarations.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    building = commands.add_parser("build", help="write <uid>.json for every dashboard")
    building.add_argument("--out", type=Path, required=True, help="the folder to write into")
    building.set_defaults(run=_build)
    linting = commands.add_parser("lint", help="judge every *.json of a folder")
    linting.add_argument("folder", type=Path, help="what `build --out` was given")
    linting.set_defaults(run=_lint)
    listing = commands.add_parser("list", help="tell every panel of every dashboard")
    listing.add_argument("--json", action="store_true", help="as JSON, for programs")
    listing.set_defaults(run=_list)
    for command in (building, listing):
        command.add_argument("--defaults", action="store_true", help="as if site.yaml and environment were empty")
    return parser


def _site(options: argparse.Namespace) -> Site:
    return Site() if options.defaults else load()


def _build(options: argparse.Namespace) -> int:
    from dashboards import build  # noqa: PLC0415  # grafanalib takes half of a second to import

    build.write(build.build(_site(options)), options.out)
    return 0


def _lint(options: argparse.Namespace) -> int:
    files = sorted(options.folder.glob("*.json"))
    if not files:
        print(
            f"{options.folder}: holds no dashboard: `python -m dashboards build --out {options.folder}` writes them",
            file=sys.stderr,
        )
        return 1
    findings = [f"{path}: {finding}" for path in files for finding in lint.lint_text(path.read_text(encoding="utf-8"))]
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


def _list(options: argparse.Namespace) -> int:
    from dashboards import build  # noqa: PLC0415  # as above

    panels = [panel for board in build.build(_site(options)).values() for panel in lint.described(board)]
    if options.json:
        json.dump(panels, sys.stdout, indent=2, ensure_ascii=False)
        print()
        return 0
    for panel in panels:
        print(f"{panel['dashboard']}/{panel['id']}  {panel['title']}  ({panel['type']}, {panel['unit'] or 'no unit'})")
    return 0
