"""The roles of the appliance's own PostgreSQL: made with the cluster, and brought to this version's at every start.

`watchfloor` owns the workload's tables: migrations and maintenance alone use it. `watchfloor_app` reads and writes rows,
`watchfloor_reader` reads them, `watchfloor_exporter` sees statistics. A cluster that an earlier version made, or a backup of one,
may lack all but the first, or what they may see; `roles.sql` and `stream/store/grants.py` say what this is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from compose.errors import ComposeError
from settings import Paths, SettingsError, Site
from settings.paths import APP_USER, DATABASE_USER, EXPORTER_USER, READER_USER
from settings.secrets import read_secret

_PATIENCE = 10.0  # seconds
SUPERUSER = "postgres"
# Connections at most: of the exporter one for each scrape under way; the workload's are bound by its pools.
CONNECTIONS = {EXPORTER_USER: 3, READER_USER: 10, APP_USER: -1}
FILES: Mapping[str, Callable[[Paths], Path]] = {
    DATABASE_USER: lambda paths: paths.database_password,
    APP_USER: lambda paths: paths.app_password,
    EXPORTER_USER: lambda paths: paths.exporter_password,
    READER_USER: lambda paths: paths.reader_password,
    SUPERUSER: lambda paths: paths.postgres_password,
}
GRANTS = Path(__file__).with_name("roles.sql")
_KNOWN = """
SELECT to_regrole(%s) IS NOT NULL, to_regprocedure('watchfloor_exporter.sequence_positions()') IS NOT NULL"""
# Not where the store's migration has given the workload's role nothing, because it ran before there was that role.
GRANTED = f"SELECT has_table_privilege('{APP_USER}', to_regclass('public.schema_version'), 'SELECT') IS NOT FALSE"
_LET_IN = """
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}' AND rolcanlogin) THEN RETURN; END IF;
    IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role}; END IF;
    ALTER ROLE {role} LOGIN CONNECTION LIMIT {most} PASSWORD '{hashed}';
END $$;
"""
# Only in the planner's mind: lets `python -m stream.store optimize` tell what an index would gain.
_HYPOPG = "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'hypopg' AND installed_version IS NULL)"
_LACKING = "SELECT count(*) < cardinality(%(all)s::name[]) FROM pg_roles WHERE rolname = ANY(%(all)s::name[]) AND rolcanlogin"
_RECONNECT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"


def first(paths: Paths) -> str:
    """Statements of single-user mode, one a line. Passwords are of URL-safe characters, so that nothing needs quoting."""
    quoted = {role: f"'{file(paths).read_text(encoding='ascii')}'" for role, file in FILES.items()}
    made = (f"ALTER ROLE {SUPERUSER} PASSWORD {quoted[SUPERUSER]}", *makes(quoted))
    return "".join(f"{statement.rstrip(';')}\n" for statement in made)


def passwords(paths: Paths) -> str:
    """Statements of single-user mode that give the roles of a restored cluster this home's passwords.

    An older backup lacks roles: they are made when the server runs (`settle`).
    """
    known = "DO $$ BEGIN IF to_regrole('{role}') IS NOT NULL THEN ALTER ROLE {role} PASSWORD '{hashed}'; END IF; END $$\n"
    hashes = {role: scram(file(paths).read_text(encoding="ascii")) for role, file in FILES.items()}
    return "".join(known.format(role=role, hashed=hashed) for role, hashed in hashes.items())


def makes(quoted: Mapping[str, str]) -> tuple[str, ...]:
    """Statements that make the roles and the database of a new cluster; the passwords come by role, quoted."""
    entering = (
        f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {most} PASSWORD {quoted[role]};" for role, most in CONNECTIONS.items()
    )
    return (
        f"CREATE ROLE {DATABASE_USER} LOGIN PASSWORD {quoted[DATABASE_USER]};",
        f"GRANT pg_monitor TO {DATABASE_USER};",
        *entering,
        f"CREATE DATABASE {DATABASE_USER} OWNER {DATABASE_USER};",
    )


def settle(site: Site, paths: Paths) -> bool:
    """Brings the roles of a running server to what this version wants; tells whether the store has to give rights anew.

    Raises ComposeError where the superuser is not let in, or the server refuses.
    """
    try:
        statements = settling(paths)
        with _connected(site, read_secret(paths.postgres_password, "the superuser's password")) as connection:
            return _settle(connection, statements)
    except (psycopg.Error, SettingsError) as error:
        words = str(error).strip().splitlines()[0]
        raise ComposeError(f"PostgreSQL's roles could not be looked after: {words}") from error


def change_password(site: Site, paths: Paths, role: str, password: str) -> None:
    """Gives a role of a running server a new password. Raises ComposeError where the superuser is not let in, or refused."""
    try:
        with _connected(site, read_secret(paths.postgres_password, "the superuser's password"), patience=0) as connection:
            changed = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(scram(password)))
            connection.execute(changed)
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


def settling(paths: Paths) -> str:
    """Statements that make what roles are missing and give all of them their rights; a superuser may repeat them.

    Raises SettingsError for a password's file that cannot be used.
    """
    hashes = {role: scram(read_secret(FILES[role](paths), f"the password of {role}")) for role in CONNECTIONS}
    let_in = (_LET_IN.format(role=role, most=most, hashed=hashes[role]) for role, most in CONNECTIONS.items())
    return "".join((*let_in, GRANTS.read_text(encoding="utf-8")))


def scram(password: str) -> str:
    """As the server stores a password (RFC 5803): pg_stat_statements keeps statements, and shows them to some."""
    salt, rounds = secrets.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    parts = (base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(salted, b"Server Key", "sha256")))
    return "SCRAM-SHA-256${}:{}${}:{}".format(rounds, *parts)


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


def _settle(connection: psycopg.Connection, statements: str) -> bool:
    connection.execute("SET lock_timeout = '5s'")
    there, sees = connection.execute(_KNOWN, (EXPORTER_USER,)).fetchone() or (False, False)
    lacking = connection.execute(_LACKING, {"all": list(CONNECTIONS)}).fetchone() == (True,)
    connection.execute(statements.encode())
    if lacking:
        connection.execute("SELECT pg_reload_conf()")  # `postgres.prepare` has let them in
    (available,) = connection.execute(_HYPOPG).fetchone() or (False,)
    if available:
        connection.execute("CREATE EXTENSION IF NOT EXISTS hypopg")
    if there and not sees:
        connection.execute(_RECONNECT, (EXPORTER_USER,))  # what it may see it asks once a connection
    return connection.execute(GRANTED.encode()).fetchone() == (False,)
