"""What a collector asks, as data: labels, values and where they come from, by version of the server. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from metrics.model import Metric

_LINES = "string_agg(coalesce({}, ''), chr(10))"
OLDEST, NEWEST = 130_000, 999_999  # server_version_num
HELPERS = "watchfloor_exporter"  # the schema of functions that tell the exporter's role what it may not see itself


@dataclass(frozen=True)
class Value:
    """One column: the metric that it becomes, and its SQL. In servers from `since` to below `until`."""

    metric: Metric
    sql: str
    since: int = OLDEST
    until: int = NEWEST


@dataclass(frozen=True, eq=False)
class Table:
    """One statement: SQL of the labels, in the order of the metrics' labels; of the values; and what follows them (`FROM …`).

    A value of NULL is a sample that is absent; a label of NULL is an empty one. No two rows may have the same labels.
    `every` is for how many seconds an answer serves, for what costs the server more than it changes. `extension` must be
    installed, else there are no rows; `{schema}` in `source` becomes its schema. Everything else is taken from pg_catalog.
    `helper` is a view, and the function of the schema HELPERS that stands for it where there is one (compose/roles.sql).
    `wide` is for thousands of rows whose values are integers and whose labels the catalog keeps apart: the server puts each
    column into one text (`rows.PackedShape` reads it), so that neither side makes an object for each value.
    """

    values: tuple[Value, ...]
    source: str
    labels: tuple[str, ...] = ()
    since: int = OLDEST
    until: int = NEWEST
    every: float = 0.0
    extension: str = ""
    helper: tuple[str, str] | None = None
    wide: bool = False

    def __post_init__(self) -> None:
        """Refuses a metric whose labels are not as many as the table's."""
        for value in self.values:
            if len(value.metric.labels) != len(self.labels):
                raise ValueError(f"{value.metric.name}: has {len(value.metric.labels)} labels, its table {len(self.labels)}")

    def metrics(self, version: int) -> tuple[Metric, ...]:
        """What its columns become on a server of that version (server_version_num)."""
        return tuple(value.metric for value in self._present(version))

    def sql(self, version: int, schema: str = "", there: Collection[str] = ()) -> str:
        """The statement for a server of that version; empty when it has no answer. `there`: its extensions and helpers."""
        present = self._present(version)
        if not present:
            return ""
        columns = (*self.labels, *(value.sql for value in present))
        source = self.source.replace("{schema}", schema)
        if self.helper and (name := f"{HELPERS}.{self.helper[1]}") in there:
            source = source.replace(f"FROM {self.helper[0]}", f"FROM {name}()")
        if not self.wide:
            return f"SELECT {', '.join(columns)} {source}"
        named = ", ".join(f"{sql} AS c{number}" for number, sql in enumerate(columns))
        labels = [_label(f"c{number}", label) for number, label in enumerate(self.labels)]
        values = [_LINES.format(f"c{number}::bigint::text") for number in range(len(self.labels), len(columns))]
        packed = ", ".join(labels + values)
        return f"SELECT count(*), {packed} FROM (SELECT {named} {source}) AS packed"  # noqa: S608  # of constants of this room

    def _present(self, version: int) -> list[Value]:
        if not self.since <= version < self.until:
            return []
        return [value for value in self.values if value.since <= version < value.until]


def _label(column: str, sql: str) -> str:
    """SQL of a label's texts, each in one line, its ends of lines as backslash and n; one line alone is for all rows."""
    # By chr(92), because a server may take a backslash in a literal for something else.
    text = f"replace(replace({column}::text, chr(92), chr(92) || chr(92)), chr(10), chr(92) || 'n')"
    return f"min({text})" if sql == "current_database()" else _LINES.format(text)


@dataclass(frozen=True)
class Subject:
    """What one collector reads: its name, as upstream's where it has one, its help, its tables."""

    name: str
    help: str
    tables: tuple[Table, ...]
    default: bool = True

    @property
    def emits(self) -> tuple[Metric, ...]:
        """Every metric that it may yield, whatever the version."""
        return tuple(dict.fromkeys(value.metric for table in self.tables for value in table.values))
