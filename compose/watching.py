"""When a watcher kills: pure decisions over what was observed, without clock, network or process.

A service that runs but has not answered for `HUNG_AFTER` seconds hangs; one that listens nowhere is given longer, because
it may be starting. Killed, it is started again by supervisord.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from compose.health import Health
from compose.supervisor import RUNNING, Process

CHECK_EVERY = 5.0  # seconds between two looks
ANSWER_WITHIN = 3.0  # seconds a service has to answer
HUNG_AFTER = 25.0  # seconds of silence; with one look and one kill more it is back within 60 s
DEAF_AFTER = 60.0  # seconds during which nothing listens


@dataclass
class Watched:
    """What is remembered of one service."""

    pid: int = 0
    start: float = 0.0
    good_since_start: bool = False
    last_answer: float | None = None
    killed_pid: int = 0
    up: bool = False
    restarts: dict[str, int] = field(default_factory=lambda: {"exited": 0, "hung": 0})


@dataclass(frozen=True)
class Kill:
    """The order to kill a service that hangs, and why."""

    service: str
    pid: int
    why: str


def look(
    memory: dict[str, Watched],
    processes: Mapping[str, Process],
    answers: Mapping[str, Health],
    now: float,
    watched: Iterable[str],
) -> list[Kill]:
    """Updates `memory` by one look at time `now` (unix seconds) and returns who is to be killed."""
    kills = []
    for name in watched:
        known = memory.setdefault(name, Watched())
        process, health = processes.get(name), answers.get(name)
        running = process is not None and process.state == RUNNING
        if process and running and process.pid != known.pid:
            _started(known, process, now)
        known.up = running and health is not None and health.ok
        if health and health.answered:
            known.last_answer = now
            known.good_since_start = known.good_since_start or health.ok
        elif process and running and health and _silent(known, health, now) and known.killed_pid != process.pid:
            known.killed_pid = process.pid
            kills.append(Kill(name, process.pid, health.why))
    return kills


def _started(known: Watched, process: Process, now: float) -> None:
    if known.pid:
        known.restarts["hung" if known.killed_pid == known.pid else "exited"] += 1
    known.pid, known.start = process.pid, process.start
    known.last_answer, known.good_since_start = now, False


def _silent(known: Watched, health: Health, now: float) -> bool:
    patience = HUNG_AFTER if "no answer" in health.why else DEAF_AFTER
    return known.last_answer is not None and now - known.last_answer >= patience
