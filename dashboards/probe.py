"""From Outside: the stream, its API and the edge as a client finds them; what the servers say of themselves is not asked."""

from __future__ import annotations

from dashboards import layout
from dashboards.layout import Cell, Dashboard, Row
from dashboards.panels import MAX_SERIES, Panels, Query, States
from metrics import probe as m
from metrics import prometheus
from metrics.model import Unit
from metrics.query import Binary, Function
from metrics.stack import DASHBOARD_PROBE, JOB_PROBE
from settings import Site

_WHERE = "{{instance}} {{endpoint}}"
_BY = ("instance", "endpoint")
_ROOM = ("instance", "room")


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer the targets."""
    panels = Panels(site)
    return layout.dashboard(
        site,
        [_fine(panels), _stream(panels), _loss(panels), _http(panels), _phases(panels)],
        uid=DASHBOARD_PROBE,
        title="From Outside",
        description="What a client finds: whether it gets in, how long each step takes, what reaches it, what is lost.",
        source=m.SUCCESS,
    )


def _fine(panels: Panels) -> Row:
    found = [
        panels.stat(
            "Probe", "Whether Prometheus reaches the probe itself. Normal: up. DOWN: `make logs s=exporter-probe`.",
            Query(prometheus.UP.select(job=JOB_PROBE).min(), "probe"), unit=Unit.BOOL, states=States(),
            none="no probe is scraped",
        ),
        panels.stat(
            "Stream",
            "Whether a client gets in and gets messages now, at every stream that is probed. Normal: up. DOWN: the panel "
            "Failures tells which, and why.",
            Query(m.STREAM_UP.expr.min(), "all"), unit=Unit.BOOL, states=States(), none="no stream is probed",
        ),
        panels.stat(
            "API and edge",
            "Whether every operation answered 200 in time. Normal: up. DOWN: the panels Answered and Failures tell which, "
            "and why.",
            Query(m.HTTP_UP.expr.min(), "all"), unit=Unit.BOOL, states=States(), none="no operation is probed",
        ),
        panels.stat(
            "Canary, p95", "From publishing to this client, for 95 % of the messages of 5 min. Normal: below 50 ms.",
            Query(m.CANARY_P95, "p95"), none="no canary has come",
        ),
        panels.stat(
            "Gaps, 10 min", "Losses that the client noticed. Normal: 0. See the row Loss.",
            Query(m.GAPS_SEEN.expr.sum(), "gaps"), unit=Unit.COUNT, worse_above=1, none="no stream is probed",
        ),
        panels.stat(
            "Certificate", "Time until the certificate that clients are shown expires. Normal: above 14 days.",
            Query(m.CERTIFICATE, "certificate"), none="no TLS",
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=4, height=5) for panel in found])


def _stream(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Canary Latency",
            "From the stamp of a message, one a second, to this client. Normal: mean below 10 ms, p95 below 50 ms. On two "
            "machines it holds the difference of their clocks too (ClockSkew).",
            Query(m.CANARY.quantile(0.5), "p50"), Query(m.CANARY.quantile(0.95), "p95"), Query(m.CANARY.mean(), "mean"),
            unit=Unit.SECONDS, signal=m.CANARY_P95,
        ),
        panels.heatmap(
            "Spread of canary latencies",
            "How many canaries took how long. Normal: one narrow band. A second one far above: some wait, for example for a "
            "collection of garbage.",
            m.CANARY,
        ),
        panels.timeseries(
            "Handshake and subscription",
            "How long a new client waits: until the server speaks WebSocket, and from `subscribe` to its acknowledgement. "
            "Normal: a few round trips. Grows when the event loop is late.",
            Query(m.HANDSHAKE.select().max(), "handshake"), Query(m.SUBSCRIPTION.select().max(), "subscription"),
            unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Messages received",
            "Data messages a second that reached the client, by room. Normal: `canary` 1, the others as their sources send. A "
            "room at 0: Feeds tells whether its source sends; if it does, Connection stands.",
            Query(m.MESSAGES.rate().sum(by=_ROOM), "{{instance}} {{room}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Age of the last message received",
            "Time since the last message of each room reached the client. Normal: about a second for canary and market-data, ten "
            "for sentiment-data. A ramp: the room is silent, or the client is cut off.",
            Query(Binary("-", Function("time", ()), m.LAST_MESSAGE.select().max(by=_ROOM)), "{{instance}} {{room}}"),
            unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return Row("Stream", [Cell(panel, width) for panel, width in zip(found, (8, 8, 8, 12, 12), strict=True)])


def _loss(panels: Panels) -> Row:
    by = ("instance", "reason")
    found = [
        panels.statetimeline(
            "Connection stands",
            "1 while the client's kept connection stands. Normal: 1. Dips: it was closed; Closes tells how.",
            Query(m.CONNECTED.select().min(by=("instance",)), "{{instance}}"),
            states=States("stands", "LOST"),
        ),
        panels.timeseries(
            "Closes seen",
            "Ends of the kept connection within 5 min, by close code. Normal: none. 1001: a restart in good order; 1006: a "
            "crash.",
            Query(m.CLOSES.increase("5m").sum(by=("instance", "code")), "{{instance}} {{code}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Gaps noticed",
            "Losses within 10 min by reason. Normal: 0. `hole`: the server told nothing, which is a defect; `epoch`: numbering "
            "began anew; `history`: away too long; `conflated`: the probe read too slowly; `dropped`: the server lost them.",
            Query(m.GAPS.increase("10m").sum(by=by), "{{instance}} {{reason}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Messages missed and repeated",
            "Numbers within gaps, and messages that came twice, within 10 min. Normal: 0; after a reconnection some may "
            "repeat. Missed ones: Gaps noticed tells why.",
            Query(m.MISSED.increase("10m").sum(), "missed"), Query(m.REPEATED.increase("10m").sum(), "repeated"),
            unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return Row("Loss", [Cell(panel, width=6) for panel in found])


def _http(panels: Panels) -> Row:
    found = [
        panels.statetimeline(
            "Answered",
            "1 where the last try ended as it should. Normal: 1 everywhere. NO: Failures names the cause; `make logs "
            "s=exporter-probe` has the words.",
            Query(m.SUCCESS.select().min(by=_BY), _WHERE),
            states=States("answered", "NO"),
        ),
        panels.timeseries(
            "Failures",
            "Failed tries within 5 min, by endpoint and cause. Normal: 0. `refused`: not running; `timeout`, `stale`: it hangs; "
            "`status`: see Status; `auth`: the token; `expired`, `certificate`: TLS.",
            Query(
                m.FAILURES.increase("5m").sum(by=(*_BY, "cause")).compare(">", 0).topk(MAX_SERIES), f"{_WHERE} {{{{cause}}}}"
            ),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Duration of tries",
            "How long the last try took, whatever came of it. Normal: below 100 ms. At the timeout (5 s): nothing came.",
            Query(m.DURATION.select().max(by=_BY), _WHERE), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Status", "Status of the last answer. Normal: 200, for a WebSocket 101. 503: a part behind it is away; 0: no answer.",
            Query(m.STATUS.select().max(by=_BY), _WHERE), unit=Unit.NONE,
        ),
    ]  # fmt: skip
    return Row("Tries", [Cell(panel, width=6) for panel in found], folded=True)


def _phases(panels: Panels) -> Row:
    longest = m.PHASE.select().max(by=("instance", "phase"))
    found = [
        panels.timeseries(
            "Phases, the slowest endpoint",
            "Name, connection, TLS, up to the first byte, up to the last; of the endpoint that took longest. Normal: a few "
            "milliseconds each. `connect` grows with the network, `processing` with the server.",
            Query(longest, "{{instance}} {{phase}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "First byte by endpoint",
            "From the request to the answer's first byte. Normal: below 10 ms; ai-analysis below 100 ms. Longer: Request "
            "Duration of the dashboard API tells whether the server or the way to it is slow.",
            Query(m.PHASE.select(phase="processing").max(by=_BY), _WHERE), unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return Row("Where the time goes", [Cell(panel, width=12) for panel in found])
