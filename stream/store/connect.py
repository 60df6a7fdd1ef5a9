"""From the settings to a connection: which server, as whom, with which share of the connections."""

from __future__ import annotations

import os
from dataclasses import dataclass

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from metrics.durations import seconds
from settings import Paths, SettingsError, Site
from settings.paths import APP_USER, DATABASE_USER
from settings.secrets import database_url, read_secret

# Of the appliance's connections; the stream's workers divide the rest among themselves.
OTHERS = {"store": 1, "analysis": 2, "analysis-lease": 1}


@dataclass(frozen=True)
class Share:
    """Connections of one process: how many stay open, and how many there may be."""

    min: int
    max: int


def share(site: Site, process: str, worker: int = 0, workers: int = 1) -> Share:
    """The share of a process: "store", "analysis", or "stream", of whose `workers` this is number `worker` (from 0)."""
    pool = site.database.pool
    if process in OTHERS:
        most = OTHERS[process]
    else:
        left = pool.max - sum(OTHERS.values())
        most = max(1, left // workers + (worker < left % workers))
    return Share(min(most, max(1, pool.min * most // pool.max)), most)


def role_of(process: str) -> str:
    """As whom a process asks the appliance's own server: the one that migrates and maintains owns the tables, no other does."""
    return DATABASE_USER if process == "store" else APP_USER


def conninfo(site: Site, paths: Paths, role: str = DATABASE_USER, *, replica: bool = False) -> str:
    """How libpq reaches the server; empty for a replica that is not set.

    The appliance's own has a password file for each role; without one (no `make up` was here) the server will refuse, which is
    told then. A site's own server has the role of its URL.
    Raises SettingsError for a URL that is none, or a file that cannot be used.
    """
    url = database_url(site, replica=replica)
    if url:
        try:
            known = conninfo_to_dict(url)
            if str(known.get("port", "5432")).isdigit():
                return url
        except ProgrammingError:  # its words quote the URL, and with it the password
            pass
        name = "DATABASE_REPLICA_URL" if replica else "DATABASE_URL"
        raise SettingsError(name, "is no URL of a PostgreSQL", "give postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    if replica:
        return ""
    file = paths.database_password if role == DATABASE_USER else paths.app_password
    password = read_secret(file, "the appliance's database password") if os.access(file, os.R_OK) else None
    return make_conninfo(
        host=site.host_of(site.ports.postgres), port=site.ports.postgres, user=role, dbname=DATABASE_USER,
        password=password,
    )  # fmt: skip


def session(site: Site, given: str, process: str) -> str:
    """The same with what every session of a pool has: a name, the statement timeout, signs of life on the way."""
    timeout = round(seconds(site.database.statement_timeout) * 1000)
    return make_conninfo(
        given, application_name=f"watchfloor-{process}", options=f"-c statement_timeout={timeout} -c timezone=UTC",
        connect_timeout=5,
        keepalives_idle=10, keepalives_interval=5, keepalives_count=3, tcp_user_timeout=15_000,
    )  # fmt: skip
