"""The commands behind `make`, from up to uninstall: `compose.commands` has them all.

    python -m compose COMMAND [--home DIR] [--site FILE]

Exit codes: 0 all is well; 1 something is not healthy or failed; 2 site.yaml or an argument is wrong; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from compose import commands, engine, restore
from compose.bootstrap import LOCK_VARIABLE, take_lock
from compose.docker import Containers
from compose.errors import EXIT_INTERRUPTED, ComposeError
from compose.host import Host
from compose.native import Stack
from metrics.process import version
from settings.paths import CLONE

_WHOLE = {"reload", "certs", "rotate", "backup", "restore"}  # not on the data of a restore that was cut off
_LOCKED = {"up", "down", "reload", "certs", "rotate", "clean", "uninstall", "restore"}


def main(arguments: list[str]) -> int:
    """Runs one command; every error is one clear text on standard error."""
    options = _parser().parse_args(arguments)
    host = Host.detect(options.home)
    site_file = (options.site or CLONE / "site.yaml").absolute()
    try:
        stack = chosen(host, site_file)
        if options.command in _LOCKED or (options.command == "backup" and stack.contained):
            _hold_lock(host)
        if options.command in _WHOLE:
            restore.refuse_cut_off(stack)
        return int(commands.COMMANDS[options.command](stack, options))
    except ComposeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted; repeat the command to go on where it stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    except PermissionError as error:
        print(f"{error.filename}: permission denied: run it as the user who ran `make up`", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, one that can only be read, an address that the machine lacks
        where = error.filename or host.home
        print(f"{where}: {error.strerror or error}: `make doctor` tells of room, rights and limits", file=sys.stderr)
        return 1


def chosen(host: Host, site_file: Path) -> Stack:
    """The appliance in the runtime that site.yaml asks for, or this machine offers."""
    if engine.runtime(site_file, host.home) == "docker":
        return Containers(host, site_file)
    return Stack(host, site_file)


def _hold_lock(host: Host) -> None:
    inherited = os.environ.pop(LOCK_VARIABLE, "")
    if inherited and _same_file(int(inherited), host.home / "run" / "lock"):
        return
    take_lock(host)
    os.environ.pop(LOCK_VARIABLE, None)


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m compose", description="Runs the appliance on this machine.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--home", type=Path, help="where state lives (default: var/ in the clone)")
    shared.add_argument("--site", type=Path, help="the settings (default: site.yaml in the clone)")
    shared.add_argument("--yes", action="store_true", help="do not ask")
    shared.add_argument("--service", default="", help="one service (logs), or one secret (rotate)")
    shared.add_argument("--lines", type=int, default=50, help="how many lines (logs)")
    shared.add_argument("--from", dest="label", default="", help="which backup; the newest where none is named (restore)")
    shared.add_argument("--json", action="store_true", help="for programs (status, doctor)")
    commands_of = parser.add_subparsers(dest="command", required=True)
    for name, function in commands.COMMANDS.items():
        command = commands_of.add_parser(name, parents=[shared], help=(function.__doc__ or "").splitlines()[0])
        if name == "token":
            command.add_argument("words", nargs="*", help="after `--`: issue, list, revoke, keys; --help tells more")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
