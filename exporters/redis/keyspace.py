"""Keys of each database; a database that is empty has 0, so that it does not seem to vanish."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.redis import info
from exporters.redis.commands import Kept
from exporters.redis.session import Session
from metrics.model import Column, Sample
from metrics.redis import keys as m


class Keyspace:
    """Databases."""

    name = "keyspace"
    help = "Keys of each database, how many have a time to live, and how long that is."
    emits = (m.KEYS, m.EXPIRING, m.TTL, m.EXPIRING_ITEMS)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept = Kept()

    def collect(self) -> Iterator[Sample]:
        """Every database that the server allows."""
        found = self._session.info
        body = found.sections.get(b"Keyspace")
        if body is None:
            return  # a Sentinel has no data
        lines = (line.split(":", 1) for line in body.decode("ascii", "replace").split("\r\n"))
        known = {pair[0]: info.pairs(pair[1]) for pair in lines if len(pair) == 2}
        count = 1 if found.fields.get("cluster_enabled") == "1" else self._session.databases
        names = list(dict.fromkeys((*(f"db{index}" for index in range(count)), *known)))
        keys = self._kept.keys(names, lambda: [(name,) for name in names])
        rows = [known.get(name, {}) for name in names]
        yield m.KEYS, (), Column(keys, [info.number(row.get("keys", "0")) for row in rows])
        yield m.EXPIRING, (), Column(keys, [info.number(row.get("expires", "0")) for row in rows])
        for name, row in known.items():
            if (ttl := info.number(row.get("avg_ttl", ""))) is not None:
                yield m.TTL.sample(ttl / 1000, name)
            items = info.number(row.get("subexpiry", row.get("keys_with_volatile_items", "")))
            if items is not None:
                yield m.EXPIRING_ITEMS.sample(items, name)
