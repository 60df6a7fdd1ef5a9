"""Where a test runs: a running appliance, as its settings and files tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from settings import Paths, Site
from tests.appliance import Appliance

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Place:
    """Settings and files of the appliance."""

    site: Site
    paths: Paths

    @classmethod
    def of(cls, appliance: Appliance) -> Place:
        """A running appliance."""
        return cls(appliance.site, appliance.paths)

    @property
    def stream(self) -> int:
        """The stream's public port."""
        return self.site.ports.stream

    @property
    def symbols(self) -> Sequence[str]:
        """What the stream tells of."""
        return self.site.stream.replay.symbols
