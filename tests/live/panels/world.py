"""The stack in which nothing is lacking: the appliance, servers beside it, clients, load; and the settings that faults need."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.appliance import Appliance, merged
from tests.drills import catalogue
from tests.live.busy import SETTINGS, busy
from tests.live.conftest import all_up
from tests.live.panels.faults import World
from tests.live.panels.servers import servers
from tests.waiting import free_ports, until

# What makes small faults show: a slow client soon told, a receiver that is away, metrics with more series than are let in.
_OWN: dict[str, Any] = {
    "stream": {
        "slow_seconds": 9.0,
        "sources": {"sentiment": {"mapping": {"ignore": ["heartbeat"]}}},
    },
    "database": {"maintain": "5s"},  # shorter than a fault lasts
    "exporters": {"series_limit": 100},
    "backup": {"every": "1d"},  # so that their age has a measure; none is due within a run
}


@contextmanager
def world() -> Iterator[World]:
    """Everything runs and is busy; the servers beside it are watched."""
    away = {"type": "webhook", "name": "away", "url": f"http://127.0.0.1:{free_ports(1)[0]}/"}
    settings = merged(merged(merged(catalogue.settings(), SETTINGS), _OWN), {"receivers": [away]})
    with tempfile.TemporaryDirectory(prefix="watchfloor-proof-") as name, Appliance(settings=settings) as appliance:
        folder = Path(name)
        folder.chmod(0o755)
        with servers(appliance, folder) as beside:
            targets = merged(settings["exporters"], beside.targets)
            appliance.change(exporters=targets, database=settings["database"] | {"replica_url_file": str(beside.replica)})
            appliance.up()
            until("every target has been scraped", lambda: all_up(appliance), 60)
            with busy(appliance):
                yield World(appliance, beside)
