"""The server's parameters: bool, integer and real ones, in seconds and bytes, and those that wait for a restart."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.postgres.session import Session
from exporters.postgres.table import Subject, Table, Value
from metrics.model import Column, Gauge, Sample
from metrics.postgres import server as m
from metrics.postgres.settings import BY_NAME

_SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86_400}
_BYTES = {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_LISTED = ", ".join(f"'{unit}'" for unit in _SECONDS)
# Units are such as ms, kB, 8kB, 16MB; -1 is no amount but a word.
_FACTOR = (
    "coalesce(substring(unit FROM '^[0-9]+')::float8, 1) * CASE ltrim(unit, '0123456789') "
    + " ".join(f"WHEN '{unit}' THEN {factor}" for unit, factor in (_SECONDS | _BYTES).items())
    + " ELSE 1 END"
)
_NAME = (
    "'pg_settings_' || translate(name, '.-', '__')"
    f" || CASE WHEN unit IN ({_LISTED}) THEN '_seconds' WHEN unit IS NULL THEN '' ELSE '_bytes' END"
)
# The rows of this table are metrics of their own: it stands for all of them.
_ANY = Gauge("pg_settings", "A parameter.", labels=("name",))
# What this connection sets for itself is not the server's: reset_val is.
_SETTINGS = (
    "FROM (SELECT name, unit, vartype, CASE source WHEN 'session' THEN reset_val ELSE setting END AS setting"
    " FROM pg_settings) AS s"
)
PARAMETERS = Table(
    (
        Value(
            _ANY,
            "CASE WHEN vartype = 'bool' THEN (setting = 'on')::int WHEN setting = '-1' THEN -1"
            f" ELSE setting::float8 * {_FACTOR} END",
        ),
    ),
    f"{_SETTINGS} WHERE vartype IN ('bool', 'integer', 'real') AND setting ~ '^(on|off|-?[0-9.]+(e-?[0-9]+)?)$' ORDER BY name",
    (_NAME,),
    every=60,
)
PENDING = Table((Value(m.PENDING_RESTART, "1"),), "FROM pg_settings WHERE pending_restart ORDER BY name", ("name",))
SUBJECT = Subject("settings", "The server's parameters, and those that wait for a restart.", (PARAMETERS, PENDING))


class Settings:
    """Parameters, each under its own name."""

    name = SUBJECT.name
    help = SUBJECT.help
    emits = (*BY_NAME.values(), m.PENDING_RESTART)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._column: Column | None = None
        self._samples: list[Sample] = []

    def collect(self) -> Iterator[Sample]:
        """A gauge for each parameter that is declared."""
        for _, _, column in self._session.samples(PARAMETERS):
            assert isinstance(column, Column)
            if column is not self._column:
                found = zip(column.keys.rows, column.unpacked(), strict=True)
                self._samples = [
                    (BY_NAME[name], (), float(value)) for (name,), value in found if name in BY_NAME and value is not None
                ]
                self._column = column
        yield from self._samples
        yield from self._session.samples(PENDING)
