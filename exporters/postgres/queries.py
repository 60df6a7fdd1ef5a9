"""Queries of the site's own: each becomes a collector, its columns become labels and metrics. Checked before anything runs."""

from __future__ import annotations

import re

from exporters.postgres.table import Subject, Table, Value
from metrics.model import Counter, Gauge, Metric
from settings import SettingsError
from settings.exporters import Query

_READS = re.compile(r"\s*(?:select|with|values|table)\b", re.IGNORECASE)


def subjects(queries: list[Query], taken: set[str], where: str = "site.yaml") -> tuple[Subject, ...]:
    """A subject for each query; `taken` are the names of collectors and metrics that exist.

    Raises SettingsError for a statement that does not read, for a query without a value, and for a name that is taken. What the
    server thinks of the statement shows at the first scrape: it runs read-only, by a role that may read only.
    """
    made = []
    for index, query in enumerate(queries):
        key = f"exporters.postgres.queries[{index}]"
        if not _READS.match(query.sql) or ";" in query.sql.rstrip().rstrip(";"):
            raise SettingsError(
                where, f"{key}.sql: is not one statement that reads", "begin it with SELECT, WITH, VALUES or TABLE"
            )
        labels = tuple(name for name, column in query.columns.items() if column.kind == "label")
        values = [(name, column) for name, column in query.columns.items() if column.kind != "label"]
        if not values:
            raise SettingsError(where, f"{key}.columns: hold no value", "give one of them the kind gauge or counter")
        metrics: list[Metric] = [
            (Counter if column.kind == "counter" else Gauge)(f"{query.name}_{name}", column.help, labels=labels)
            for name, column in values
        ]
        for name in (query.name, *(metric.name for metric in metrics)):
            if name in taken:
                raise SettingsError(where, f"{key}.name: {name!r} is taken", "give the query another name")
            taken.add(name)
        columns = tuple(Value(metric, _quoted(name)) for metric, (name, _) in zip(metrics, values, strict=True))
        source = f"FROM ({query.sql.rstrip().rstrip(';')}\n) AS query"
        table = Table(columns, source, tuple(map(_quoted, labels)), every=query.every_seconds)
        made.append(Subject(query.name, query.help or f"The site's query {query.name}.", (table,)))
    return tuple(made)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
