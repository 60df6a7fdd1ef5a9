"""The appliance's own PostgreSQL: how a cluster is made, once, and how it is run.

A cluster is made in a folder beside its place and moved there when it is whole, so that a start that was cut off leaves nothing
half done. Roles, database and extension are made in single-user mode: no server listens before its passwords stand.
"""

from __future__ import annotations

import glob
import os
import pwd
from pathlib import Path

from compose import pgbackrest, roles
from compose.errors import ComposeError
from compose.host import DATABASE_USER as OS_USER
from compose.host import Host, run_as
from compose.service import Context
from settings import Paths, Site
from settings.database import SPARE_CONNECTIONS
from settings.paths import APP_USER, DATABASE_USER, EXPORTER_USER, READER_USER

ADDRESS = "127.0.0.1"  # never anything else: who wants it from elsewhere runs a PostgreSQL of their own
_HBA = f"""\
# Made by Watchfloor: loopback, with a password; on the Unix socket the cluster's own operating-system user alone, for backups.
local all postgres peer map=backup
host {DATABASE_USER} {DATABASE_USER} {ADDRESS}/32 scram-sha-256
host all postgres {ADDRESS}/32 scram-sha-256
host all {EXPORTER_USER} {ADDRESS}/32 scram-sha-256
host {DATABASE_USER} {READER_USER} {ADDRESS}/32 scram-sha-256
host {DATABASE_USER} {APP_USER} {ADDRESS}/32 scram-sha-256
host replication postgres {ADDRESS}/32 scram-sha-256
"""


def installed() -> dict[int, Path]:
    """The folders of PostgreSQL's programs by major version."""
    found = (Path(name).parent for name in glob.glob("/usr/lib/postgresql/*/bin/postgres"))  # noqa: PTH207  # an absolute pattern
    return {int(folder.parent.name): folder for folder in found if folder.parent.name.isdigit()}


def folder(paths: Paths) -> Path:
    """Where its clusters are, one a major version."""
    return paths.data / "postgres"


def programs(paths: Paths) -> tuple[Path, Path]:
    """The folder of programs, and the data directory that they run: the newest version, but of data that is there its own.

    Raises ComposeError where no PostgreSQL is installed, or none that reads the data.
    """
    versions = installed()
    made = sorted(int(path.name) for path in folder(paths).glob("[0-9]*") if path.name.isdigit())
    if not versions:
        raise ComposeError("PostgreSQL is not installed: /usr/lib/postgresql: install Debian's package postgresql")
    wanted = made[-1] if made else max(versions)
    if wanted not in versions:
        raise ComposeError(
            f"{folder(paths)}/{wanted} holds data of PostgreSQL {wanted}, which is not installed: "
            f"install postgresql-{wanted}, or bring the data to {max(versions)} by pg_upgrade"
        )
    return versions[wanted], folder(paths) / str(wanted)


def command(site: Site, paths: Paths) -> tuple[str, ...]:
    """The server's command line: every setting stands here, so that a change restarts it."""
    try:
        binaries, data = programs(paths)
    except ComposeError:  # shown at start
        binaries, data = Path("/usr/lib/postgresql"), folder(paths)
    settings = options(site, ADDRESS, str(folder(paths)))
    return (str(binaries / "postgres"), "-D", str(data), *settings, *pgbackrest.server_options(site, paths, data))


def backup(context: Context) -> tuple[str, ...]:
    """The command line by which supervisord backs it up, as its own user."""
    site, paths = context.site, context.paths
    _, data = programs(paths)
    return context.module(
        "compose.pgbackrest", "--data", str(data), "--port", str(site.ports.postgres),
        "--to", str(pgbackrest.place(site, paths)), "--keep", str(site.backup.keep),
    )  # fmt: skip


def options(site: Site, address: str, sockets: str) -> tuple[str, ...]:
    """The server's settings as words of its command line; `sockets` is the folder of its Unix socket, empty for none."""
    values = {
        "listen_addresses": address,
        "port": str(site.ports.postgres),
        "unix_socket_directories": sockets,
        "cluster_name": "watchfloor",
        "max_connections": str(max(100, site.database.pool.max + SPARE_CONNECTIONS)),
        "shared_preload_libraries": "pg_stat_statements",
        "track_io_timing": "on",
        "wal_compression": "on",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "idle_in_transaction_session_timeout": "60s",
        "log_min_duration_statement": "1s",
        "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    }
    return tuple(word for name, value in values.items() for word in ("-c", f"{name}={value}"))


def prepare(paths: Paths, host: Host) -> bool:
    """Makes the cluster unless it is there; tells whether it did. Raises ComposeError with the last words of what failed."""
    binaries, data = programs(paths)
    user = host.account(OS_USER)
    if data.exists():
        _admit(data / "pg_hba.conf", _HBA, user)
        _admit(data / "pg_ident.conf", _ident(user), user)
        return False
    fresh = data.with_name(f"{data.name}.new")
    _as(["rm", "-rf", str(fresh)], user)
    locale = ["--encoding=UTF8", "--locale=C.UTF-8"]
    _as([str(binaries / "initdb"), "-D", str(fresh), "-U", "postgres", "--auth=reject", "--data-checksums", *locale], user)
    single = [str(binaries / "postgres"), "--single", "-D", str(fresh), "-c", "exit_on_error=on"]
    _as([*single, "postgres"], user, roles.first(paths))
    _as([*single, DATABASE_USER], user, "CREATE EXTENSION pg_stat_statements\n")
    _as([*single, "-j", DATABASE_USER], user, roles.GRANTS.read_text(encoding="utf-8"))  # -j: statements of several lines
    _as(["tee", str(fresh / "pg_hba.conf")], user, _HBA)
    _as(["tee", str(fresh / "pg_ident.conf")], user, _ident(user))
    _as(["mv", str(fresh), str(data)], user)
    return True


def _ident(user: str | None) -> str:
    """Which operating-system user is the superuser on the socket: the cluster's own, who could read its files anyway."""
    return f"backup {user or pwd.getpwuid(os.geteuid()).pw_name} postgres\n"


def _admit(file: Path, wanted: str, user: str | None) -> None:
    """Lets in whom an earlier version, which made the cluster, did not know; the server rereads the file when it is told to."""
    known = file.read_text(encoding="utf-8").splitlines()
    missing = [line for line in wanted.splitlines() if line not in known]
    if missing:
        _as(["tee", "-a", str(file)], user, "".join(f"{line}\n" for line in missing))


def _as(words: list[str], user: str | None, text: str = "") -> None:
    run_as(words, user, text, failed="PostgreSQL's data could not be made")
