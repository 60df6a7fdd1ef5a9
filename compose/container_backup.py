"""A set of backups of an appliance in containers: one tar a volume, and PostgreSQL's own base backup.

The same sets as of processes (compose/backup.py), by what containers have: Prometheus is stopped while its blocks are linked and
the rest is copied; SQLite copies itself; `pg_basebackup` of PostgreSQL's own image checks every page, and takes along the
write-ahead log that makes its copy whole.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from compose import backing, backups, machine, roles, state
from compose.backups import Manifest, Record
from compose.errors import ComposeError
from compose.images import CONTAINERS, OURS
from compose.volumes import Volumes, save
from metrics.durations import seconds

if TYPE_CHECKING:
    from compose.docker import Containers
    from compose.native import Tell
    from settings import Site

PROMETHEUS, POSTGRES = "prometheus", "postgres"
# How each of the others is copied while it runs: an action of compose/volume.py and its words.
RUNNING = {
    "inbox": ("stage-database", "inbox.db"),
    "preview": ("stage-database", "grafana.db"),
    "alertmanager": ("stage-files",),
    "analysis": ("stage-files",),
}


_SOCKETS = "/var/run/postgresql"
_SLOT = "SELECT pg_create_physical_replication_slot('watchfloor_backup', immediately_reserve => true, temporary => true);\n"


def backup(stack: Containers, tell: Tell) -> Record:
    """Makes a set, now. Raises ComposeError where it fails."""
    if not stack.running():
        raise ComposeError("nothing runs: a backup is made of what runs: `make up` first")
    site = stack.site()
    folders(stack, site)
    with backups.beating(stack.paths):
        tell("making a backup; Prometheus stands still for some seconds of it")
        began = Record.read(stack.paths).begun().write(stack.paths)
        try:
            size = _make(stack, site, tell)
        except (ComposeError, OSError) as error:
            began.failed(str(error)).write(stack.paths)
            raise ComposeError(f"the backup failed: {error}") from error
        made = began.done(size).write(stack.paths)
    try:
        stack.wait(PROMETHEUS)
    except ComposeError as error:
        tell(f"the backup is whole, and Prometheus, which stood still for it, is not back: {error}")
    return made


def prepare(stack: Containers, site: Site) -> None:
    """Makes the folder of the record, which a container is shown, and remembers since when the site asks for backups."""
    folder = Record.file(stack.paths).parent
    stack.host.make(folder, 0o755)
    if folder.stat().st_uid != os.geteuid():  # the services' user's, while it ran in processes
        os.chown(folder, os.geteuid(), os.getegid())
    folder.chmod(0o755)  # earlier versions closed it
    Record.read(stack.paths).wished(seconds(site.backup.every), time.time(), stack.paths).write(stack.paths)


def folders(stack: Containers, site: Site) -> None:
    """Makes the folders of backups."""
    backing.refuse_missing(site, stack.site_file.name)
    prepare(stack, site)
    files = backups.files(site, stack.paths)
    stack.host.make(files.parent, 0o755)
    stack.host.make(files, 0o700)


def volumes(stack: Containers, tell: Tell) -> Volumes:
    """The appliance's volumes; our image, by which they are worked on, is built where there is none."""
    return Volumes(stack.project, f"{OURS}:{stack.image(tell)}")


def _make(stack: Containers, site: Site, tell: Tell) -> int:
    volumes_, there = volumes(stack, tell), {service.name for service in stack.services(site)}
    sums: dict[str, str] = {}
    with backups.fresh(site, stack.paths) as fresh:
        with _standing_still(stack):
            volumes_.run(PROMETHEUS, "stage-prometheus")
        sums[PROMETHEUS] = volumes_.pack(PROMETHEUS, file_of(fresh, PROMETHEUS))
        for service, action in RUNNING.items():
            if service in there:
                volumes_.run(service, *action)
                sums[service] = volumes_.pack(service, file_of(fresh, service))
        major = data = ""
        if POSTGRES in there:
            sums[POSTGRES] = _postgres(stack, file_of(fresh, POSTGRES))
            major, data = _cluster(stack)
        size = machine.size(fresh)
        Manifest(state.LAYOUT, major, "", size, backups.DOCKER, data, sums).write(fresh)
    return size


def file_of(folder: Path, service: str) -> Path:
    """A service's part of a set."""
    return folder / f"{service}.tar"


@contextmanager
def _standing_still(stack: Containers) -> Iterator[None]:
    """Prometheus is stopped in here; should this program be killed, `make up` starts it."""
    try:
        stack.compose("stop", PROMETHEUS)
        yield
    finally:
        stack.compose("start", PROMETHEUS)


def _postgres(stack: Containers, target: Path) -> str:
    """The cluster and the log that makes it whole, as one tar; its SHA-256."""
    where = ["-h", _SOCKETS, "-p", str(stack.site().ports.postgres), "-U", roles.SUPERUSER]
    words = ["pg_basebackup", *where, "-D", "-", "-F", "tar", "-X", "fetch", "-c", "fast"]
    with _log_kept(stack):
        return save(["docker", "exec", stack.container(POSTGRES), *words], target, "pg_basebackup")


@contextmanager
def _log_kept(stack: Containers) -> Iterator[None]:
    """The server keeps its write-ahead log in here: by a slot that goes with this session, whatever becomes of this program."""
    with subprocess.Popen(stack.psql_words(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        assert session.stdin
        assert session.stdout
        with session.stdin as asking:
            asking.write(_SLOT)
            asking.flush()
            if not session.stdout.readline():
                raise ComposeError("PostgreSQL gave no replication slot to keep its log by: `make logs s=postgres` has its words")
            yield


def _cluster(stack: Containers) -> tuple[str, str]:
    """PostgreSQL's major version, and where its cluster is within its volume."""
    asked = "SELECT current_setting('server_version_num')::int / 10000; SHOW data_directory;\n"
    major, place = stack.psql(asked, "version could not be asked").split()
    if not Path(place).is_relative_to(CONTAINERS[POSTGRES].state):
        raise ComposeError(f"PostgreSQL keeps its cluster outside its volume: {place}: it could not be brought back")
    return major, str(Path(place).relative_to(CONTAINERS[POSTGRES].state))
