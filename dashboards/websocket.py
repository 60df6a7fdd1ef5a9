"""WebSocket Performance: are the stream's clients served, fast and without loss? Fan-out, process and bus stand below."""

from __future__ import annotations

from dashboards import layout, websocket_bus, websocket_detail
from dashboards.layout import Cell, Dashboard, Panel, Row
from dashboards.panels import MAX_SERIES, Panels, Query, States
from metrics import app, catalog, feed, prometheus, stream_signals
from metrics import websocket as ws
from metrics.model import Unit
from metrics.query import TARGET_LABELS, Rate, Selector
from metrics.stack import DASHBOARD_WEBSOCKET, JOB_STREAM
from settings import Site

_ORIGINAL_WINDOW = "5m"  # of the rates that the original vocabulary's dashboard shows


def dashboard(site: Site) -> Dashboard:
    """The dashboard; its variables offer the stream servers."""
    panels = Panels(site, scope=(*TARGET_LABELS, "room"))
    rows = [
        _fine(panels),
        _clients(panels),
        _latency(panels),
        _loss(panels),
        _errors(panels),
        *websocket_detail.rows(panels),
        websocket_bus.row(panels),
    ]
    return layout.dashboard(
        site,
        rows,
        uid=DASHBOARD_WEBSOCKET,
        title="WebSocket Performance",
        description="Are the stream's clients served, fast and without loss? Its sources have the dashboard Feeds.",
        source=ws.CONNECTIONS,
        domain={"room": ws.BROADCASTS},
    )


def workload(panels: Panels) -> list[Panel]:
    """Connections, messages and the feed's age: the three that the Overview shows too."""
    age = panels.timeseries(
        "Age of the last message",
        "Time since each source's last good message. Normal: below a second for market, seconds for the others. A ramp: the "
        "source is silent; see the table Sources of Feeds.",
        Query(stream_signals.MESSAGE_AGE, "{{source}}"),
    )
    return [*_traffic(panels)[:2], age]


def _traffic(panels: Panels) -> list[Panel]:
    """The original's three panels, under its names."""
    return [
        panels.timeseries(
            "Active Connections",
            "WebSocket connections that are open. Normal: follows the users' day. A sudden drop: network, entrance or a bad "
            "release; a line that only rises: clients leak connections.",
            Query(ws.CONNECTION_COUNT),
        ),
        panels.timeseries(
            "Message Rate",
            "WebSocket messages a second by direction, over 5 min. Normal: out follows connections times broadcasts; in stays "
            "low. Out near 0 with clients connected: the feed is silent, see Feeds. In high: a client asks in a loop.",
            Query(_original("ws_message_count").sum(by=("direction",)), "{{direction}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Broadcast Rate",
            "Messages published a second by room, over 5 min. Normal: steady; `canary` is 1. A room at 0: its source is silent.",
            Query(_original("ws_broadcast_count").sum(by=("room",)), "{{room}}"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip


def _original(name: str) -> Rate:
    return Rate("rate", Selector(catalog.find(name), name), _ORIGINAL_WINDOW)


def _fine(panels: Panels) -> Row:
    found = [
        panels.stat(
            "Stream server",
            "Whether Prometheus reaches the server. Normal: up. DOWN: `make status`, then `make logs s=stream`.",
            Query(prometheus.UP.select(job=JOB_STREAM).min(), "stream"), unit=Unit.BOOL, states=States(),
            none="no stream server is scraped",
        ),
        panels.stat(
            "Messages refused",
            "Messages of clients that the server refused, a second. Normal: 0. The panel Errors by code tells why.",
            Query(stream_signals.WS_ERROR_RATE, "refused"),
        ),
        panels.stat(
            "Delivery now, p99",
            "From publishing a message to its last connection's write. Normal: below 50 ms. See the row Latency.",
            Query(stream_signals.DELIVERY_P99, "p99"), none="no client listens",
        ),
        panels.stat(
            "Sources stale or failed",
            "Sources that are silent for too long, and those that gave up. Normal: 0. The table Sources of Feeds names them.",
            Query(feed.STALE.select().sum() + feed.SOURCE_STATE.select(state="failed").sum(), "sources"), unit=Unit.COUNT,
            worse_above=1,
        ),
    ]  # fmt: skip
    return Row("Is it fine?", [Cell(panel, width=6, height=4) for panel in found])


def _clients(panels: Panels) -> Row:
    return Row("Clients", [Cell(panel, width=8) for panel in _traffic(panels)])


def _latency(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Publish to socket",
            "From publishing a message to its last connection's write. Normal: mean below 10 ms, p99 below the dashed line. "
            "Above: the event loop is late, or too many clients for one process. No line while nobody listens.",
            Query(ws.PUBLISH_TO_SOCKET.quantile(0.5), "p50"), Query(ws.PUBLISH_TO_SOCKET.quantile(0.99), "p99"),
            Query(ws.PUBLISH_TO_SOCKET.mean(), "mean"), unit=Unit.SECONDS, signal=stream_signals.DELIVERY_P99,
        ),
        panels.heatmap(
            "Publish to socket, spread",
            "How many messages a second took how long from publishing to their last connection. Normal: one band below 10 ms. "
            "Two bands: rooms of different size, or a pause of the event loop every now and then.",
            ws.PUBLISH_TO_SOCKET, none="no client listens",
        ),
        panels.timeseries(
            "Source to socket",
            "From the source's own time of a message to the write, by room. Normal: the processor's interval (0.1 s for "
            "market, 1 s on-chain, 5 s sentiment) plus the source's delay. Longer while Publish to socket is as ever: the "
            "source is late, see Delay of sources of Feeds.",
            Query(ws.SOURCE_TO_SOCKET.quantile(0.5, by=("room",)), "{{room}} p50"),
            Query(ws.SOURCE_TO_SOCKET.quantile(0.99, by=("room",)), "{{room}} p99"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Event loop lag",
            "How late the event loop comes to a timer. Normal: below 5 ms. What every client waits in addition.",
            Query(app.LOOP_LAG.quantile(0.5), "p50"), Query(app.LOOP_LAG.quantile(0.99), "p99"), unit=Unit.SECONDS,
            signal=stream_signals.LOOP_LAG,
        ),
    ]  # fmt: skip
    return Row("Latency", [Cell(panel, width=6) for panel in found])


def _loss(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Slow clients",
            "Connections that get the latest values only, because they read too slowly. Normal: few. Many at once: the line out.",
            Query(ws.SLOW.select()), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Backlog",
            "Bytes that wait for slow connections. Normal: near 0; at most stream.backlog_bytes and what is conflated, for "
            "each. Grows: Slow clients counts them. Grows for all at once: the network out is full.",
            Query(ws.BACKLOG.select()), unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Slow clients dropped",
            "Connections closed with 4408 within 5 min. Normal: 0. They come back and resume; see Resumes.",
            Query(stream_signals.SLOW_DROPPED),
        ),
        panels.timeseries(
            "Conflated",
            "Messages that a newer one of their symbol replaced before a slow client had them, by room. Normal: 0. Some: a "
            "slow client skips steps of a price, which is meant so. In all rooms at once: see Backlog.",
            Query(ws.CONFLATED.rate().sum(by=("room",)), "{{room}}"),
            Query(ws.SLOWED.rate().sum(), "clients becoming slow"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Gaps told",
            "Gaps that clients were told of, by reason. Normal: 0. `history`: they were away longer than stream.history keeps; "
            "`epoch`: the server was started anew; `conflated`: they are slow; `dropped`: see Messages dropped.",
            Query(ws.GAPS.rate().sum(by=("reason",)), "{{reason}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Resumes",
            "Subscriptions that asked for what they had missed, by result. Normal: `resumed` alone. The others got a gap.",
            Query(ws.RESUMES.rate().sum(by=("result",)), "{{result}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Messages dropped",
            "Messages that were accepted and not delivered, by reason, and deliveries tried again. Normal: 0. More: `make "
            "logs s=stream` has the reason of each.",
            Query(ws.DROPPED.rate().sum(by=("reason",)), "{{reason}}"), Query(ws.RETRIES.rate().sum(), "tried again"),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Ping to pong",
            "How long clients take to answer a ping. Normal: the network's round trip. Above 1 s: busy clients or a bad line.",
            Query(ws.PING_DURATION.quantile(0.5), "p50"), Query(ws.PING_DURATION.quantile(0.99), "p99"), unit=Unit.SECONDS,
        ),
    ]  # fmt: skip
    return Row("Loss and slow clients", [Cell(panel, width=6) for panel in found])


def _errors(panels: Panels) -> Row:
    refused = ws.HANDSHAKES.rate(result="!=accepted").sum(by=("result",))
    found = [
        panels.timeseries(
            "WebSocket Errors",
            "Messages of clients that were refused, a second, over 5 min. Normal: 0. Above the dashed line an alert fires.",
            Query(stream_signals.WS_ERROR_RATE, "refused"),
        ),
        panels.timeseries(
            "Errors by code",
            "The same by error code, the most frequent ones. Normal: 0. The protocol's guide explains each code.",
            Query(ws.ERRORS.rate().sum(by=("code",)).topk(MAX_SERIES), "{{code}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Handshakes",
            "WebSocket handshakes a second. Normal: few. A steady high rate: clients are closed and come back.",
            Query(ws.HANDSHAKES.rate(result="accepted").sum(), "accepted"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Handshakes refused",
            "Handshakes that were refused, by error code. Normal: 0. `bad-origin`: a page that "
            "stream.allowed_origins does not list.",
            Query(refused.topk(MAX_SERIES), "{{result}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Closes by code",
            "Connections that ended, by close code and who closed, the most frequent ones. Normal: 1000 and 1001. 1006: lost "
            "without a close; 4408: too slow; 4400, 4429: offences.",
            Query(ws.CLOSES.rate().sum(by=("code", "by")).topk(MAX_SERIES), "{{code}} by {{by}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Frames that break the protocol",
            "Connections ended for frames that break RFC 6455, by close code. Normal: 0. Not a browser, or an attack.",
            Query(app.FRAME_VIOLATIONS.rate().sum(by=("code",)), "{{code}}"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Errors", [Cell(panel, width=8) for panel in found])
