"""What a set of backups is, where it lies, and what is remembered of the last attempt.

A set is a folder `files/<label>` that holds one folder a service and `backup.json`; it is made under another name and renamed
when it is whole. PostgreSQL's part lies beside it in pgBackRest's own form; `backup.json` names it. Of containers it holds one
tar a service instead, PostgreSQL among them.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from compose import state
from compose.errors import ComposeError
from settings import Paths, Site

MANIFEST = "backup.json"
_LABEL = "%Y%m%dT%H%M%SZ"
_PARTIAL = ".partial"
NATIVE, DOCKER = "native", "docker"
# Seconds between two touches of a backup that is under way, and after how many without one it is none.
_BEAT, _SILENT = 5.0, 30.0


def files(site: Site, paths: Paths) -> Path:
    """Where sets are."""
    return Path(site.backup.to or paths.backups) / "files"


def labels(folder: Path) -> list[str]:
    """The whole sets, oldest first."""
    return sorted(found.parent.name for found in folder.glob(f"*Z/{MANIFEST}"))


@contextmanager
def fresh(site: Site, paths: Paths) -> Iterator[Path]:
    """A folder for a new set, which gets its name once it is whole; then sets that are too many are removed."""
    folder, label = files(site, paths), time.strftime(_LABEL, time.gmtime())
    for left in folder.glob(f"*{_PARTIAL}"):
        shutil.rmtree(left)
    new = folder / f"{label}{_PARTIAL}"
    new.mkdir(mode=0o700)
    yield new
    os.sync()  # older ones go only when this one is on its disk
    new.rename(folder / label)
    os.sync()
    for old in labels(folder)[: -site.backup.keep]:
        shutil.rmtree(folder / old)


@contextmanager
def beating(paths: Paths) -> Iterator[None]:
    """In here a backup is under way, and a file is touched again and again: who is killed touches it no more."""
    beat, over = _beat(paths), threading.Event()
    beat.unlink(missing_ok=True)  # whatever stands there is not followed
    beat.touch()

    def touch() -> None:
        while not over.wait(_BEAT):
            beat.touch()

    worker = threading.Thread(target=touch, daemon=True)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()
        beat.unlink(missing_ok=True)


def is_beating(paths: Paths) -> bool:
    """Whether a backup is under way; one that was killed is for half a minute."""
    try:
        return abs(time.time() - _beat(paths).stat().st_mtime) < _SILENT
    except OSError:
        return False


def _beat(paths: Paths) -> Path:
    return paths.data / "backup" / "beat"


@dataclass(frozen=True)
class Manifest:
    """What `backup.json` tells.

    The home's layout; PostgreSQL's major version, and pgBackRest's label (empty: none); bytes; the runtime that it was made in.
    Of containers: `sums`, the SHA-256 of each file, and `data`, where PostgreSQL's cluster is in its volume.
    """

    layout: int
    postgres: str
    label: str
    bytes: int
    runtime: str = NATIVE
    data: str = ""
    sums: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Puts it into a set."""
        (folder / MANIFEST).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path, runtime: str) -> Manifest:
        """Of a set that is to be restored in that runtime. Raises ComposeError where it cannot be."""
        try:
            found = cls(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise ComposeError(f"no backup: {folder / MANIFEST}: {error}: take another one by from=") from error
        if found.layout > state.LAYOUT:
            raise ComposeError(f"{folder} was made by a newer version (layout {found.layout}): restore it with that version")
        if found.runtime != runtime:
            what = f"{folder} was made in another runtime: site.yaml"
            raise ComposeError(f"{what}: set runtime: {found.runtime}, or take another one by from=")
        if Path(found.data).is_absolute() or ".." in Path(found.data).parts:
            raise ComposeError(f"no backup: {folder / MANIFEST}: data: {found.data} leads elsewhere: take another one by from=")
        return found


@dataclass(frozen=True)
class Record:
    """What is known of all attempts. `paused`: Prometheus was stopped and is not yet started again."""

    attempts: int = 0
    successes: int = 0
    ok: bool = True
    paused: bool = False
    began: float = 0.0
    seconds: float = 0.0
    bytes: int = 0
    asked: float = 0.0  # unix time since which site.yaml asks for backups; 0: it does not
    newest: float = 0.0  # unix time at which the newest good one began; 0: there is none
    words: str = ""

    @staticmethod
    def file(paths: Paths) -> Path:
        """Where it stands."""
        return paths.data / "backup" / "record.json"

    @classmethod
    def read(cls, paths: Paths) -> Record:
        """The record; one of nothing where there is none, or none that can be read."""
        try:
            return cls(**json.loads(cls.file(paths).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self, paths: Paths) -> Record:
        """By one rename; whoever tells of it may be another user."""
        new = self.file(paths).with_suffix(".new")
        new.unlink(missing_ok=True)  # whatever stands there is not followed
        with new.open("x", encoding="utf-8") as file:
            file.write(json.dumps(asdict(self)))
            os.fchmod(file.fileno(), 0o644)
        new.replace(self.file(paths))
        return self

    def wished(self, every: float, now: float, paths: Paths) -> Record:
        """Remembers since when site.yaml asks for backups (`every` is in seconds, 0 for none), where that is new."""
        if bool(every) == bool(self.asked):
            return self
        return replace(self, asked=now if every else 0.0).write(paths)

    def begun(self) -> Record:
        """An attempt counts as failed until it has succeeded: one that is killed says nothing."""
        return replace(self, attempts=self.attempts + 1, ok=False, began=time.time(), words="was cut off")

    def failed(self, words: str) -> Record:
        """With the error's words."""
        return replace(self, paused=False, words=words, seconds=time.time() - self.began)

    def done(self, size: int) -> Record:
        """With the set's bytes."""
        took = time.time() - self.began
        return replace(
            self, successes=self.successes + 1, ok=True, paused=False, newest=self.began, seconds=took, bytes=size, words=""
        )
