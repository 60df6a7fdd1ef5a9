"""Backups of an appliance: the folders they need, one made now, and which there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from compose import backups, pgbackrest
from compose.backups import Record
from compose.bootstrap import install_lacking
from compose.errors import BadInputError, ComposeError
from compose.host import DATABASE_USER, Host
from compose.packages import Package
from compose.supervisor import BACKUP
from metrics.durations import seconds
from settings import Paths, Site

if TYPE_CHECKING:
    from compose.native import Stack, Tell

PACKAGE = Package("pgbackrest", commands=("pgbackrest",))
_WITHIN = 12 * 3600.0  # seconds


def packages_of(site: Site) -> tuple[Package, ...]:
    """What backups that the site asks for need."""
    return (PACKAGE,) if seconds(site.backup.every) and site.workload else ()


def refuse_missing(site: Site, site_file: str) -> None:
    """Raises BadInputError where the folder that site.yaml names is not there: its disk may not be mounted."""
    if site.backup.to and not Path(site.backup.to).is_dir():
        raise BadInputError(f"{site_file}: backup.to: {site.backup.to} is no folder: make it, or mount its disk")


def folders(site: Site, paths: Paths, host: Host, site_file: str) -> None:
    """Makes the folders of backups, each its user's."""
    refuse_missing(site, site_file)
    if not site.backup.to:
        paths.backups.mkdir(mode=0o755, exist_ok=True)
    for folder, user, mode in (
        (paths.data / "backup", "", 0o755),
        (backups.files(site, paths), "", 0o700),
        (pgbackrest.place(site, paths), DATABASE_USER, 0o711),
    ):
        host.make(folder, mode, user)
    host.give(paths.data / "backup")  # while it ran in containers that was whoever's ran `make up`


def backup(stack: Stack, tell: Tell) -> Record:
    """Makes one now, and waits for it. Raises ComposeError where it fails, or one is under way."""
    if not stack.running():
        raise ComposeError("nothing runs: a backup is made of what runs: `make up` first")
    install_lacking(stack.host, (PACKAGE,) if stack.site().workload else ())
    if stack.supervisor.busy(BACKUP):
        raise ComposeError("a backup is under way already: this appliance: `make logs s=backup` tells when it ends")
    tell("making a backup; Prometheus stands still for some seconds of it")
    code = stack.supervisor.finish(BACKUP, _WITHIN)
    record = Record.read(stack.paths)
    if code or not record.ok:
        raise ComposeError(f"the backup failed: {record.words or stack.paths.logs / f'{BACKUP}.log'}")
    return record
