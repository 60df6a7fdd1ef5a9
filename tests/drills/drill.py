"""What a drill is: pure data."""

from __future__ import annotations

from dataclasses import dataclass

from tests.drills.faults import Fault


@dataclass(frozen=True)
class Drill:
    """One alert and the fault that must make it fire; `what` tells the fault to people, `beside` the alerts it brings along.

    `fleet`: it needs the servers of `fleet.py`. `late`: the fault is in the way of notifications, which arrive when it is over.
    `still`: the fault lies there and disturbs nobody: all such drills may run at one time. `takes`: seconds, whatever the factor,
    until what the fault does is seen.
    """

    alert: str
    what: str
    fault: Fault
    beside: frozenset[str] = frozenset()
    fleet: bool = False
    late: bool = False
    still: bool = False
    takes: float = 0.0
