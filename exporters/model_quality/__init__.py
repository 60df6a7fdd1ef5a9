"""The exporter of how good the models are: it reads what they stated and what happened, and knows nothing of how they work."""

from __future__ import annotations

import argparse

from exporters.base import Collector, Domain
from exporters.model_quality.backlog import Backlog
from exporters.model_quality.reading import Reader, conninfo
from exporters.model_quality.scores import Scores
from metrics.durations import seconds
from settings import Paths, Site

NAME = "model_quality"


def collectors(reader: Reader, window: float, least: int) -> tuple[Collector, ...]:
    """Every collector, in the order of the exposition; `window` in seconds, `least` outcomes without which no share is told."""
    return (Scores(reader, window, least), Backlog(reader))


def domains(site: Site, options: argparse.Namespace) -> tuple[Domain, ...]:  # noqa: ARG001  # no option concerns it
    """The domain, whose one target is the site's data store. Raises SettingsError for a file that cannot be used."""
    reader = Reader(conninfo(site, Paths.from_environment()))
    wanted = site.exporters.model_quality
    made = collectors(reader, seconds(site.scaled(wanted.window)), wanted.outcomes)
    return (Domain(NAME, "exporter-model_quality", made, close=reader.close),)
