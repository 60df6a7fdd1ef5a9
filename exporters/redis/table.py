"""Collectors whose samples are fields of INFO, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from exporters.redis.session import Session
from metrics.model import Metric, Sample

# A metric by the field that it is; with a factor where INFO has another unit.
Table: TypeAlias = Mapping[str, "Metric | tuple[Metric, float]"]


@dataclass(frozen=True)
class Fields:
    """A collector that yields a sample for each field of its table that INFO has."""

    name: str
    help: str
    table: Table
    session: Session

    @property
    def emits(self) -> tuple[Metric, ...]:
        """Every metric that it may yield, whatever the version."""
        return tuple(entry[0] if isinstance(entry, tuple) else entry for entry in self.table.values())

    def collect(self) -> Iterator[Sample]:
        """The fields that are there."""
        info = self.session.info
        for field, entry in self.table.items():
            value = info.number(field)
            if value is None:
                continue
            if isinstance(entry, tuple):
                yield entry[0], (), value * entry[1]
            else:
                yield entry, (), value
