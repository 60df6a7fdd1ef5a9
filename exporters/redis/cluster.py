"""The cluster, as one of its nodes sees it."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.redis import info
from exporters.redis.causes import ServerError
from exporters.redis.session import Asking, Server, Session
from exporters.redis.table import Fields, Table
from metrics.model import Metric, Sample
from metrics.redis import replication as m

TABLE: Table = {"cluster_enabled": m.CLUSTER, "cluster_connections": m.CLUSTER_CONNECTIONS}
_ASKED = {
    "cluster_state": m.STATE,
    "cluster_slots_assigned": m.ASSIGNED,
    "cluster_slots_ok": m.SLOTS_OK,
    "cluster_slots_pfail": m.SLOTS_PFAIL,
    "cluster_slots_fail": m.SLOTS_FAIL,
    "cluster_known_nodes": m.NODES,
    "cluster_size": m.SIZE,
    "cluster_current_epoch": m.EPOCH,
    "cluster_my_epoch": m.MY_EPOCH,
    "cluster_stats_messages_sent": m.SENT,
    "cluster_stats_messages_received": m.RECEIVED,
}


class Cluster:
    """A node's view of its cluster."""

    name = "cluster"
    help = "State, slots, nodes and messages of the cluster, as the node sees it."
    emits: tuple[Metric, ...] = tuple(_ASKED.values())

    def __init__(self, session: Session) -> None:
        self._session = session
        self._fields = Fields(self.name, self.help, TABLE, session)
        self._state: dict[str, str] = {}
        self.emits = (*Cluster.emits, *self._fields.emits)

    def ask(self, server: Server) -> Asking:
        """CLUSTER INFO, of a node."""
        self._state = {}
        if server.cluster:
            (answer,) = yield (("CLUSTER", "INFO"),)
            if isinstance(answer, ServerError):
                raise answer
            self._state = info.parse(answer).fields

    def collect(self) -> Iterator[Sample]:
        """What INFO says; of a node, the cluster's state too."""
        yield from self._fields.collect()
        self._session.check(self.name)
        for name, metric in _ASKED.items():
            value = info.number(self._state.get(name, ""))
            if value is not None:
                yield metric.sample(value)
