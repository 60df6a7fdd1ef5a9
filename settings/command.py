"""What commands of several rooms share: one line and exit code 2 for wrong input, and settings by file or by default."""

from __future__ import annotations

import argparse
import sys

from settings.errors import SettingsError
from settings.load import load
from settings.types import Site

EXIT_WRONG_INPUT = 2


def carried_out(options: argparse.Namespace, *errors: type[Exception]) -> int:
    """The exit code of `options.run(options)`; wrong settings, one of `errors` or an unusable path is one line, and 2."""
    wrong: tuple[type[Exception], ...] = (SettingsError, *errors)
    try:
        return int(options.run(options))
    except wrong as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}: name a folder that can be written", file=sys.stderr)
    return EXIT_WRONG_INPUT


def add_defaults(*parsers: argparse.ArgumentParser) -> None:
    """Gives commands the option `--defaults`, which `chosen_site` reads."""
    for parser in parsers:
        parser.add_argument("--defaults", action="store_true", help="as if site.yaml and environment were empty")


def chosen_site(options: argparse.Namespace) -> Site:
    """The site of site.yaml and the environment, or with `--defaults` that of neither. Raises SettingsError."""
    return Site() if options.defaults else load()
