"""The folded rows of WebSocket Performance about the server: rooms, fan-out, process."""

from __future__ import annotations

from dashboards.layout import Cell, Row
from dashboards.panels import MAX_SERIES, Column, Panels, Query
from metrics import app, process
from metrics import websocket as ws
from metrics.model import Unit
from metrics.stack import JOB_STREAM

_ROOM = ("instance", "room")


def rows(panels: Panels) -> list[Row]:
    """Every folded row about the server itself."""
    return [_rooms(panels), _fanout(panels), _process(panels)]


def _rooms(panels: Panels) -> Row:
    table = panels.table(
        "Rooms",
        "Each room: who listens, what it keeps for clients that resume, when it last got a message. Normal: a message within "
        "the last seconds. Older: Feeds tells whether its source sends.",
        _ROOM,
        Column(ws.SUBSCRIPTIONS.select().sum(by=_ROOM), "Subscriptions", Unit.COUNT),
        Column(ws.GROUPS.select().sum(by=_ROOM), "Filters", Unit.COUNT),
        Column(ws.HISTORY_MESSAGES.select().max(by=_ROOM), "Messages kept", Unit.COUNT),
        Column(ws.HISTORY_BYTES.select().max(by=_ROOM), "Bytes kept", Unit.BYTES),
        Column(ws.LAST_PUBLISHED.select().max(by=_ROOM) * 1000, "Last message", Unit.TIMESTAMP),
        none="no stream server is scraped",
    )
    subscriptions = panels.timeseries(
        "Subscriptions",
        "Subscriptions that stand, by room. Normal: follows connections. A fall while connections stand: clients came back "
        "without subscribing, see Errors by code.",
        Query(ws.SUBSCRIPTIONS.select().sum(by=("room",)), "{{room}}"),
        unit=Unit.COUNT,
    )
    return Row("Rooms", [Cell(table, width=16), Cell(subscriptions, width=8)], folded=True)


def _fanout(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "Deliveries",
            "Messages written to connections, by room. Normal: broadcasts times subscriptions. Less: Conflated and Slow "
            "clients dropped tell what slow clients do not get.",
            Query(ws.DELIVERIES.rate().sum(by=("room",)), "{{room}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Messages by kind",
            "WebSocket messages by direction and kind, the most frequent ones. Normal: mostly data sent, few questions "
            "received. Much `initial-data`: clients come back often.",
            Query(ws.MESSAGES.rate().sum(by=("direction", "kind")).topk(MAX_SERIES), "{{direction}} {{kind}}"),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Bytes",
            "Bytes received and sent on WebSocket connections. Normal: in step with Message Rate. Near the line's speed "
            "clients become slow.",
            Query(ws.BYTES.rate().sum(by=("direction",)), "{{direction}}"), unit=Unit.BYTES_PER_SECOND,
        ),
        panels.timeseries(
            "Connections by format",
            "Open connections by format and compression. Normal: in step with Active Connections. Compression costs one "
            "encoding more, not one a client.",
            Query(ws.CONNECTIONS.select().sum(by=("format", "compressed")), "{{format}}, compressed: {{compressed}}"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Queue depth",
            "Messages that wait for the fan-out, and how many may. Normal: near 0. At the limit publishers are refused.",
            Query(ws.QUEUE_DEPTH.select(), "{{instance}} waiting"),
            Query(ws.QUEUE_LIMIT.select(), "{{instance}} limit", limit=True),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Queue wait",
            "How long messages wait for the fan-out. Normal: below 5 ms. Longer: Event loop lag tells whether the process is "
            "too busy; stream.workers runs more of them.",
            Query(ws.QUEUE_WAIT.quantile(0.5), "p50"), Query(ws.QUEUE_WAIT.quantile(0.99), "p99"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Queued",
            "Messages offered to the fan-out, by kind and result. Normal: accepted ones only. `full` should be 0: what was "
            "refused is lost.",
            Query(ws.QUEUED.rate().sum(by=("kind", "result")), "{{kind}} {{result}}"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Fan-out", [Cell(panel, width=6) for panel in found], folded=True)


def _process(panels: Panels) -> Row:
    found = [
        panels.timeseries(
            "CPU of the stream server",
            "Processors that the process takes. Normal: below 0.8. One event loop can use one; above 0.8 messages get late.",
            Query(process.CPU.rate(job=JOB_STREAM).sum(by=("instance",))), unit=Unit.RATIO, most=1,
        ),
        panels.timeseries(
            "Memory of the stream server",
            "Resident memory. Normal: about 60 MB, what stream.history keeps, and 20 kB a connection. Only rising: a leak.",
            Query(process.RESIDENT.select(job=JOB_STREAM).sum(by=("instance",))), unit=Unit.BYTES,
        ),
        panels.timeseries(
            "Garbage collection",
            "How long the garbage collector held the process, p99 by generation. Normal: below 5 ms. No line: no collection.",
            Query(app.GC_PAUSE.quantile(0.99, by=("generation",)), "generation {{generation}}"), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Open files of the stream server",
            "File descriptors, one a connection, and how many there may be. Normal: a few more than Active Connections, far "
            "below the limit. Near it new clients are refused: raise the service's `ulimit -n`, or run more by "
            "stream.workers.",
            Query(process.OPEN_FDS.select(job=JOB_STREAM).sum(by=("instance",)), "{{instance}} open"),
            Query(process.MAX_FDS.select(job=JOB_STREAM).sum(by=("instance",)), "{{instance}} limit", limit=True),
            unit=Unit.COUNT,
        ),
    ]  # fmt: skip
    return Row("Process", [Cell(panel, width=6) for panel in found], folded=True)
