"""Which fault provokes which alert."""

from __future__ import annotations

from dataclasses import dataclass

from metrics import catalog
from tests.drills.faults import (
    Fault,
    ask_without_models,
    burn_cpu,
    fill_disk,
    fill_memory,
    grow_disk,
    memory_threshold,
    send_garbage,
    stop_service,
)


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
    # A machine in use has work to do in its memory: the drill lowers the threshold instead of taking all of it.
    Drill("HighMemoryUsage", "memory filled by 13 % more than is used, under a lowered threshold", fill_memory(3)),
    Drill(
        "TargetDown",
        "the system exporter is stopped",
        stop_service("exporter-system"),
        frozenset({"ServiceDown", "TargetAbsent"}),
    ),
    Drill("DiskAlmostFull", "a filesystem of 64 MB filled to 97 %", fill_disk(97), frozenset({"DiskFillingUp"})),
    Drill("DiskFillingUp", "a filesystem of 64 MB, 65 % full, fills by 0.04 % a second", grow_disk(65, 0.04)),
    Drill("WebSocketConnectionIssues", "a broken client sends 20 bad messages a second to the stream", send_garbage(20)),
    Drill(
        "HighErrorRate",
        "a program asks for 40 analyses a second while the models are away",
        ask_without_models(40),
        frozenset({"ServiceDown", "TargetAbsent", "TargetDown"}),
    ),
)


def overrides() -> dict[str, dict[str, float]]:
    """What the drills change about alerts, as `alerts:` of site.yaml: only how large a fault must be."""
    declared = catalog.signals()["system.memory_usage"].warning
    assert declared
    return {"HighMemoryUsage": {"threshold": memory_threshold(10, declared)}}


def find(name: str) -> Drill | None:
    """The drill of that alert."""
    return next((drill for drill in DRILLS if drill.alert == name), None)
