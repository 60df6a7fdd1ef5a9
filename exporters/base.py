"""What a collector is, what a domain of them is, and how one run of a collector ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from metrics.model import Gauge, Metric, Sample


class Collector(Protocol):
    """Reads one thing. `collect()` may raise anything; what it yielded before that is reported.

    `name` selects it (`?collect[]=name`), `help` is one sentence for `--list`, `emits` every metric it may yield.
    A collector without data (no such hardware, no such kernel module) yields nothing; that is no failure.
    """

    @property
    def name(self) -> str:
        """Its name in selections, logs and labels."""

    @property
    def help(self) -> str:
        """What it reads, in one sentence."""

    @property
    def emits(self) -> tuple[Metric, ...]:
        """Every metric that it may yield."""

    def collect(self) -> Iterable[Sample]:
        """The samples of now. Called on one thread at a time."""


@dataclass(frozen=True)
class Domain:
    """A set of collectors that look at one target. `success` and `duration` are the ecosystem's names for how they fared.

    `target` is the name by which `/probe` knows it, empty where there is only one. `prepare` is called before the collectors
    of a scrape, on their thread, with the names of those that will run and the time (of `time.monotonic()`) by which it
    must be back: one question for all of them, for instance. It raises nothing. `close` ends what is held open.
    """

    name: str
    service: str
    collectors: tuple[Collector, ...]
    success: Gauge | None = None
    duration: Gauge | None = None
    target: str = ""
    prepare: Callable[[frozenset[str], float], None] | None = None
    close: Callable[[], None] | None = None
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Refuses two collectors of one name, and two emitters of one metric."""
        object.__setattr__(self, "names", tuple(collector.name for collector in self.collectors))
        owner: dict[Metric, str] = {}
        for collector in self.collectors:
            for metric in collector.emits:
                if other := owner.get(metric):
                    msg = f"{metric.name}: emitted by {other} and {collector.name}: a metric has one emitter"
                    raise ValueError(msg)
                owner[metric] = collector.name
        if len(set(self.names)) < len(self.names):
            msg = f"{self.name}: two collectors of one name: {sorted(self.names)}"
            raise ValueError(msg)

    def only(self, names: Iterable[str]) -> Domain:
        """The same with these collectors alone."""
        wanted = set(names)
        return replace(self, collectors=tuple(collector for collector in self.collectors if collector.name in wanted))


class ToldError(Exception):
    """What a collector raises when its domain has logged the cause already, once for all of its collectors."""


@dataclass(frozen=True)
class Preparation:
    """A domain's `prepare` in the place of a collector, so that it is run, watched and given up like one."""

    prepare: Callable[[frozenset[str], float], None]
    names: frozenset[str]
    deadline: float
    name: str = ""
    help: str = ""
    emits: tuple[Metric, ...] = ()

    def collect(self) -> Iterable[Sample]:
        """No samples."""
        self.prepare(self.names, self.deadline)
        return ()


@dataclass
class Run:
    """One run of one collector: its samples as far as it got, and how it ended.

    `state` is "running" until it ends, then "ok", "error" or "timeout"; `reason` says more of the latter two. `limit` is how
    many seconds it may take; 0 for the runner's own limit. `told` tells that the reason stands in the log already.
    """

    collector: Collector
    samples: list[Sample] = field(default_factory=list)
    state: str = "running"
    reason: str = ""
    started: float = 0.0
    seconds: float = 0.0
    limit: float = 0.0
    told: bool = False


def run_safely(run: Run) -> None:
    """Runs the collector on this thread and fills `run`; raises nothing but what ends the process."""
    run.started = time.monotonic()
    try:
        run.samples.extend(run.collector.collect())  # one by one: what came before an error, or a hang, is there
        state, reason = "ok", ""
    except ToldError as error:
        state, reason, run.told = "error", str(error), True
    except Exception as error:  # noqa: BLE001  # a collector may fail in any way; the others must still answer
        state, reason = "error", f"{type(error).__name__}: {error}"
    run.seconds = time.monotonic() - run.started
    run.reason = reason
    run.state = state  # last, so that who sees it set sees the rest
