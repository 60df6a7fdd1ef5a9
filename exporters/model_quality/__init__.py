"""The exporter of how good the models are: it reads what they stated and what happened, and knows nothing of how they work."""

from __future__ import annotations

import argparse

from exporters.base import Collector, Domain
from exporters.model_quality.backlog import Backlog
from exporters.model_quality.feed import Feed
from exporters.model_quality.outputs import Drift, Outputs
from exporters.model_quality.reading import NAME, Reader, conninfo
from exporters.model_quality.scores import Scores
from exporters.model_quality.up import Up
from exporters.model_quality.versions import Versions
from metrics.durations import seconds
from settings import Paths, Site


def collectors(reader: Reader, window: float, least: int) -> tuple[Collector, ...]:
    """Every collector, in the order of the exposition; `window` in seconds, `least` outcomes without which no share is told."""
    return of_feed(Feed(reader, window), reader, least)


def of_feed(feed: Feed, reader: Reader, least: int) -> tuple[Collector, ...]:
    """The same of a feed."""
    return (Scores(feed, least), Versions(feed, least), Outputs(feed), Drift(feed), Backlog(reader), Up(reader))


def domains(site: Site, options: argparse.Namespace) -> tuple[Domain, ...]:  # noqa: ARG001  # no option concerns it
    """The domain, whose one target is the site's data store. Raises SettingsError for a file that cannot be used."""
    reader = Reader(conninfo(site, Paths.from_environment()))
    wanted = site.exporters.model_quality
    feed = Feed(reader, seconds(site.scaled(wanted.window)))
    made = of_feed(feed, reader, wanted.outcomes)
    return (Domain(NAME, "exporter-model_quality", made, prepare=feed.prepare, close=reader.close),)
