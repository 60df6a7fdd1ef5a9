"""Which fault provokes which alert."""

from __future__ import annotations

from dataclasses import dataclass

from tests.drills.faults import Fault, burn_cpu, fill_disk, fill_memory, send_garbage, stop_service


@dataclass(frozen=True)
class Drill:
    """One alert and the fault that must make it fire; `what` tells the fault to people, `beside` the alerts it brings along."""

    alert: str
    what: str
    fault: Fault
    beside: frozenset[str] = frozenset()


DRILLS = (
    # Between the two thresholds: above 90 the critical alert would mute this one.
    Drill("HighCPUUsage", "all processors 85 % busy", burn_cpu(85)),
    Drill("CriticalCPUUsage", "all processors 100 % busy", burn_cpu(100), frozenset({"HighCPUUsage"})),
    Drill("HighMemoryUsage", "memory filled to 88 %", fill_memory(88)),
    Drill(
        "TargetDown",
        "the system exporter is stopped",
        stop_service("exporter-system"),
        frozenset({"ServiceDown", "TargetAbsent"}),
    ),
    Drill("DiskAlmostFull", "a filesystem of 64 MB filled to 97 %", fill_disk(97), frozenset({"DiskFillingUp"})),
    Drill("WebSocketConnectionIssues", "a broken client sends 20 bad messages a second to the stream", send_garbage(20)),
)


def find(name: str) -> Drill | None:
    """The drill of that alert."""
    return next((drill for drill in DRILLS if drill.alert == name), None)
