"""System Overview: how happy the machines are, by the USE method (utilisation, saturation, errors)."""

from __future__ import annotations

from grafanalib import core

from dashboards import layout
from dashboards.layout import Cell, Row
from dashboards.panels import MAX_SERIES, Panels, Query
from metrics.model import Unit
from metrics.stack import DASHBOARD_SYSTEM
from metrics.system import cpu, signals
from settings import Site


def dashboard(site: Site) -> core.Dashboard:
    """The dashboard; its variables offer the machines that tell their processor time."""
    panels = Panels(site)
    rows = [_usage(panels)]
    return layout.dashboard(
        site,
        DASHBOARD_SYSTEM,
        "System Overview",
        "Processors, memory, disks and network of the machines: how busy, how saturated, how many errors.",
        cpu.LOAD1,
        rows,
    )


def _usage(panels: Panels) -> Row:
    io = signals.RECORDINGS[0]
    return Row(
        "Utilisation",
        [
            Cell(
                panels.timeseries(
                    "CPU Usage",
                    "Processor time that is neither idle nor waiting for I/O. Normal: below 70 %, with bursts. Above the dashed "
                    "lines, find the program with `top`; the panel CPU by mode tells what kind of work it is.",
                    Query(signals.CPU_USAGE),
                    most=100,
                )
            ),
            Cell(
                panels.timeseries(
                    "Memory Usage",
                    "Memory that new programs could not get without swapping. Normal: flat, below 85 %. A line that only rises "
                    "is a leak: find the program with `ps aux --sort=-rss`.",
                    Query(signals.MEMORY_USAGE),
                    most=100,
                )
            ),
        ],
    )
