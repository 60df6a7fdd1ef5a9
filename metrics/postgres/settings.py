"""The server's parameters as gauges, under the names that postgres_exporter gives them: bool, integer and real ones.

Their names stand in `settings.csv`, one a line: those of PostgreSQL 13 to 18 and of pg_stat_statements. `READ` beside this holds
the few that panels and alerts use. A parameter of another extension is not told of.
"""

from __future__ import annotations

from pathlib import Path

from metrics.model import Gauge, Unit
from metrics.postgres import server

_UNITS = {"_seconds": Unit.SECONDS, "_bytes": Unit.BYTES}
READ = (server.MAX_CONNECTIONS, server.RESERVED_CONNECTIONS, server.FREEZE_MAX_AGE)


def _gauge(name: str) -> Gauge:
    unit = next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), Unit.NONE)
    parameter = name.removeprefix("pg_settings_")
    # Not every version has every parameter.
    return Gauge(name, f"Server parameter {parameter}.", unit, absent="this version of the server does not have it", compat=True)


_NAMES = (Path(__file__).parent / "settings.csv").read_text(encoding="ascii").split()
METRICS = tuple(_gauge(name) for name in _NAMES)
BY_NAME = {metric.name: metric for metric in (*READ, *METRICS)}
