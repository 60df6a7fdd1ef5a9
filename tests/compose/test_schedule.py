"""When a backup is due, and what the watcher tells of one that is killed, fails or is under way."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from compose.backups import Record, beating
from compose.schedule import Backups, due
from metrics import stack
from settings import Paths, Site
from settings.backup import Backup

DAY = 86_400.0


@pytest.mark.parametrize(
    ("record", "every", "wanted"),
    [
        (Record(), 0, False),
        (Record(), DAY, True),
        (Record(began=DAY * 9), DAY, True),
        (Record(began=DAY * 9 + 1), DAY, False),
        (Record(began=DAY * 10 - 3601, ok=False), DAY, True),
        (Record(began=DAY * 10 - 3599, ok=False), DAY, False),
        (Record(began=DAY * 10 - 601, ok=False), 600, True),
        (Record(began=DAY * 11), DAY, True),  # the clock was set back: nobody waits for that day
        (Record(began=DAY * 11), 0, False),
    ],
)
def test_due(record: Record, every: float, *, wanted: bool) -> None:
    assert due(record, every, DAY * 10) is wanted


class Asked:
    """What supervisord is asked for."""

    def __init__(self, *, busy: bool = False) -> None:
        self.under_way, self.started = busy, list[str]()

    def busy(self, _: str) -> bool:
        return self.under_way

    def call(self, _: str, name: str, *__: object) -> None:
        self.started.append(name)

    def start_stopped(self) -> list[str]:
        self.started.append("prometheus")
        return ["prometheus"]


def told(backups: Backups, now: float) -> dict[str, float]:
    return {metric.name: value for metric, _, value in backups.samples(now) if isinstance(value, int | float)}


def made(tmp_path: Path, **section: Any) -> tuple[Backups, Paths]:
    paths = Paths(tmp_path)
    Record.file(paths).parent.mkdir(parents=True, exist_ok=True)
    return Backups(msgspec.structs.replace(Site(), backup=Backup(**section)), paths), paths


def test_one_that_is_due_is_begun_and_its_age_counts_from_the_wish(tmp_path: Path) -> None:
    backups, _ = made(tmp_path, every="24h")
    asked = Asked()
    backups.look(asked, DAY * 10)  # type: ignore[arg-type]  # what is asked of it is all there
    assert asked.started == ["backup"]
    figures = told(backups, DAY * 10 + 500)
    assert figures[stack.BACKUP_AGE.name] == 500
    assert figures[stack.BACKUP_INTERVAL.name] == DAY
    assert stack.BACKUP_BYTES.name not in figures


def test_a_killed_one_is_a_failure_and_prometheus_is_started(tmp_path: Path) -> None:
    backups, paths = made(tmp_path)
    replace(Record(began=1000.0).begun(), paused=True).write(paths)
    under_way = Asked(busy=True)
    backups.look(under_way, 1001.0)  # type: ignore[arg-type]
    assert told(backups, 1001.0)[stack.BACKUP_FAILURES.name] == 0
    assert told(backups, 1001.0)[stack.BACKUP_SUCCESS.name] == 1
    killed = Asked()
    backups.look(killed, 1002.0)  # type: ignore[arg-type]
    assert killed.started == ["prometheus"]
    figures = told(backups, 1002.0)
    assert (figures[stack.BACKUP_ATTEMPTS.name], figures[stack.BACKUP_FAILURES.name]) == (1, 1)
    assert figures[stack.BACKUP_SUCCESS.name] == 0
    assert not Record.read(paths).paused


def test_none_is_begun_beside_another(tmp_path: Path) -> None:
    backups, _ = made(tmp_path, every="24h")
    asked = Asked(busy=True)
    backups.look(asked, 1000.0)  # type: ignore[arg-type]
    assert asked.started == []


def test_a_good_one_resets_the_age(tmp_path: Path) -> None:
    backups, paths = made(tmp_path, every="24h")
    record = Record().begun().done(5_000_000).write(paths)
    backups.look(Asked(), record.began + 60)  # type: ignore[arg-type]
    figures = told(backups, record.began + 60)
    assert figures[stack.BACKUP_AGE.name] == 60
    assert figures[stack.BACKUP_BYTES.name] == 5_000_000
    assert figures[stack.BACKUP_FAILURES.name] == 0


def test_where_others_make_backups_a_beat_tells_of_one_under_way(tmp_path: Path) -> None:
    backups, paths = made(tmp_path, every="24h")
    record = Record().wished(DAY, 1000.0, paths).begun().write(paths)
    with beating(paths):
        backups.read()
        assert told(backups, 2000.0)[stack.BACKUP_SUCCESS.name] == 1
        assert told(backups, 2000.0)[stack.BACKUP_AGE.name] == 1000
        beat = Record.file(paths).with_name("beat")
        os.utime(beat, (beat.stat().st_mtime - 31,) * 2)  # killed: nothing touches it any more, and nobody says how it ended
        backups.read()
        assert told(backups, 2000.0)[stack.BACKUP_SUCCESS.name] == 0
    record.failed("no room").write(paths)
    backups.read()  # one that failed is told at once
    assert told(backups, 2000.0)[stack.BACKUP_SUCCESS.name] == 0
    assert told(backups, 2000.0)[stack.BACKUP_FAILURES.name] == 1
    record.done(4096).write(paths)
    backups.read()
    figures = told(backups, record.began + 60)
    assert (figures[stack.BACKUP_SUCCESS.name], figures[stack.BACKUP_BYTES.name]) == (1, 4096)
    assert figures[stack.BACKUP_AGE.name] == pytest.approx(60)


def test_a_link_in_the_records_place_is_not_written_through(tmp_path: Path) -> None:
    """The folder may have been the services' user's, while root writes there now."""
    _, paths = made(tmp_path)
    other = tmp_path / "other"
    other.write_text("untouched")
    for name in ("record.new", "beat"):
        Record.file(paths).with_name(name).symlink_to(other)
    with beating(paths):
        Record().begun().write(paths)
        assert not Record.file(paths).with_name("beat").is_symlink()
    assert (other.read_text(), Record.read(paths).attempts) == ("untouched", 1)


def test_what_nobody_has_made_is_told_as_such(tmp_path: Path) -> None:
    """Without a folder, as before the first start; nothing is written."""
    backups = Backups(Site(), Paths(tmp_path))
    backups.read()
    assert told(backups, 2000.0)[stack.BACKUP_SUCCESS.name] == 1
    assert list(tmp_path.iterdir()) == []
