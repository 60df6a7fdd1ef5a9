"""Our PostgreSQL exporter beside postgres_exporter: what may differ, each with its reason."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metrics import postgres as declared
from tests.exporters.postgres.exporter import exporter, target
from tests.exporters.servers import POSTGRES_EXPORTER, Server, their_postgres
from tests.live.compat.peer import Peer
from tests.postgres import Bare

MISSING = {
    "pg_exporter_(scrapes_total|user_queries_load_error)": "tells of postgres_exporter itself",
    "pg_stat_database_(active|idle_in_transaction|session)_time": "of releases before 0.12; today `…_active_time_seconds_total`",
    "pg_stat_database_checksum_.*": "only in releases before 0.12; what of it is found is told where checksums are on",
    "pg_stat_replication_reply_time": "gone from newer releases; it never told a number",
}

# Of the releases that Debian 12 and 13 have; what 0.20 calls them, ours does too.
RENAMED = {
    f"pg_replication_slot_{name}": f"pg_replication_slots_{name}"
    for name in ("slot_current_wal_lsn", "slot_confirmed_flush_lsn", "slot_is_active", "safe_wal_size_bytes", "wal_status")
}

RESTLESS = {
    "pg_exporter_.*": "each one's own",
    "pg_scrape_collector_(duration_seconds|success)": "each one's own",
    "pg_settings_(default_)?transaction_read_only": "as the role has it that asks: ours is read-only",
    "pg_settings_extra_float_digits": "theirs sets it for its connection",
    "pg_stat_activity_(count|max_tx_duration)": "by what each connection waits for at that moment",
    "pg_stat_database_stats_reset": "releases before 0.12 have NaN for never",
    "pg_stat_replication_.*": "releases before 0.20 have the process in the place of the slot",
}

# What panels and alerts ask of PostgreSQL and no release of postgres_exporter that Debian has tells by default or by a switch.
UNTOLD = {
    "pg_stat_activity_oldest_.*": "ages of transactions and queries by database: no collector of theirs has them",
    "pg_(locks_(waiting|oldest_wait_seconds)|blocked_seconds)": "locks that are waited for, and who waits for whom: ours alone",
    "pg_stat_database_.*_total": "names of later releases",
    "pg_(stat_user_indexes|indexes)_.*": "sizes, scans and uselessness of indexes: ours alone",
    "pg_table_bloat_bytes": "bloat: ours alone",
    "pg_partitions_.*": "partitions: ours alone",
    "pg_sequence_used_ratio": "sequences near their end: ours alone",
    "pg_prepared_xacts.*": "prepared transactions: ours alone",
    "pg_stat_io_.*": "reads and writes by process: no collector of theirs has them",
    "pg_wal_position_bytes_total": "WAL written: ours alone",
    "pg_settings_pending_restart": "since the releases after 0.20",
    "pg_stat_user_tables_(index_size|table_size)_bytes": "parts of a table's size, in later releases",
    "pg_replication_slots_.*": "called pg_replication_slot_… before 0.20",
    "pg_stat_replication_.*": "by process instead of slot before 0.20",
}
_SINCE = "Debian 12's 0.11 has no such collector, Debian 13's 0.17 has"
LATER = dict.fromkeys(
    (
        "pg_database_wraparound_.*", "pg_stat_user_tables_.*", "pg_statio_user_tables_.*", "pg_wal_(size_bytes|segments)",
        "pg_replication_.*", "pg_postmaster_.*", "pg_long_running_.*", "pg_roles_.*", "pg_stat_statements_.*",
    ),
    _SINCE,
)  # fmt: skip


@contextmanager
def pair() -> Iterator[tuple[Server, Server]]:
    """Both ask one server with a few tables, a standby and a slot, over 127.0.0.1."""
    with tempfile.TemporaryDirectory() as folder, Bare() as server:
        with server.admin("shop") as admin:
            admin.execute("CREATE TABLE orders (id serial PRIMARY KEY, note text)")
            admin.execute("CREATE TABLE customers (name text)")
            admin.execute("INSERT INTO orders (note) SELECT 'x' FROM generate_series(1, 5000)")
            admin.execute("VACUUM (ANALYZE) orders")
            admin.execute("SELECT pg_create_physical_replication_slot('spare', true)")
        asked = target(server, Path(folder))
        with (
            server.standby(),
            exporter(Path(folder), [asked]) as left,
            their_postgres(server.url("shop")) as right,
        ):
            yield left, right


PEER = Peer(
    name="postgres_exporter",
    program=POSTGRES_EXPORTER,
    command="prometheus-postgres-exporter",
    prefix="pg_",
    metrics=declared.METRICS,
    pair=pair,
    missing=MISSING,
    uncompared=RESTLESS,
    renamed=RENAMED,
    old_labels=frozenset({"server"}),
    elsewhere={"datid=0": "shared objects, in releases before 0.12"},
    slack={"pg_settings_.*": 0.0, "pg_(up|static|roles_.*)": 0.0},
    notes=(
        "The label `server` is gone from newer releases, and from ours: `instance` tells the server.",
        "Sizes are up to 30 s old, parameters 60 s; upstream asks at each scrape.",
    ),
    untold=UNTOLD,
    later=LATER,
    older=(0, 13),
)
