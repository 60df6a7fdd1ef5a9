"""Faults of the stream's clients, the data store's operators and the appliance's own files."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import yaml
from psycopg import sql

from tests.appliance import Appliance
from tests.drills.database_faults import superuser
from tests.drills.faults import Fault
from tests.waiting import until


def refuse_rows(table: str) -> Fault:
    """An operator adds a constraint that the rows of a table do not hold."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        name = sql.Identifier(table)
        with superuser(appliance) as connection:
            connection.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT drill CHECK (timestamp < '2000-01-01') NOT VALID").format(name)
            )
        try:
            yield
        finally:
            with superuser(appliance) as connection:
                connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT drill").format(name))

    return fault


def take_partitions_names(table: str) -> Fault:
    """Somebody has dropped the partitions to come, and made tables of his own under their names."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with superuser(appliance) as connection:
            with connection.transaction():
                rows = connection.execute(
                    "SELECT relid::regclass::text FROM pg_partition_tree(%s) WHERE isleaf AND relid::text ~ '_[0-9]+$'"
                    " ORDER BY relid::text",
                    (table,),
                ).fetchall()
                taken = [str(row[0]) for row in rows[1:]]
                for name in taken:
                    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
                    connection.execute(sql.SQL("CREATE TABLE {} (id int)").format(sql.Identifier(name)))
            try:
                yield
            finally:
                for name in taken:
                    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))

    return fault


def make_tables(count: int) -> Fault:
    """A program makes a table for each of its customers."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with superuser(appliance) as connection:
            connection.execute("DROP SCHEMA IF EXISTS drill CASCADE")
            connection.execute("CREATE SCHEMA drill")
            made = "DO $$ BEGIN FOR n IN 1..{} LOOP EXECUTE 'CREATE TABLE drill.customer_' || n || ' (id int)'; END LOOP; END $$"
            connection.execute(sql.SQL(made).format(sql.Literal(count)))
            try:
                yield
            finally:
                connection.execute("DROP SCHEMA drill CASCADE")

    return fault


def edit_configuration(old: str, new: str) -> Fault:
    """Somebody edits Prometheus's configuration on the machine, and has it read again."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        file = appliance.paths.rendered / "prometheus.yml"
        before = file.read_text(encoding="utf-8")
        assert old in before
        _put(appliance, file, before.replace(old, new))
        try:
            yield
        finally:
            _put(appliance, file, before)

    return fault


def scrape_seldom(interval: str) -> Fault:
    """Somebody spares the machine, and has every target asked so seldom that Prometheus has none between two scrapes."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        before = appliance.site_file.read_text(encoding="utf-8")
        known = yaml.safe_load(before).get("prometheus", {})
        appliance.change(prometheus={**known, "scrape_interval": interval})
        applied = threading.Thread(target=appliance.up, daemon=True)  # Prometheus reads it long before services have started anew
        applied.start()
        try:
            yield
        finally:
            applied.join()
            appliance.site_file.write_text(before, encoding="utf-8")
            appliance.up()

    return fault


def _put(appliance: Appliance, file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    since = appliance.value("prometheus_config_last_reload_success_timestamp_seconds")
    os.kill(appliance.process("prometheus").pid, signal.SIGHUP)
    read = "prometheus_config_last_reload_successful == 0 or prometheus_config_last_reload_success_timestamp_seconds > {}"
    until("Prometheus has read it", lambda: appliance.query(read.format(since or 0)), 30)
