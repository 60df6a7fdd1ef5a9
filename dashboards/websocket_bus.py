"""The row of WebSocket Performance about the bus: whether stream servers are joined, and what that costs."""

from __future__ import annotations

from dashboards.layout import Cell, Panel, Row
from dashboards.panels import MAX_SERIES, Column, Panels, Query, States
from metrics import bus, stream_signals
from metrics.model import Unit
from settings import look

_SERVER = ("instance", "worker")


def row(panels: Panels) -> Row:
    """Everything about the bus."""
    degraded = panels.stat(
        "Degraded",
        "Things that do not work as they should though clients are served: sources, the bus. Normal: 0. `/readyz` names them.",
        Query(stream_signals.DEGRADED, "things"), worse_above=1,
    )  # fmt: skip
    found = [
        Cell(degraded, width=4, height=6),
        Cell(_servers(panels), width=10, height=6),
        Cell(_holders(panels), width=10, height=6),
    ]
    return Row("Bus", found + [Cell(panel, width=6) for panel in _figures(panels)], folded=True)


def _servers(panels: Panels) -> Panel:
    return panels.table(
        "Stream servers on the bus",
        "Each stream server: whether it reaches the bus, and whether the replica confirms what is written. Normal: on the "
        "bus, or `on its own` where there is one server. A server `on its own` needs no bus. LOST: clients stay, nothing "
        "new comes; `/readyz` of that server tells why.",
        _SERVER,
        Column(bus.UP.select().min(by=_SERVER), "Bus", Unit.BOOL, states=States("reached", "LOST", zero_colour=look.CRITICAL)),
        Column(
            bus.JOINED.select().max(by=_SERVER), "Joined", Unit.BOOL,
            states=States("joined", "on its own", one_colour="transparent", zero_colour="transparent"),
        ),
        Column(
            bus.UNCONFIRMED.select().max(by=_SERVER), "Replica", Unit.BOOL,
            states=States("UNCONFIRMED", "fine", one_colour=look.WARNING, zero_colour="transparent"),
        ),
        Column(bus.PENDING.select().sum(by=_SERVER), "Waiting", Unit.COUNT),
        none="no stream server is scraped",
    )  # fmt: skip


def _holders(panels: Panels) -> Panel:
    return panels.timeseries(
        "Holders of leases",
        "How many servers run each source. Normal: 1. 0 for longer than 5 s: no server reaches the bus. Above 1: two buses.",
        Query(bus.LEASE.select().sum(by=("lease",)), "{{lease}}"), unit=Unit.COUNT,
    )  # fmt: skip


def _figures(panels: Panels) -> list[Panel]:
    breaks = bus.BROKEN.increase("1h").max(by=("reason",)).apply("round")
    return [
        panels.timeseries(
            "Delay of the bus",
            "From the publisher's stamp of an entry to its arrival. Normal: a few ms, below the dashed line. Steadily high on "
            "one machine: its clock is wrong.",
            Query(bus.DELAY.quantile(0.5), "p50"), Query(bus.DELAY.quantile(0.99), "p99"), unit=Unit.SECONDS,
            signal=stream_signals.BUS_DELAY,
        ),
        panels.timeseries(
            "Acceptance by the bus",
            "From an update's arrival at the publisher to its acceptance, the replica's word included. Normal: a few ms. "
            "Longer: Latency by command of the dashboard Redis tells whether the bus is slow.",
            Query(bus.PUBLISH_DURATION.quantile(0.5), "p50"), Query(bus.PUBLISH_DURATION.quantile(0.99), "p99"),
            unit=Unit.SECONDS,
        ),
        panels.timeseries(
            "Entries of the bus",
            "Entries written, and entries read by all servers together. Normal: read is written times the number of servers. "
            "Read less: a server lost the bus, see Connections to the bus.",
            Query(bus.PUBLISHED.rate().sum(), "written"), Query(bus.RECEIVED.rate().sum(), "read"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Waiting for the bus",
            "Updates that wait to be accepted. Normal: near 0; above 10,000 they are refused. Grows: the bus is away or slow: "
            "`make logs s=bus`, and Acceptance by the bus.",
            Query(bus.PENDING.select().sum(), "waiting"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Updates refused by the bus",
            "Updates that did not reach the bus: too many waited, another server had the lease (a few at each takeover), or "
            "Redis takes no more. Normal: 0. More: Waiting for the bus and Takeovers tell which of the three it is.",
            Query(bus.REFUSED.rate().sum(by=("reason",)), "{{reason}}"), unit=Unit.PER_SECOND,
        ),
        panels.timeseries(
            "Numberings that ended",
            "Epochs that could not go on within an hour, by reason; every client got a gap. Normal: 0. `lost`: Redis came back "
            "without some entries. `replaced`: it was emptied. `unconfirmed`: its replica is away.",
            Query(breaks, "{{reason}}"), unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Takeovers",
            "Leases taken within an hour: one for each at a start, and one at each change of the server that runs a source. "
            "Normal: 0 after a start. More: the server that held the lease hangs or loses the bus: `make logs s=stream`.",
            Query(bus.TAKEOVERS.increase("1h").sum(by=("lease",)).apply("round").topk(MAX_SERIES), "{{lease}}"),
            unit=Unit.COUNT,
        ),
        panels.timeseries(
            "Connections to the bus",
            "Connections made within an hour. Normal: flat after a start; each more is a bus that was lost and is back. More: "
            "`make logs s=bus` tells why it ends them.",
            Query(bus.CONNECTS.increase("1h").sum().apply("round"), "made"), unit=Unit.COUNT,
        ),
    ]  # fmt: skip
