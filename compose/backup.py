"""Makes one set of backups of the running appliance: `python -m compose.backup`, as the services' user.

supervisord starts it, for `make backup` or the watcher. Prometheus has no way to be copied while it runs, as its admin API stays
off: it is stopped, its finished blocks are hard-linked, the rest is copied, and it is started again, after which the links become
the backup. SQLite copies itself.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from compose import backups, machine, pgbackrest, state
from compose.backups import Manifest, Record
from compose.errors import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, ComposeError
from compose.postgres import programs
from compose.supervisor import BACKUP_POSTGRES, Supervisor
from metrics.process import version
from settings import Paths, SettingsError, Site, load

_POSTGRES_WITHIN = 6 * 3600.0  # seconds
_BLOCK = 26  # characters of a block's name, a ULID
DATABASES = {"inbox": "inbox.db", "grafana": "grafana.db"}  # SQLite's, by service
PLAIN = ("alertmanager", "analysis")  # whose files are written by rename


def main(arguments: list[str]) -> int:
    """Makes a set; what became of it stands in the record and in the log."""
    if arguments == ["--version"]:
        print(f"watchfloor {version()}")
        return EXIT_OK
    try:
        site, paths = load(), Paths.from_environment()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    began = Record.read(paths).begun().write(paths)
    try:
        label, size = make(site, paths, Supervisor(paths.home))
    except (ComposeError, OSError, sqlite3.Error, shutil.Error) as error:
        began.failed(str(error)).write(paths)
        print(f"backup failed: {error}", file=sys.stderr)
        return EXIT_FAILED
    done = began.done(size).write(paths)
    print(f"backup {label}: {size / 2**20:.1f} MB in {done.seconds:.1f} s", flush=True)
    return EXIT_OK


def make(site: Site, paths: Paths, supervisor: Supervisor) -> tuple[str, int]:
    """One set; returns its label and its bytes. Removes what is too old once it is whole."""
    with backups.fresh(site, paths) as fresh:
        prometheus = _prometheus(paths, supervisor)
        _place_blocks(prometheus, fresh / "prometheus", fresh.parent)
        for service, name in DATABASES.items():
            _database(paths.data / service / name, fresh / service)
        for service in PLAIN:
            _plain(paths.data / service, fresh / service)
        size, major, postgres = machine.size(fresh), "", ""
        if site.workload:
            postgres, more = _postgres(site, paths, supervisor)
            size += more
            major = programs(paths)[1].name
        Manifest(state.LAYOUT, major, postgres, size).write(fresh)
    return fresh.stem, size


def _prometheus(paths: Paths, supervisor: Supervisor) -> Path:
    """Its data as it stood at one moment, linked and copied to a place beside it."""
    source, staging = paths.data / "prometheus", paths.data / "backup" / "prometheus"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    if not source.exists():
        return staging
    with _stopped(supervisor, paths):
        for entry in source.iterdir():
            if entry.is_dir() and len(entry.name) == _BLOCK:
                shutil.copytree(entry, staging / entry.name, copy_function=os.link)
            elif entry.name in ("wal", "chunks_head"):
                shutil.copytree(entry, staging / entry.name)
    return staging


@contextmanager
def _stopped(supervisor: Supervisor, paths: Paths) -> Iterator[None]:
    """Prometheus stands still in here; should this process be killed, the watcher starts it (compose/backing.py)."""
    replace(Record.read(paths), paused=True).write(paths)
    supervisor.call("supervisor.stopProcess", "prometheus", True)
    try:
        yield
    finally:
        supervisor.call("supervisor.startProcess", "prometheus", False)
        replace(Record.read(paths), paused=False).write(paths)


def _place_blocks(staging: Path, target: Path, folder: Path) -> None:
    """On the same file system by a rename; on another one, blocks that the set before has are linked to it, others copied."""
    if staging.stat().st_dev == folder.stat().st_dev:
        staging.rename(target)
        return
    before = backups.labels(folder)[-1:]
    target.mkdir(mode=0o700)
    for entry in staging.iterdir():
        known = folder / before[0] / "prometheus" / entry.name if before else None
        if known and known.exists() and len(entry.name) == _BLOCK:
            shutil.copytree(known, target / entry.name, copy_function=os.link)
        else:
            shutil.copytree(entry, target / entry.name)
    shutil.rmtree(staging)


def _database(source: Path, target: Path) -> None:
    """By SQLite's own backup, which waits for no writer; what is damaged is no backup."""
    if not source.exists():
        return
    target.mkdir(mode=0o700)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target / source.name)) as new:
        old.backup(new)
        (verdict,) = new.execute("PRAGMA quick_check").fetchone()
    if verdict != "ok":
        raise ComposeError(f"the copy is damaged: {source}: {verdict}: look at the disk, and restore an older backup")


def _plain(source: Path, target: Path) -> None:
    """Files that are replaced while they are copied are there before and after."""
    if source.exists():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.tmp*", "*.new"))


def _postgres(site: Site, paths: Paths, supervisor: Supervisor) -> tuple[str, int]:
    """The label by which pgBackRest calls its backup, and the bytes that it wrote."""
    if supervisor.finish(BACKUP_POSTGRES, _POSTGRES_WITHIN) != EXIT_OK:
        log = paths.logs / f"{BACKUP_POSTGRES}.log"
        words = log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:] if os.access(log, os.R_OK) else []
        raise ComposeError("PostgreSQL's part failed: the last lines of " + "\n  ".join([f"{log}:", *words]))
    told = json.loads((pgbackrest.place(site, paths) / pgbackrest.RESULT).read_text(encoding="utf-8"))
    return str(told["label"]), int(told["bytes"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
