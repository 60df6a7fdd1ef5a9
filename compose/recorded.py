"""What is told of backups, and the program that tells it in containers: `python -m compose.recorded`.

Nobody in there starts one, or could: they are made from outside, by `make backup`. This program sees the folder of their record,
read-only, and nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Iterator

from compose.backups import Record, is_beating
from compose.errors import EXIT_BAD_INPUT, EXIT_OK
from compose.telling import Teller, serve
from metrics import stack
from metrics.durations import seconds
from metrics.model import Sample
from metrics.process import version
from settings import Paths, Site

log = logging.getLogger("watcher")
NAME = "watcher"  # its place, where no service has to be watched
_EVERY = 5.0  # seconds between two looks


class Told:
    """What is told of backups; `every` is in seconds, 0 for none by itself."""

    def __init__(self, site: Site, paths: Paths) -> None:
        self.every = seconds(site.scaled(site.backup.every))
        self.paths = paths
        self.record = Record.read(paths)
        self.busy = False

    def read(self) -> None:
        """Looks at the record alone, where others make backups. Raises OSError for one that is there and cannot be read."""
        with contextlib.suppress(FileNotFoundError):
            Record.file(self.paths).read_bytes()
        before = is_beating(self.paths)
        self.record = Record.read(self.paths)
        # Asked on both sides of the record: one that begins or ends in between must not look as if it had failed.
        self.busy = not self.record.ok and (before or is_beating(self.paths))

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


class Recorded(Teller):
    """Reads the record every few seconds."""

    idle = "the record of backups cannot be read"

    def __init__(self, site: Site, paths: Paths) -> None:
        super().__init__(NAME)
        self.backups = Told(site, paths)
        self._looked = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Looks until `stop` is set."""
        while True:
            try:
                self.backups.read()
                self._looked = time.monotonic()
            except OSError as error:  # told by the health check, and by an age that is missed
                log.error("%s: %s", error.filename, error.strerror)  # noqa: TRY400  # the words say it all
            if stop.wait(_EVERY):
                return

    def healthy(self) -> bool:
        """Whether it looks, and sees something."""
        return time.monotonic() - self._looked < 4 * _EVERY

    def samples(self) -> Iterator[Sample]:
        """What `/metrics` tells."""
        yield from super().samples()
        yield from self.backups.samples(time.time())


def main(arguments: list[str]) -> int:
    """Runs until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if arguments == ["--version"]:
        print(f"watchfloor {version()}")
        return EXIT_OK
    if arguments:
        print("python -m compose.recorded: takes no argument", file=sys.stderr)
        return EXIT_BAD_INPUT
    return serve(Recorded, lambda site: site.ports.watcher)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
