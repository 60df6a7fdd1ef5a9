"""Predictions that wait for their outcome, those that wait for too long, and when the newest was made."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.model_quality.reading import Reader
from metrics import model_quality as m
from metrics.analysis import MODELS
from metrics.model import Sample

_QUERY = """
SELECT model, count(*) AS waiting, max(made_at) AS newest, count(*) FILTER (WHERE due_at < now() - interval '1 minute') AS overdue
FROM ai_predictions WHERE scored_at IS NULL GROUP BY model"""


class Backlog:
    """Backlog."""

    name = "backlog"
    help = "Predictions that wait for their outcome."
    emits = (m.WAITING, m.OVERDUE, m.NEWEST)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def collect(self) -> Iterator[Sample]:
        """Counts."""
        found = {row["model"]: row for row in self._reader.rows(_QUERY, {})}
        for model in {*MODELS, *found}:
            row = found.get(model, {"waiting": 0, "overdue": 0})
            yield m.WAITING.sample(row["waiting"], model)
            yield m.OVERDUE.sample(row["overdue"], model)
            if model in found:
                yield m.NEWEST.sample(row["newest"].timestamp(), model)
