"""PostgreSQL's part of a backup, by pgBackRest, as the database's own user: `python -m compose.pgbackrest …`.

The server archives its write-ahead log while a backup is under way and not otherwise (docs/topics/backup.md tells why): its
archive command looks for a file that this program makes and removes.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

from compose.errors import EXIT_FAILED, EXIT_OK
from metrics.process import version
from settings import Paths, Site

STANZA = "watchfloor"
RESULT = "last.json"
_ARCHIVE_WITHIN = 120  # seconds that PostgreSQL has to archive what a backup needs


def place(site: Site, paths: Paths) -> Path:
    """PostgreSQL's backups: the database user's own folder, in which others may look up one file by name."""
    return Path(site.backup.to or paths.backups) / "postgres"


def _folder(data: Path) -> Path:
    return data.parent  # the database user's, beside its clusters


def flag(data: Path) -> Path:
    """The file that is there while the write-ahead log is archived."""
    return _folder(data) / "archive"


def words(command: str, data: Path, repository: Path, *more: str) -> list[str]:
    """A command line of pgBackRest; nothing is read from /etc/pgbackrest.conf."""
    where = [] if command == "info" else [f"--pg1-path={data}", f"--lock-path={_folder(data) / 'lock'}"]
    if command == "restore":  # which looks there for what an asynchronous archive would have left
        where.append(f"--spool-path={_folder(data) / 'lock'}")
    return [
        "pgbackrest", "--no-config", f"--stanza={STANZA}", f"--repo1-path={repository / 'repo'}",
        "--log-level-file=off", "--log-level-console=warn", *where, *more, command,
    ]  # fmt: skip


def server_options(site: Site, paths: Paths, data: Path) -> tuple[str, ...]:
    """Words of the server's command line. Archiving takes a restart to be switched on, so it is on, and mostly does nothing."""
    push = shlex.join(words("archive-push", data, place(site, paths)))
    command = f"test ! -e {shlex.quote(str(flag(data)))} || {push} %p"
    return ("-c", "unix_socket_permissions=0700", "-c", "archive_mode=on", "-c", f"archive_command={command}")


def main(arguments: list[str]) -> int:
    """Makes one full backup, and tells of it in a file that others may read."""
    parser = argparse.ArgumentParser(prog="python -m compose.pgbackrest", description="Backs up the appliance's PostgreSQL.")
    parser.add_argument("--version", action="version", version=f"watchfloor {version()}")
    for name in ("--data", "--to"):
        parser.add_argument(name, type=Path, required=True)
    for name in ("--port", "--keep"):
        parser.add_argument(name, type=int, required=True)
    given = parser.parse_args(arguments)
    result = given.to / RESULT
    result.unlink(missing_ok=True)
    try:
        result.write_text(json.dumps(_backup(given.data, given.to, given.port, given.keep)), encoding="utf-8")
    except subprocess.CalledProcessError as error:
        print(f"pgBackRest failed: {error.cmd[-1]}: its words:\n{error.stderr or error.stdout}", file=sys.stderr)
        return EXIT_FAILED
    except FileNotFoundError as error:
        print(f"{error.filename} is not there: PostgreSQL's backup: install Debian's package pgbackrest", file=sys.stderr)
        return EXIT_FAILED
    return EXIT_OK


def _backup(data: Path, to: Path, port: int, keep: int) -> dict[str, object]:
    (_folder(data) / "lock").mkdir(mode=0o700, exist_ok=True)
    server = (f"--pg1-socket-path={_folder(data)}", f"--pg1-port={port}", "--pg1-user=postgres")
    flag(data).touch()
    try:
        _run(words("stanza-create", data, to, *server))
        more = ("--type=full", "--start-fast", f"--archive-timeout={_ARCHIVE_WITHIN}", f"--repo1-retention-full={keep}")
        _run(words("backup", data, to, *server, *more))
    finally:
        flag(data).unlink(missing_ok=True)
    newest = labels(_run(words("info", data, to, "--output=json")))[-1]
    return {"label": newest["label"], "bytes": newest["info"]["repository"]["delta"]}


def labels(told: str) -> list[dict[str, dict[str, dict[str, int]]]]:
    """The backups of `pgbackrest info --output=json`, oldest first."""
    found = json.loads(told)
    return list(found[0]["backup"]) if found else []


def _run(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
