"""API: rate, errors and duration of the public port's requests, by route template (RED: how happy the users are)."""

from __future__ import annotations

from dashboards import layout
from dashboards.layout import Cell, Dashboard, Panel, Row
from dashboards.panels import MAX_SERIES, Panels, Query
from metrics import app, catalog, stream_signals
from metrics.model import Histogram, Unit
from metrics.query import TARGET_LABELS, Rate, Selector
from metrics.stack import DASHBOARD_API
from settings import Site

_ORIGINAL_WINDOW = "5m"  # of the rates that the original vocabulary's dashboard shows


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer the stream servers."""
    panels = Panels(site, scope=(*TARGET_LABELS, "route"))
    return layout.dashboard(
        site,
        [_fine(panels), _red(panels), _answers(panels), _connections(panels)],
        uid=DASHBOARD_API,
        title="API",
        description="Requests to the public port: how many, how many fail, how long they take, by route.",
        source=app.REQUESTS,
        domain={"route": app.REQUESTS},
    )


def requests(panels: Panels) -> list[Panel]:
    """The two panels of the original's System Overview, under its names."""
    rate = Rate("rate", Selector(catalog.find("app_request_count"), "app_request_count"), _ORIGINAL_WINDOW).sum(by=("route",))
    return [
        panels.timeseries(
            "Request Rate",
            "HTTP requests answered a second by route, over 5 min; a WebSocket counts when it ends. Normal: follows the day. "
            "A sudden fall: users do not get in, see From Outside. A jump on one route: a client asks in a loop.",
            Query(rate, "{{route}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Error Rate",
            "Requests answered with 5xx a second, over 5 min: own faults, and what is behind the API and does not answer. "
            "Normal: 0. Above the dashed line an alert fires.",
            Query(stream_signals.HTTP_ERROR_RATE, "errors"),
        ),
    ]  # fmt: skip


def _fine(panels: Panels) -> Row:
    # "1xx" are WebSockets; a failed share of nothing is nothing.
    answered = app.REQUESTS.rate(code="!=1xx").sum()
    found = [
        panels.stat(
            "Requests now",
            "HTTP requests answered a second. Normal: follows the users' day. 0 while users are awake: From Outside tells "
            "whether one can get in.",
            Query(answered, "requests"), unit=Unit.PER_SECOND, none="no stream server is scraped",
        ),
        panels.stat(
            "Errors", "Requests answered with 5xx a second, over 5 min. Normal: 0. The panel API errors by route tells where.",
            Query(stream_signals.HTTP_ERROR_RATE, "errors"),
        ),
        panels.stat(
            "Duration now, p95",
            "95 % of the requests take at most so long. Normal: below 10 ms. Above: Request Duration names the route.",
            Query(stream_signals.HTTP_P95, "p95"), none="nobody asks",
        ),
        panels.stat(
            "Refused share", "The share of answers that are 4xx. Normal: small. Much: a client asks wrongly, or too often.",
            Query(app.REQUESTS.rate(code="4xx").sum() / answered.compare(">", 0), "4xx"), unit=Unit.RATIO, none="nobody asks",
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=6, height=4) for panel in found])


def _red(panels: Panels) -> Row:
    duration = catalog.find("app_request_duration")
    assert isinstance(duration, Histogram)
    longest = panels.timeseries(
        "Request Duration",
        "How long 95 % of the requests take at most, by route, over 5 min. Normal: below 10 ms; /api/ai-analysis below 100 ms. "
        "No line where nobody asks.",
        Query(duration.quantile(0.95, by=("route",), window=_ORIGINAL_WINDOW), "{{route}}"),
        unit=Unit.SECONDS,
    )
    spread = panels.heatmap(
        "Request durations",
        "How many requests a second took how long, all routes. Normal: one bright band below 10 ms. A second band, which no "
        "percentile shows: some requests take another way, past the cache or into a lock.",
        duration, window=_ORIGINAL_WINDOW, none="nobody asks",
    )  # fmt: skip
    return Row("API (RED by route)", [Cell(panel, width=12) for panel in [*requests(panels), longest, spread]])


def _answers(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Requests by status",
            "Requests by class of status; 1xx are WebSockets. Normal: nearly all 2xx. 5xx should be 0; much 4xx: a client "
            "asks for what is not there.",
            Query(app.REQUESTS.rate().sum(by=("code",)), "{{code}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "API errors by route",
            "Requests answered with 5xx, by route. Normal: 0. `make logs s=stream` has own faults, with the request's id.",
            Query(app.ERRORS.rate().sum(by=("route",)).topk(MAX_SERIES), "{{route}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Refused by route",
            "Requests answered with 4xx, by route. Normal: near 0. `other` are paths that do not exist. 429 means more than "
            "stream.api allows.",
            Query(app.REQUESTS.rate(code="4xx").sum(by=("route",)).topk(MAX_SERIES), "{{route}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Mean duration",
            "The mean time of an answer by route. Normal: well below the p95; near it, everybody waits. Then look at Cache "
            "Performance and Database Performance, on which most answers stand.",
            Query(app.DURATION.mean(by=("route",)), "{{route}}"), unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return Row("Answers", [Cell(panel, width=12) for panel in found])


def _connections(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Connections to the public port",
            "Open connections, HTTP and WebSocket together. Normal: a little above Active Connections. Far above Active "
            "Connections: kept open by browsers, or slow-loris.",
            Query(app.ACTIVE_CONNECTIONS.select()), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Connections refused",
            "Connections refused before a request was complete, by reason. Normal: 0. `too-many-connections`: one address holds "
            "all that stream.limits allows.",
            Query(app.REFUSED.rate().sum(by=("reason",)), "{{reason}}"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Connections", [Cell(panel, width=12) for panel in found], folded=True)
