"""Replication: the primary's replicas, or the replica's primary."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporters.redis.info import Info, pairs
from exporters.redis.session import Session
from exporters.redis.table import Fields, Table
from metrics.model import Metric, Sample
from metrics.redis import replication as m

TABLE: Table = {
    "connected_slaves": m.REPLICAS,
    "master_repl_offset": m.OFFSET,
    "second_repl_offset": m.SECOND_OFFSET,
    "repl_backlog_size": m.BACKLOG,
    "repl_backlog_active": m.BACKLOG_ACTIVE,
    "repl_backlog_first_byte_offset": m.BACKLOG_FIRST,
    "repl_backlog_histlen": m.BACKLOG_HISTORY,
    "sync_full": m.FULL_SYNCS,
    "sync_partial_ok": m.PARTIAL_SYNCS,
    "sync_partial_err": m.PARTIAL_DENIED,
    "slave_expires_tracked_keys": m.EXPIRES_TRACKED,
    "replicas_waiting_psync": m.WAITING_PSYNC,
    "slave_priority": m.PRIORITY,
}
_REPLICA = re.compile(r"slave\d+")


class Replication:
    """Primary or replica."""

    name = "replication"
    help = "Replicas with their offset and lag; the link to the primary; the backlog."
    emits: tuple[Metric, ...] = (m.REPLICA_OFFSET, m.REPLICA_LAG, m.LINK_UP, m.LAST_IO, m.SYNCING, m.REPLICA_AT, m.REPLICA)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._fields = Fields(self.name, self.help, TABLE, session)
        self.emits = (*Replication.emits, *self._fields.emits)

    def collect(self) -> Iterator[Sample]:
        """One server's side."""
        info = self._session.info
        yield from self._fields.collect()
        yield from _replicas(info)
        if info.fields.get("role") == "slave":
            yield from _as_replica(info)


def _replicas(info: Info) -> Iterator[Sample]:
    for name, text in info.fields.items():
        if name.startswith("slave") and _REPLICA.fullmatch(name):
            found = pairs(text)
            labels = (found.get("ip", ""), found.get("port", ""), found.get("state", ""))
            yield m.REPLICA_OFFSET.sample(int(found.get("offset", 0)), *labels)
            if "lag" in found:
                yield m.REPLICA_LAG.sample(int(found["lag"]), *labels)


def _as_replica(info: Info) -> Iterator[Sample]:
    fields = info.fields
    primary = (fields.get("master_host", ""), fields.get("master_port", ""))
    yield m.LINK_UP.sample(int(fields.get("master_link_status") == "up"), *primary)
    for name, metric in (
        ("master_last_io_seconds_ago", m.LAST_IO),
        ("master_sync_in_progress", m.SYNCING),
        ("slave_repl_offset", m.REPLICA_AT),
    ):
        value = info.number(name)
        if value is not None:
            yield metric.sample(value, *primary)
    yield m.REPLICA.sample(1, *primary, fields.get("slave_read_only", ""))
