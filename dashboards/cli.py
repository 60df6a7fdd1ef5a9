"""Commands: `build` writes the dashboards, `lint` judges files, `list` and `docs` tell every panel.

Exit codes: 0 done, 1 a dashboard breaks a rule, 2 wrong input (site.yaml, arguments, a folder that cannot be written).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from dashboards import docs, lint
from metrics.process import version
from settings import Site
from settings.command import add_defaults, carried_out, chosen_site
from settings.files import replace_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    return carried_out(_parser().parse_args(arguments))


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
    documenting = commands.add_parser("docs", help="write the page of all panels")
    documenting.add_argument("--out", type=Path, required=True, help="the file to write (docs/panels.md)")
    documenting.set_defaults(run=_docs)
    add_defaults(building, listing)
    return parser


def _build(options: argparse.Namespace) -> int:
    from dashboards import build  # noqa: PLC0415  # grafanalib takes half of a second to import

    build.write(build.build(chosen_site(options)), options.out)
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


def _docs(options: argparse.Namespace) -> int:
    from dashboards import build  # noqa: PLC0415  # as above

    replace_file(options.out, docs.page(build.build(Site()).values()))
    return 0


def _list(options: argparse.Namespace) -> int:
    from dashboards import build  # noqa: PLC0415  # as above

    panels = [panel for board in build.build(chosen_site(options)).values() for panel in lint.described(board)]
    if options.json:
        json.dump(panels, sys.stdout, indent=2, ensure_ascii=False)
        print()
        return 0
    for panel in panels:
        print(f"{panel['dashboard']}/{panel['id']}  {panel['title']}  ({panel['type']}, {panel['unit'] or 'no unit'})")
    return 0
