"""The rows of Feeds: sources, how fresh they are, what they send, how often they come back, the processors behind them."""

from __future__ import annotations

from dashboards.layout import Cell, Row
from dashboards.panels import MAX_SERIES, Column, Panels, Query, States
from metrics import feed, stream_signals
from metrics import websocket as ws
from metrics.model import Unit
from settings import look

_SOURCE = ("instance", "source")


def sources(panels: Panels) -> Row:
    """Who feeds the rooms, and whether it lives."""
    state = panels.table(
        "Sources",
        "Each source: whether it is connected, how old its last good message is, what it sends. Normal: connected and live. "
        "`make logs s=stream` holds the last error of one that is not.",
        _SOURCE,
        Column(
            feed.SOURCE_STATE.select(state="connected").max(by=_SOURCE), "State", Unit.BOOL,
            states=States("connected", "NOT CONNECTED", zero_colour=look.WARNING),
        ),
        Column(
            stream_signals.FEED_FAILED.expr.max(by=_SOURCE), "Attempts", Unit.BOOL,
            states=States("USED UP", "fine", one_colour=look.CRITICAL, zero_colour="transparent"),
        ),
        Column(
            stream_signals.FEED_STALE.expr.max(by=_SOURCE), "Freshness", Unit.BOOL,
            states=States("STALE", "live", one_colour=look.WARNING, zero_colour="transparent"),
        ),
        Column(stream_signals.MESSAGE_AGE.expr.max(by=_SOURCE), "Last message", Unit.SECONDS),
        Column(feed.MESSAGES.rate().sum(by=_SOURCE), "Messages", Unit.PER_SECOND),
        none="no stream server is scraped",
    )  # fmt: skip
    kinds = panels.table(
        "Fed by",
        "What each source is: `replay` is the embedded feed, no live market. Normal: the sources that site.yaml names. "
        "Endpoints stand in stream.sources of site.yaml.",
        (*_SOURCE, "kind"),
        Column(feed.SOURCE_INFO.select().count(by=(*_SOURCE, "kind")), "Processes", Unit.COUNT),
        none="no stream server is scraped",
    )
    connected = panels.statetimeline(
        "Connections over time",
        "When each source was connected. Normal: one unbroken band. A band that comes and goes: the source's server, or the "
        "network, is unwell.",
        Query(feed.SOURCE_STATE.select(state="connected").max(by=_SOURCE), "{{source}}"),
        states=States("connected", "NOT CONNECTED", zero_colour=look.WARNING),
    )  # fmt: skip
    return Row("Sources", [Cell(state, width=15, height=6), Cell(kinds, width=9, height=6), Cell(connected, width=24, height=5)])


def freshness(panels: Panels) -> Row:
    """How old what the sources send is."""
    found = [
        panels.timeseries(
            "Age of the last message",
            "Time since each source's last good message. Normal: below each source's stale_after. A ramp: the source is "
            "silent; at its stale_after it counts as stale.",
            Query(stream_signals.MESSAGE_AGE, "{{source}}"),
        ),
        panels.timeseries(
            "Delay of sources",
            "From a source's own time of an item to its arrival. Normal: the network's way. A high steady value: a clock is "
            "wrong, theirs or ours.",
            Query(feed.DELAY.quantile(0.5, by=("source",)), "{{source}} p50"),
            Query(feed.DELAY.quantile(0.99, by=("source",)), "{{source}} p99"), unit=Unit.SECONDS,
        ),
        panels.heatmap(
            "Spread of delays",
            "How many items came how late, of all sources. Normal: a band below the network's way. A second band: one source, or "
            "one path, is slow.",
            feed.DELAY,
        ),
    ]  # fmt: skip
    return Row("Freshness", [Cell(panel, width=8) for panel in found])


def received(panels: Panels) -> Row:
    """What the sources send."""
    found = [
        panels.timeseries(
            "Messages of sources",
            "Good items received, by source. Normal: steady; the replay's rate is stream.replay.rate. A fall: Failures of "
            "sources tells why; none there: the source itself sends less.",
            Query(feed.MESSAGES.rate().sum(by=("source",)), "{{source}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Bytes of sources",
            "Bytes received, by source; 0 for a replay. Normal: flat, more when markets move. More bytes for as many "
            "messages: the source sends something new, see Ignored messages.",
            Query(feed.RECEIVED_BYTES.rate().sum(by=("source",)), "{{source}}"), unit=Unit.BYTES_PER_SECOND,
        ),
        panels.timeseries(
            "Bad messages",
            "Messages and items that were dropped, by source and what was wrong, the most frequent ones. Normal: 0. A jump: the "
            "source changed its format; correct its `mapping`.",
            Query(feed.BAD_MESSAGES.rate().sum(by=("source", "reason")).topk(MAX_SERIES), "{{source}} {{reason}}"),
            unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Ignored messages",
            "Messages that are no data of ours: answers, heartbeats, symbols that are not listed. Normal: few beside the "
            "good ones. If all are: the mapping is wrong.",
            Query(feed.IGNORED.rate().sum(by=("source",)), "{{source}}"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("What comes in", [Cell(panel, width=12, height=7) for panel in found])


def reconnects(panels: Panels) -> Row:
    """How often the sources are lost, and what clients were told of it."""
    failures = feed.SOURCE_FAILURES.increase("1h").sum(by=("source", "reason")).apply("round")
    found = [
        panels.timeseries(
            "Failures of sources",
            "Connections lost and attempts failed within an hour, by source and reason, the most frequent ones. Normal: 0. "
            "`make logs s=stream` has each one in the source's own words.",
            Query(failures.topk(MAX_SERIES), "{{source}} {{reason}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Connections to sources",
            "Attempts to connect within an hour (requests, of a source that is polled), and connections made again. Normal: 0 "
            "reconnections; of a polled source as many requests as its interval makes. Many made again: the source or the "
            "network to it drops them, see Failures of sources.",
            Query(feed.ATTEMPTS.increase("1h").sum(by=("source",)).apply("round"), "{{source}} attempts"),
            Query(feed.RECONNECTS.increase("1h").sum(by=("source",)).apply("round"), "{{source}} again"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Gaps told",
            "Gaps that clients were told of, by reason. Normal: 0. `history`: they were away longer than stream.history keeps; "
            "`epoch`: the server was started anew; `conflated`: they are slow; `dropped`: see WebSocket Performance.",
            Query(ws.GAPS.rate().sum(by=("reason",)), "{{reason}}"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Reconnects and gaps", [Cell(panel, width=8) for panel in found])


def processors(panels: Panels) -> Row:
    """What the processors behind the sources do with it."""
    name = "{{processor}}"
    full = feed.BUFFER.select().sum(by=("processor",)) / feed.BUFFER_LIMIT.select().sum(by=("processor",)).compare(">", 0)
    found = [
        panels.timeseries(
            "Buffers of processors",
            "Share of each processor's buffer in use. Normal: below 0.5. At 1 the oldest items are dropped.",
            Query(full, name), unit=Unit.RATIO, most=1,
        ),
        panels.timeseries(
            "Items dropped by processors",
            "Items dropped, by processor and reason. Normal: 0. `overflow`: raise the source's `buffer`; `too_late`: its clock.",
            Query(feed.DROPPED.rate().sum(by=("processor", "reason")), "{{processor}} {{reason}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Late items",
            "Items that came after a newer one of their symbol and were still taken. Normal: few. Many: the source sends out "
            "of order, or its clock is off; see Delay of sources.",
            Query(feed.LATE.rate().sum(by=("processor",)), name), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Time of processors",
            "How long a run takes, p99. Normal: below a millisecond; the event loop waits for it. Longer: Event loop lag of "
            "WebSocket Performance tells whether clients feel it.",
            Query(feed.DURATION.quantile(0.99, by=("processor",)), name), unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Updates",
            "Updates made, by processor and whether the queue took them. Normal: taken ones only. `refused` should be 0.",
            Query(feed.UPDATES.rate().sum(by=("processor", "result")), "{{processor}} {{result}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Symbols",
            "Symbols that each processor knows. Normal: flat. Growth without end: the source invents symbols.",
            Query(feed.SYMBOLS.select().sum(by=("processor",)), name), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Errors behind the feed",
            "Runs of processors that failed, updates that a sink could not take, errors of listeners. Normal: 0. See the log.",
            Query(feed.PROCESSOR_ERRORS.rate().sum(by=("processor",)), "processor {{processor}}"),
            Query(feed.SINK_ERRORS.rate().sum(by=("sink",)), "sink {{sink}}"),
            Query(feed.LISTENER_ERRORS.rate().sum(), "listeners"), unit=Unit.PER_SECOND,
        ),
    ]  # fmt: skip
    return Row("Processors", [Cell(panel, width=8) for panel in found], folded=True)
