"""The roles of the appliance's own PostgreSQL: made with the cluster, and brought to this version's at every start.

A cluster that an earlier version made may lack the exporter's role, or what that may see; `roles.sql` says what this is.
"""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
from psycopg import sql

from compose.errors import ComposeError
from settings import Paths, SettingsError, Site
from settings.paths import DATABASE_USER, EXPORTER_USER, READER_USER
from settings.secrets import read_secret

_PATIENCE = 10.0  # seconds
SUPERUSER = "postgres"
CONNECTIONS = 3  # of the exporter: one for each scrape under way
READERS = 10  # of the role that only reads
GRANTS = Path(__file__).with_name("roles.sql")
_KNOWN = """
SELECT to_regrole(%s) IS NOT NULL, to_regprocedure('watchfloor_exporter.sequence_positions()') IS NOT NULL"""
_CREATE = sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {}")
_ALTER = sql.SQL("ALTER ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {}")
# Only in the planner's mind: lets `python -m stream.store optimize` tell what an index would gain.
_HYPOPG = "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'hypopg' AND installed_version IS NULL)"
_RECONNECT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"


def first(paths: Paths) -> str:
    """Statements of single-user mode, one a line. Passwords are of URL-safe characters, so that nothing needs quoting."""
    files = (paths.database_password, paths.postgres_password, paths.exporter_password, paths.reader_password)
    own, superuser, exporter, reader = (path.read_text(encoding="ascii") for path in files)
    made = (f"ALTER ROLE postgres PASSWORD '{superuser}'", *makes(f"'{own}'", f"'{exporter}'", f"'{reader}'"))
    return "".join(f"{statement.rstrip(';')}\n" for statement in made)


def passwords(paths: Paths) -> str:
    """Statements of single-user mode that give the roles of a restored cluster this home's passwords."""
    own, exporter = (DATABASE_USER, paths.database_password), (EXPORTER_USER, paths.exporter_password)
    reader = (READER_USER, paths.reader_password)
    named = (own, exporter, reader, ("postgres", paths.postgres_password))
    return "".join(f"ALTER ROLE {role} PASSWORD '{file.read_text(encoding='ascii')}'\n" for role, file in named)


def makes(own: str, exporter: str, reader: str) -> tuple[str, ...]:
    """Statements that make the roles and the database of a new cluster; the passwords come quoted."""
    return (
        f"CREATE ROLE {DATABASE_USER} LOGIN PASSWORD {own};",
        f"GRANT pg_monitor TO {DATABASE_USER};",
        f"CREATE ROLE {EXPORTER_USER} LOGIN CONNECTION LIMIT {CONNECTIONS} PASSWORD {exporter};",
        f"CREATE ROLE {READER_USER} LOGIN CONNECTION LIMIT {READERS} PASSWORD {reader};",
        f"CREATE DATABASE {DATABASE_USER} OWNER {DATABASE_USER};",
    )


def settle(site: Site, paths: Paths) -> bool:
    """Brings the exporter's role of a running server to what this version wants; tells whether the role was missing.

    Raises ComposeError where the superuser is not let in, or the server refuses.
    """
    try:
        own = read_secret(paths.postgres_password, "the superuser's password")
        exporter = read_secret(paths.exporter_password, "the exporter's password")
        reader = read_secret(paths.reader_password, "the reader's password")
        with _connected(site, own) as connection:
            return _settle(connection, exporter, reader)
    except (psycopg.Error, SettingsError) as error:
        words = str(error).strip().splitlines()[0]
        raise ComposeError(f"PostgreSQL's role {EXPORTER_USER} could not be looked after: {words}") from error


def change_password(site: Site, paths: Paths, role: str, password: str) -> None:
    """Gives a role of a running server a new password. Raises ComposeError where the superuser is not let in, or refused."""
    try:
        with _connected(site, read_secret(paths.postgres_password, "the superuser's password"), patience=0) as connection:
            hashed = _hashed(connection, role, password)
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(hashed)))
    except (psycopg.Error, SettingsError) as error:
        words = str(error).strip().splitlines()[0]
        raise ComposeError(f"PostgreSQL's role {role} could not be given a new password: {words}") from error


def is_let_in(site: Site, paths: Paths) -> bool:
    """Whether the superuser's password is the one in its file."""
    try:
        _connected(site, read_secret(paths.postgres_password, "the superuser's password"), patience=0).close()
    except (psycopg.Error, SettingsError):
        return False
    return True


def _hashed(connection: psycopg.Connection, role: str, password: str) -> str:
    """As the server stores it (SCRAM): statements are kept by pg_stat_statements, and told to who may see statistics."""
    return connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()


def _connected(site: Site, password: str, patience: float | None = None) -> psycopg.Connection:
    """A superuser's session; a server that was ready and is being restarted by its watcher gets the time for it."""
    end = time.monotonic() + (_PATIENCE if patience is None else patience)
    while True:
        try:
            return psycopg.connect(
                host="127.0.0.1", port=site.ports.postgres, user=SUPERUSER, dbname=DATABASE_USER, password=password,
                application_name="watchfloor-up", connect_timeout=5, autocommit=True,
            )  # fmt: skip
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _settle(connection: psycopg.Connection, exporter: str, reader: str) -> bool:
    connection.execute("SET lock_timeout = '5s'")
    there, sees = connection.execute(_KNOWN, (EXPORTER_USER,)).fetchone() or (False, False)
    made = [_made(connection, EXPORTER_USER, CONNECTIONS, exporter), _made(connection, READER_USER, READERS, reader)]
    if any(made):
        connection.execute("SELECT pg_reload_conf()")  # `postgres.prepare` has let them in
    connection.execute(GRANTS.read_bytes())
    (available,) = connection.execute(_HYPOPG).fetchone() or (False,)
    if available:
        connection.execute("CREATE EXTENSION IF NOT EXISTS hypopg")
    if there and not sees:
        connection.execute(_RECONNECT, (EXPORTER_USER,))  # what it may see it asks once a connection
    return any(made)


def _made(connection: psycopg.Connection, role: str, most: int, password: str) -> bool:
    """Makes a role that may log in, unless there is one; tells whether it did."""
    known = connection.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if known == (True,):
        return False
    values = (sql.Identifier(role), sql.Literal(most), sql.Literal(_hashed(connection, role, password)))
    connection.execute((_ALTER if known else _CREATE).format(*values))
    return True
