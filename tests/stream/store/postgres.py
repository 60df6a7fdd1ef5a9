"""A real PostgreSQL on a free port with our schema: one a test module, with a database of its own for each test that asks.

    from tests.stream.store.postgres import database_url, postgres   # noqa: F401  # fixtures

`postgres` is the server, `database_url` the URL of a fresh, migrated database in it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psycopg
import pytest
from psycopg import sql

from compose.postgres import installed
from settings import Site, parse
from settings.paths import APP_USER, DATABASE_USER
from tests.waiting import free_ports, until

_SPEED = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
_TEMPLATE = "migrated"


def _as_owner() -> list[str]:
    """PostgreSQL does not run as root: then as a user that every Debian has."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


class Postgres:
    """A server in a folder of its own; a context manager. `durable` keeps fsync on."""

    def __init__(self, *options: str, durable: bool = False) -> None:
        self.port = free_ports(1)[0]
        self.folder = Path(tempfile.mkdtemp(prefix="watchfloor-pg-"))
        self.data = self.folder / "data"
        self.programs = installed()[max(installed())]
        self.options = (*(() if durable else _SPEED), *options)
        self._count = 0

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
        self.folder.chmod(0o700)
        options = ("--auth=trust", "-U", "watchfloor", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self.run("initdb", "-D", str(self.data), *options)
        self.start()
        with self.admin() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(APP_USER)))
        from stream.store.migrate import migrate  # noqa: PLC0415  # Alembic takes long, and who lists drills needs none

        migrate(self.url(_TEMPLATE))
        with self.admin(_TEMPLATE) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, program: str, *words: str) -> str:
        """One of PostgreSQL's programs, to its end; what it said."""
        done = subprocess.run(
            [*_as_owner(), str(self.programs / program), *words], cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        fixed = ("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}", "-c", "max_connections=120")
        words = [str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port), *fixed]
        preload = ("-c", "shared_preload_libraries=pg_stat_statements", "-c", "max_worker_processes=4")
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [*_as_owner(), *words, *preload, *self.options], cwd="/", stdout=log, stderr=log
            )  # fmt: skip
        until("PostgreSQL answers", self._answers, 30)

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """An orderly, fast shutdown."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def kill(self) -> None:
        """The end of the server as a crash brings it: its children go when they notice."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        lock = self.data / "postmaster.pid"
        until("no backend is left", lambda: not _users_of(self.folder), 20)
        lock.unlink(missing_ok=True)

    @contextlib.contextmanager
    def standby(self) -> Iterator[Postgres]:
        """A streaming replica of this server."""
        other = Postgres()
        if os.geteuid() == 0:
            shutil.chown(other.folder, "nobody")
        source = f"host=127.0.0.1 port={self.port} user=watchfloor"
        self.run("pg_basebackup", "-D", str(other.data), "-R", "--no-sync", "--checkpoint=fast", "-d", source)
        try:
            other.start()
            yield other
        finally:
            other.__exit__()

    def url(self, database: str) -> str:
        """As who owns the tables."""
        return f"postgresql://{DATABASE_USER}@127.0.0.1:{self.port}/{database}"

    def admin(self, database: str = "postgres") -> psycopg.Connection:
        """A superuser's connection in autocommit."""
        return psycopg.connect(self.url(database), autocommit=True)

    def fresh(self, *, migrated: bool = True) -> str:
        """The URL of a new database, with our schema or empty."""
        self._count += 1
        name = f"test_{self._count}"
        with self.admin() as connection:
            template = sql.Identifier(_TEMPLATE if migrated else "template1")
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template))
        return self.url(name)


def _users_of(folder: Path) -> list[str]:
    """Processes whose current folder is the server's data."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str((entry / "cwd").readlink()).startswith(str(folder)):
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def database_url(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """The owner's URL of a fresh, migrated database; `DATABASE_URL` is that of the workload's role, for `Database.open`."""
    url = postgres.fresh()
    monkeypatch.setenv("DATABASE_URL", for_app(url))
    return url


def for_app(url: str) -> str:
    """The same as the workload's role, which owns nothing."""
    return url.replace(f"//{DATABASE_USER}@", f"//{APP_USER}@")


def site(text: str = "{}") -> Site:
    """Settings for a test; where the database is, `DATABASE_URL` says."""
    return parse(text)
