"""When a backup is due, and what is told of backups: the part of the watcher that looks after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compose.backups import Record
from compose.supervisor import BACKUP, Supervisor
from metrics import stack
from metrics.durations import seconds
from metrics.model import Sample
from settings import Paths, Site

_AGAIN = 3600.0  # seconds after a failed one, where the interval is longer
_AHEAD = 60.0  # seconds by which a time may be ahead of the clock; more: the clock was set back


def due(record: Record, every: float, now: float) -> bool:
    """Whether a backup is to be begun now. The first one is due at once; a failed one is made again sooner."""
    if not every or record.began > now + _AHEAD:
        return bool(every)
    return now >= record.began + (every if record.ok else min(every, _AGAIN))


class Backups:
    """Looks at the record of backups; `every` is in seconds, 0 for none by itself."""

    def __init__(self, site: Site, paths: Paths) -> None:
        self.every = seconds(site.scaled(site.backup.every))
        self.paths = paths
        self.record = Record.read(paths)
        self.busy = False

    def look(self, supervisor: Supervisor, now: float) -> None:
        """Begins what is due, and starts Prometheus again where a backup was killed while it stood still."""
        self.record = Record.read(self.paths)
        if bool(self.every) != bool(self.record.asked):
            self.record = replace(self.record, asked=now if self.every else 0.0).write(self.paths)
        wanted = due(self.record, self.every, now)
        self.busy = (wanted or not self.record.ok) and supervisor.busy(BACKUP)
        if self.busy:
            return
        if self.record.paused:
            supervisor.start_stopped()
            self.record = replace(self.record, paused=False).write(self.paths)
        if wanted:
            supervisor.call("supervisor.startProcess", BACKUP, False)
            self.busy = True

    def samples(self, now: float) -> Iterator[Sample]:
        """What `/metrics` tells of them."""
        record = self.record
        yield stack.BACKUP_ATTEMPTS.sample(record.attempts)
        yield stack.BACKUP_FAILURES.sample(record.attempts - record.successes - self.busy)
        yield stack.BACKUP_SUCCESS.sample(int(record.ok or self.busy))
        if self.every:
            yield stack.BACKUP_INTERVAL.sample(self.every)
        if since := record.newest or record.asked:
            yield stack.BACKUP_AGE.sample(max(0.0, now - since))
        if record.seconds:
            yield stack.BACKUP_DURATION.sample(record.seconds)
        if record.newest:
            yield stack.BACKUP_BYTES.sample(record.bytes)
