"""The exporter of PostgreSQL servers, 13 to 18. One connection a server; the SQL is chosen by server_version_num.

What each collector asks stands in a file of its own, as data (`table.Subject`); `session.py` asks for all of them at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from exporters.base import Collector, Domain
from exporters.postgres import (
    activity,
    archiver,
    bgwriter,
    bloat,
    checkpointer,
    database,
    database_wraparound,
    locks,
    long_running,
    partitions,
    postmaster,
    prepared,
    progress_vacuum,
    queries,
    replication,
    replication_slots,
    roles,
    sequences,
    stat_database,
    stat_io,
    stat_replication,
    stat_user_indexes,
    stat_user_tables,
    statements,
    statio_user_indexes,
    statio_user_tables,
    wal,
    wal_receiver,
)
from exporters.postgres import settings as parameters
from exporters.postgres.causes import TargetError
from exporters.postgres.session import Session
from exporters.postgres.table import Subject
from exporters.postgres.up import DOMAIN, Up
from metrics.durations import seconds
from metrics.model import Sample
from metrics.postgres import server as m
from settings import Paths, SettingsError, Site
from settings.exporters import PostgresExporter, PostgresTarget
from settings.paths import DATABASE_USER, EXPORTER_USER
from settings.secrets import read_secret

# In the order of the exposition.
SUBJECTS = (
    stat_database.SUBJECT,
    database.SUBJECT,
    database_wraparound.SUBJECT,
    activity.SUBJECT,
    long_running.SUBJECT,
    locks.SUBJECT,
    prepared.SUBJECT,
    stat_user_tables.SUBJECT,
    statio_user_tables.SUBJECT,
    bloat.SUBJECT,
    progress_vacuum.SUBJECT,
    partitions.SUBJECT,
    stat_user_indexes.SUBJECT,
    statio_user_indexes.SUBJECT,
    sequences.SUBJECT,
    bgwriter.SUBJECT,
    checkpointer.SUBJECT,
    wal.SUBJECT,
    archiver.SUBJECT,
    stat_io.SUBJECT,
    replication.SUBJECT,
    stat_replication.SUBJECT,
    replication_slots.SUBJECT,
    wal_receiver.SUBJECT,
    postmaster.SUBJECT,
    roles.SUBJECT,
)


class Reads:
    """A collector that yields what the session brought for a subject's tables."""

    def __init__(self, subject: Subject, session: Session) -> None:
        self.name = subject.name
        self.help = subject.help
        self.emits = subject.emits
        self._subject = subject
        self._session = session

    def collect(self) -> Iterator[Sample]:
        """The samples of all tables that answered; then the first error, if there was one."""
        first: Exception | None = None
        for table in self._subject.tables:
            try:
                yield from self._session.samples(table)
            except TargetError:
                raise
            except Exception as error:  # noqa: BLE001  # one table's error must not hide what the others brought
                first = first or error
        if first:
            raise first


def subjects(options: PostgresExporter) -> tuple[Subject, ...]:
    """Every subject that `site.yaml` switches on or leaves on, its own queries included; the parameters are not among them.

    Raises SettingsError for a collector that does not exist, and for a query that cannot be.
    """
    known = (*SUBJECTS, statements.subject(options.statements, texts=options.statement_texts))
    names = [parameters.SUBJECT.name, Up.name, *(subject.name for subject in known)]
    for key in ("disabled_collectors", "enabled_collectors"):
        if unknown := sorted(set(getattr(options, key)) - set(names)):
            raise SettingsError(
                "site.yaml", f"exporters.postgres.{key}: unknown collector {unknown[0]!r}", f"known are {', '.join(names)}"
            )
    off, on = set(options.disabled_collectors), set(options.enabled_collectors)
    chosen = [subject for subject in known if subject.name not in off and (subject.default or subject.name in on)]
    taken = set(names)
    if options.queries:
        from metrics import catalog  # noqa: PLC0415  # all declarations: memory that only a site with queries should pay

        taken |= {metric.name for metric in catalog.all_metrics()}
    return (*chosen, *queries.subjects(options.queries, taken))


def domains(site: Site, _options: argparse.Namespace) -> tuple[Domain, ...]:
    """A domain for each server that the site names; else the appliance's own one.

    Raises SettingsError for settings that it could not start with.
    """
    wanted = subjects(site.exporters.postgres)
    targets = site.exporters.postgres.targets or [own(site)]
    return tuple(_domain(target, site, wanted) for target in targets)


def own(site: Site) -> PostgresTarget:
    """The appliance's own PostgreSQL, which is watched where the site names no other server."""
    dsn = f"host={site.host_of(site.ports.postgres)} port={site.ports.postgres} user={EXPORTER_USER} dbname={DATABASE_USER}"
    password = Paths.from_environment().exporter_password
    return PostgresTarget(name="watchfloor", dsn=dsn, password_file=str(password.absolute()))


def _domain(target: PostgresTarget, site: Site, wanted: tuple[Subject, ...]) -> Domain:
    options = site.exporters.postgres
    with_parameters = parameters.SUBJECT.name not in options.disabled_collectors
    asked = (*wanted, parameters.SUBJECT) if with_parameters else wanted
    timeout = seconds(options.statement_timeout)
    session = Session(target.name, _conninfo(target), asked, timeout, site.profile.factor)
    collectors: list[Collector] = [Up(session), *(Reads(subject, session) for subject in wanted)]
    if with_parameters:
        collectors.append(parameters.Settings(session))
    return Domain(
        DOMAIN, "exporter-postgres", tuple(collectors), m.COLLECTOR_SUCCESS, m.COLLECTOR_DURATION,
        target=target.name, prepare=session.prepare, close=session.close,
    )  # fmt: skip


def _conninfo(target: PostgresTarget) -> Callable[[], str]:
    """Where the server is and as whom to ask it, read anew for each connection, so that a changed password counts.

    Raises SettingsError at once for a DSN that is none.
    """
    try:
        given = conninfo_to_dict(target.dsn)
    except ProgrammingError as error:
        raise SettingsError(
            "site.yaml", f"exporters.postgres.targets: {target.name}: dsn: {error}", "as libpq takes it"
        ) from error

    def made() -> str:
        secret = {}
        if target.password_file:
            try:
                secret["password"] = read_secret(Path(target.password_file), "password_file")
            except SettingsError as error:
                raise TargetError("settings", str(error)) from error
        fixed = {"application_name": "watchfloor-exporter", "client_encoding": "SQL_ASCII", "keepalives_idle": "30"}
        return make_conninfo(**{"dbname": "postgres"} | given | fixed | secret)  # type: ignore[arg-type]  # texts are what it takes

    return made
