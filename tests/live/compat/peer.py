"""What the comparison knows of a standard exporter: how to read it, what may differ, and why. One file a peer fills it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from metrics.model import Metric
from tests.exporters.servers import Server, version_of

NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Peer:
    """A standard exporter. `pair()` runs ours and theirs on the same thing; `metrics` are our declarations for it.

    Mappings to texts give the reason. Names may be regular expressions that match the whole name.
    `renamed`: their name to that of newer releases, which is ours. `old_labels` left in newer releases, `new_labels` came with
    them. `elsewhere`: starts of `label=value` whose series one side leaves out by default. `uncompared`: names whose values
    differ at any two readings. `slack`: how far a value may be off, where that is not the usual. `notes`: other differences.
    `untold`: what our panels and alerts ask and it does not tell, as the appliance runs it; `later`: what releases before `older`
    do not tell.
    """

    name: str
    program: str
    command: str
    prefix: str
    metrics: tuple[Metric, ...]
    pair: Callable[[], AbstractContextManager[tuple[Server, Server]]]
    missing: Mapping[str, str]
    uncompared: Mapping[str, str]
    renamed: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    old_labels: frozenset[str] = frozenset()
    new_labels: frozenset[str] = frozenset()
    elsewhere: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    collectors: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    slack: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    untold: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    later: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    older: tuple[int, int] = (0, 0)

    def is_older(self) -> bool:
        """Whether the installed release has not what `later` tells of."""
        major, minor = version_of(self.program).split(".")[:2]
        return (int(major), int(minor)) < self.older
