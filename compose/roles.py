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
from settings.paths import DATABASE_USER, EXPORTER_USER
from settings.secrets import read_secret

_PATIENCE = 10.0  # seconds
CONNECTIONS = 3  # of the exporter: one for each scrape under way
GRANTS = Path(__file__).with_name("roles.sql")
_KNOWN = """
SELECT to_regrole(%s) IS NOT NULL, to_regprocedure('watchfloor_exporter.sequence_positions()') IS NOT NULL"""
_CREATE = sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {}")
# Only in the planner's mind: lets `python -m stream.store optimize` tell what an index would gain.
_HYPOPG = "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'hypopg' AND installed_version IS NULL)"
_RECONNECT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"


def first(paths: Paths) -> str:
    """Statements of single-user mode, one a line. Passwords are of URL-safe characters, so that nothing needs quoting."""
    files = (paths.database_password, paths.postgres_password, paths.exporter_password)
    own, superuser, exporter = (path.read_text(encoding="ascii") for path in files)
    made = (f"ALTER ROLE postgres PASSWORD '{superuser}'", *makes(f"'{own}'", f"'{exporter}'"))
    return "".join(f"{statement.rstrip(';')}\n" for statement in made)


def passwords(paths: Paths) -> str:
    """Statements of single-user mode that give the roles of a restored cluster this home's passwords."""
    own, exporter = (DATABASE_USER, paths.database_password), (EXPORTER_USER, paths.exporter_password)
    named = (own, exporter, ("postgres", paths.postgres_password))
    return "".join(f"ALTER ROLE {role} PASSWORD '{file.read_text(encoding='ascii')}'\n" for role, file in named)


def makes(own: str, exporter: str) -> tuple[str, ...]:
    """Statements that make the roles and the database of a new cluster; the passwords come quoted."""
    return (
        f"CREATE ROLE {DATABASE_USER} LOGIN PASSWORD {own};",
        f"GRANT pg_monitor TO {DATABASE_USER};",
        f"CREATE ROLE {EXPORTER_USER} LOGIN CONNECTION LIMIT {CONNECTIONS} PASSWORD {exporter};",
        f"CREATE DATABASE {DATABASE_USER} OWNER {DATABASE_USER};",
    )


def settle(site: Site, paths: Paths) -> bool:
    """Brings the exporter's role of a running server to what this version wants; tells whether the role was missing.

    Raises ComposeError where the superuser is not let in, or the server refuses.
    """
    try:
        own = read_secret(paths.postgres_password, "the superuser's password")
        exporter = read_secret(paths.exporter_password, "the exporter's password")
        with _connected(site, own) as connection:
            return _settle(connection, exporter)
    except (psycopg.Error, SettingsError) as error:
        words = str(error).strip().splitlines()[0]
        raise ComposeError(f"PostgreSQL's role {EXPORTER_USER} could not be looked after: {words}") from error


def _connected(site: Site, password: str) -> psycopg.Connection:
    """A superuser's session; a server that was ready and is being restarted by its watcher gets the time for it."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return psycopg.connect(
                host="127.0.0.1", port=site.ports.postgres, user="postgres", dbname=DATABASE_USER, password=password,
                application_name="watchfloor-up", connect_timeout=5, autocommit=True,
            )  # fmt: skip
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _settle(connection: psycopg.Connection, exporter: str) -> bool:
    connection.execute("SET lock_timeout = '5s'")
    there, sees = connection.execute(_KNOWN, (EXPORTER_USER,)).fetchone() or (False, False)
    if not there:
        connection.execute(_CREATE.format(sql.Identifier(EXPORTER_USER), sql.Literal(CONNECTIONS), sql.Literal(exporter)))
        connection.execute("SELECT pg_reload_conf()")  # `postgres.prepare` has let it in
    connection.execute(GRANTS.read_bytes())
    (available,) = connection.execute(_HYPOPG).fetchone() or (False,)
    if available:
        connection.execute("CREATE EXTENSION IF NOT EXISTS hypopg")
    if there and not sees:
        connection.execute(_RECONNECT, (EXPORTER_USER,))  # what it may see it asks once a connection
    return not there
