"""`python -m settings`: check a settings file, show what it comes to, write its schema and its reference page.

Exit codes: 0 done; 1 a file cannot be written; 2 the settings or the command line are wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from metrics.process import version
from settings import reference
from settings.environment import SECRETS
from settings.errors import SettingsError
from settings.load import default_path, parse, read
from settings.paths import CLONE
from settings.secrets import check_secrets, without_user
from settings.types import Site

SCHEMA = CLONE / "settings" / "site.schema.json"
REFERENCE = CLONE / "docs" / "guides" / "site.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename}: cannot be written ({error.strerror}): give --out another path", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m settings", description="The settings of one appliance, site.yaml.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, text in (
        ("check", _check, "say whether a file is valid, and its secret files too"),
        ("show", _show, "print the effective settings, without secrets"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("file", nargs="?", type=Path, help="default: the file that the services would read")
        command.set_defaults(run=run)
    for name, content, out in (("schema", reference.schema, SCHEMA), ("reference", reference.reference, REFERENCE)):
        command = commands.add_parser(name, help=f"write {out.relative_to(CLONE)}")
        command.add_argument("--out", type=Path, default=out, help="the file to write; - for standard output")
        command.set_defaults(run=_write, content=content)
    return parser


def _check(given: argparse.Namespace) -> int:
    path = given.file or default_path(os.environ)
    text = read(path)
    site = parse(text, str(path), os.environ)
    check_secrets(site, text, str(path))
    print(f"{path}: valid")
    return 0


def _show(given: argparse.Namespace) -> int:
    path = given.file or default_path(os.environ)
    site = parse(read(path), str(path), os.environ)
    print(f"# {path}, with defaults and the environment")
    for variable in SECRETS:
        if os.environ.get(variable):
            print(f"# {variable} is set (not shown)")
    print(shown(site), end="")
    return 0


def shown(site: Site) -> str:
    """The settings as YAML; a password within a URL is replaced by `…`."""
    return yaml.safe_dump(_without_passwords(msgspec.to_builtins(site)), sort_keys=False, allow_unicode=True)


def _without_passwords(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_passwords(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_passwords(item) for item in value]
    return without_user(value) if isinstance(value, str) else value


def _write(given: argparse.Namespace) -> int:
    content = given.content()
    if str(given.out) == "-":
        print(content, end="")
        return 0
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
