"""When a watcher kills: pure decisions over what was observed, without clock, network or process.

A service that runs but was silent at `HUNG_AFTER` looks in a row hangs; one that listens nowhere is given longer, because
it may be starting. Looks are counted, not seconds, so that a clock that jumps kills nobody. Killed, a service is started
again by supervisord.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from compose.health import Health
from compose.supervisor import RUNNING, Process

CHECK_EVERY = 5.0  # seconds between two looks
ANSWER_WITHIN = 3.0  # seconds a service has to answer
HUNG_AFTER = 3  # silent looks in a row: even when the watcher hangs too, and is replaced first, all is back within 60 s
DEAF_AFTER = 12  # looks in a row at which nothing listens


@dataclass
class Watched:
    """What is remembered of one service."""

    pid: int = 0  # of its last process that ran; 0 while none was seen
    start: float = 0.0
    silent: int = 0
    deaf: int = 0
    killed_pid: int = 0
    up: bool | None = None  # None until the first look
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
    watched: Iterable[str],
) -> list[Kill]:
    """Updates `memory` by one look and returns who is to be killed."""
    kills = []
    for name in watched:
        known = memory.setdefault(name, Watched())
        process, health = processes.get(name), answers.get(name)
        running = process is not None and process.state == RUNNING
        if process and running and process.pid != known.pid:
            _started(known, process)
        known.up = running and health is not None and health.ok
        if process and running and health and _hangs(known, health) and known.killed_pid != process.pid:
            known.killed_pid = process.pid
            kills.append(Kill(name, process.pid, health.why))
    return kills


def _started(known: Watched, process: Process) -> None:
    if known.pid:
        known.restarts["hung" if known.killed_pid == known.pid else "exited"] += 1
    known.pid, known.start = process.pid, process.start
    known.silent = known.deaf = 0


def _hangs(known: Watched, health: Health) -> bool:
    known.silent = known.silent + 1 if health.silent else 0
    known.deaf = known.deaf + 1 if not health.answered and not health.silent else 0
    return known.silent >= HUNG_AFTER or known.deaf >= DEAF_AFTER
