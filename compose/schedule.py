"""When a backup is due: the part of the watcher that looks after backups."""

from __future__ import annotations

from dataclasses import replace

from compose.backups import Record
from compose.recorded import Told
from compose.supervisor import BACKUP, Supervisor

_AGAIN = 3600.0  # seconds after a failed one, where the interval is longer
_AHEAD = 60.0  # seconds by which a time may be ahead of the clock; more: the clock was set back


def due(record: Record, every: float, now: float) -> bool:
    """Whether a backup is to be begun now. The first one is due at once; a failed one is made again sooner."""
    if not every or record.began > now + _AHEAD:
        return bool(every)
    return now >= record.began + (every if record.ok else min(every, _AGAIN))


class Backups(Told):
    """Begins those that are due."""

    def look(self, supervisor: Supervisor, now: float) -> None:
        """Begins what is due, and starts Prometheus again where a backup was killed while it stood still."""
        self.record = Record.read(self.paths)
        self.record = self.record.wished(self.every, now, self.paths)
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
