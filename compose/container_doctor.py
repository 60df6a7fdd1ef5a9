"""What `make doctor` looks at where the appliance runs in containers, in the place of programs, their disk and their watcher."""

from __future__ import annotations

import time
from collections.abc import Iterator

from compose import engine, image, machine
from compose.backups import Record, is_beating
from compose.errors import ComposeError
from compose.finding import Finding
from compose.images import OURS
from settings import Paths

_LEAST = 5 * 2**30  # bytes: images, and a first day of data
_OLD = 7 * 86_400.0  # seconds


def engine_() -> Iterator[Finding]:
    """Whether there is an engine, Compose, and our image."""
    lacking = [] if engine.answers() else ["a Docker engine that answers"]
    lacking += [] if engine.composer() else ["Compose"]
    if lacking:
        fix = "start Docker: `systemctl start docker`; install docker-compose"
        yield Finding("engine", "problem", f"missing: {', '.join(lacking)}", fix)
        return
    docker, compose = engine.versions()
    yield Finding("engine", "ok", f"Docker {docker}, Compose {compose}")
    name = f"{OURS}:{image.tag()}"
    yield Finding("image", "ok", name if image.present(name) else f"{name} is not built yet: `make up` does it")


def room() -> Finding:
    """Room where the engine keeps images and volumes."""
    try:
        found = machine.room(engine.data_folder())
    except (ComposeError, OSError) as error:
        return Finding("disk", "warning", f"the engine's folder cannot be looked at here: {error}", "look at it on its machine")
    free = f"{found.free / 2**30:.1f} GB free at {found.place}"
    if found.free < 2**30 or found.free < found.total / 100:
        return Finding("disk", "problem", free, "make room: `docker system df`, `docker image prune`")
    if found.free < _LEAST:
        return Finding("disk", "warning", free, f"images and a first day take up to {_LEAST / 2**30:.0f} GB: make room")
    return Finding("disk", "ok", free)


def backups(paths: Paths, every: float = 0.0) -> Finding:
    """How the last one went, and when a good one was made: nobody makes them by themselves here.

    `every`: how often the site wants one, in seconds.
    """
    record = Record.read(paths)
    if not record.ok and is_beating(paths):
        return Finding("backups", "ok", "one is under way")
    if not record.ok:
        return Finding("backups", "problem", f"the last one failed: {record.words}", "mend that, then `make backup`")
    if not record.newest:
        return Finding("backups", "warning", "none was made", "have cron run `make backup`, with backup.to on another disk")
    days = (time.time() - record.newest) / 86_400
    if days * 86_400 > (2 * every or _OLD):
        return Finding("backups", "warning", f"the newest is {days:.0f} days old", "have cron run `make backup`")
    return Finding("backups", "ok", f"the newest is {days:.1f} days old")
