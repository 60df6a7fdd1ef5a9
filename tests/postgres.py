"""A real PostgreSQL on a free port, without anybody's schema: for what watches servers.

`tests/stream/store/postgres.py` has one with the workload's schema; this one is that server, left empty.
"""

from __future__ import annotations

import os
import shutil
from typing import LiteralString, Self

import psutil
from psycopg import sql

from tests.stream.store.postgres import Postgres

ROLE, PASSWORD = "watcher", "very/secret: word"
LEAST: tuple[LiteralString, ...] = (
    "CREATE ROLE {role} LOGIN PASSWORD {password} CONNECTION LIMIT 3",
    "GRANT pg_monitor TO {role}",
    "ALTER ROLE {role} SET default_transaction_read_only = on",
)


class Bare(Postgres):
    """A server with an empty database `shop`, pg_stat_statements, and a role of least privilege that needs its password."""

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
        self.folder.chmod(0o700)
        options = ("--auth=trust", "-U", "watchfloor", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self.run("initdb", "-D", str(self.data), *options)
        rules = f"host all {ROLE} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
        hba = self.data / "pg_hba.conf"
        hba.write_text(rules + "host replication all 127.0.0.1/32 trust\n")
        self.start()
        with self.admin() as connection:
            for statement in LEAST:
                connection.execute(sql.SQL(statement).format(role=sql.Identifier(ROLE), password=sql.Literal(PASSWORD)))
            connection.execute("CREATE DATABASE shop")
        with self.admin("shop") as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        return self

    def processes(self) -> list[int]:
        """The server's process and its children."""
        return [process.pid for process in psutil.Process(self.process.pid).children(recursive=True)] + [self.process.pid]
