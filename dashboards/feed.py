"""Feeds: whether the sources live, what they send gets through, and is kept."""

from __future__ import annotations

from dashboards import database, feed_detail, layout
from dashboards.layout import Cell, Dashboard, Row
from dashboards.panels import Panels, Query
from metrics import database as db
from metrics import feed, stream_signals
from metrics.model import Unit
from metrics.query import TARGET_LABELS
from metrics.stack import DASHBOARD_FEEDS
from settings import Site


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer the stream servers."""
    panels = Panels(site, scope=(*TARGET_LABELS, "source"))
    rows = [
        _fine(panels),
        feed_detail.sources(panels),
        feed_detail.freshness(panels),
        feed_detail.received(panels),
        feed_detail.reconnects(panels),
        Row("Persistence", [Cell(panel, width=12, height=7) for panel in database.writing(panels)[:4]]),
        feed_detail.processors(panels),
    ]
    return layout.dashboard(
        site,
        rows,
        uid=DASHBOARD_FEEDS,
        title="Feeds",
        description="Do the sources live, does what they send get through, and is it kept?",
        source=feed.SOURCE_INFO,
        domain={"source": feed.SOURCE_INFO},
    )


def _fine(panels: Panels) -> Row:
    lost = feed.BAD_MESSAGES.rate().sum() + feed.DROPPED.rate().sum()
    found = [
        panels.stat(
            "Stale or failed",
            "Sources that are silent for too long, and those that gave up. Normal: 0. The table Sources names them.",
            Query(feed.STALE.select().sum() + feed.SOURCE_STATE.select(state="failed").sum(), "sources"), unit=Unit.COUNT,
            worse_above=1, none="no stream server is scraped",
        ),
        panels.stat(
            "Items received",
            "Good items of all sources, a second. Normal: steady. 0: see Sources.",
            Query(feed.MESSAGES.rate().sum(), "items"), unit=Unit.PER_SECOND, none="no stream server is scraped",
        ),
        panels.stat(
            "Items dropped",
            "Bad items, and items that a processor dropped, a second. Normal: 0. Bad messages and Items dropped by processors "
            "tell why.",
            Query(lost, "items"), unit=Unit.PER_SECOND, worse_above=0.01, none="no stream server is scraped",
        ),
        panels.stat(
            "Oldest row waits",
            "How long the oldest row of the feed has waited on disk for the database. Normal: below a second. See Persistence.",
            Query(db.SPOOL_WAIT, "oldest"), none="no stream server is scraped",
        ),
        panels.stat(
            "Rows lost in 5 min",
            "Rows of the feed, within 5 min, that will not reach the database. Normal: 0. The row Persistence tells why.",
            Query(db.LOST.increase("5m").sum().apply("round"), "rows"), unit=Unit.COUNT, worse_above=1,
            none="no stream server is scraped",
        ),
        panels.stat(
            "Degraded",
            "Things of the stream server that do not work as they should though clients are served. Normal: 0. `/readyz` names "
            "them.",
            Query(stream_signals.DEGRADED, "things"), worse_above=1, none="no stream server is scraped",
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=4, height=4) for panel in found])
