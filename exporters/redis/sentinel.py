"""Sentinel: the primaries that it watches, and whether a failover could be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exporters.redis import info
from exporters.redis.causes import ServerError
from exporters.redis.resp import Answer
from exporters.redis.session import Asking, Server, Session
from exporters.redis.wire import Command
from metrics.model import Sample
from metrics.redis import replication as m

_OWN = {
    "sentinel_masters": m.MASTERS,
    "sentinel_tilt": m.TILT,
    "sentinel_running_scripts": m.RUNNING_SCRIPTS,
    "sentinel_scripts_queue_length": m.QUEUED_SCRIPTS,
    "sentinel_simulate_failure_flags": m.SIMULATED,
}
_SETTINGS = {
    "quorum": (m.QUORUM, 1.0),
    "failover-timeout": (m.FAILOVER_TIMEOUT, 1.0),
    "parallel-syncs": (m.PARALLEL_SYNCS, 1.0),
    "down-after-milliseconds": (m.DOWN_AFTER, 1.0),
    "config-epoch": (m.CONFIG_EPOCH, 1.0),
    "last-ok-ping-reply": (m.LAST_PING, 0.001),
}
_DOWN = ("o_down", "s_down")


class Sentinel:
    """A Sentinel's view of what it watches."""

    name = "sentinel"
    help = "The primaries that a Sentinel watches, their replicas and Sentinels, and whether a failover could be."
    emits = (
        *_OWN.values(), *(metric for metric, _ in _SETTINGS.values()), m.MASTER_STATUS, m.MASTER_REPLICAS, m.MASTER_SENTINELS,
        m.OK_REPLICAS, m.OK_SENTINELS, m.QUORUM_OK,
    )  # fmt: skip

    def __init__(self, session: Session) -> None:
        self._session = session
        self._samples: list[Sample] = []

    def ask(self, server: Server) -> Asking:
        """The primaries; then of each its quorum, its Sentinels and replicas."""
        self._samples = []
        if not server.sentinel:
            return
        (answer,) = yield (("SENTINEL", "MASTERS"),)
        if isinstance(answer, ServerError):
            raise answer
        primaries = [_mapping(row) for row in answer]
        kinds = ("CKQUORUM", "SENTINELS", "REPLICAS")
        asked: list[Command] = [("SENTINEL", kind, row.get("name", "")) for row in primaries for kind in kinds]
        answers = (yield asked) if asked else []
        for index, row in enumerate(primaries):
            self._samples += _told(row, *answers[3 * index : 3 * index + 3])

    def collect(self) -> Iterator[Sample]:
        """What INFO says of the Sentinel and of each primary, and what was asked."""
        found = self._session.info
        for name, metric in _OWN.items():
            value = found.number(name)
            if value is not None:
                yield metric.sample(value)
        if b"Sentinel" in found.sections:
            yield from _watched(found.sections[b"Sentinel"])
        self._session.check(self.name)
        yield from self._samples


def _watched(body: bytes) -> Iterator[Sample]:
    for line in body.decode("utf-8", "backslashreplace").split("\r\n"):
        name, _, text = line.partition(":")
        if not (name.startswith("master") and name[6:].isdecimal()):
            continue
        found = info.pairs(text)
        labels = (found.get("name", ""), found.get("address", ""))
        yield m.MASTER_STATUS.sample(int(found.get("status") == "ok"), *labels, found.get("status", ""))
        yield m.MASTER_REPLICAS.sample(int(found.get("slaves", 0)), *labels)
        yield m.MASTER_SENTINELS.sample(int(found.get("sentinels", 0)), *labels)


def _told(row: Mapping[str, str], quorum: Answer, sentinels: Answer, replicas: Answer) -> Iterator[Sample]:
    name = row.get("name", "")
    labels = (name, f"{row.get('ip', '')}:{row.get('port', '')}")
    yield m.QUORUM_OK.sample(int(not isinstance(quorum, ServerError)), name, str(quorum))
    for field, (metric, factor) in _SETTINGS.items():
        value = info.number(row.get(field, ""))
        if value is not None:
            yield metric.sample(value * factor if factor != 1 else value, *labels)
    if not isinstance(sentinels, ServerError):
        yield m.OK_SENTINELS.sample(1 + _fine(sentinels), *labels)  # this one itself is not among them
    if not isinstance(replicas, ServerError):
        yield m.OK_REPLICAS.sample(_fine(replicas), *labels)


def _fine(rows: list[Answer]) -> int:
    return sum(not any(flag in _mapping(row).get("flags", "") for flag in _DOWN) for row in rows)


def _mapping(row: list[bytes]) -> dict[str, str]:
    words = [info.name_of(word) for word in row]
    return dict(zip(words[::2], words[1::2], strict=True))
