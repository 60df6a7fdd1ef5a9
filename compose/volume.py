"""One service's volume, from inside a container: its state packed into a tar, or a tar put into its place.

`python -m compose.volume ACTION PLACE …`, as the volume's own user, by compose/volumes.py. What this makes stands in the volume's
folder `.watchfloor`: every step is a rename on one file system, and one that was cut off can be told from a whole one:

    staged   a copy that a running service no longer changes, on its way into a tar
    fresh    what a tar held, on its way into its place
    leaving  the old state, while it is moved aside
    before   the old state, all of it; what stands in its place is new, or half of it
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

OWN = ".watchfloor"
_KEPT = (OWN, "lost+found")
_BLOCK = 26  # characters of the name of one of Prometheus's blocks, a ULID


def stage_prometheus(place: Path) -> None:
    """Finished blocks linked, the rest copied, of a Prometheus that stands still meanwhile."""
    staged = _empty(place, "staged")
    for entry in _entries(place):
        if entry.is_dir() and len(entry.name) == _BLOCK:
            shutil.copytree(entry, staged / entry.name, copy_function=os.link)
        elif entry.name in ("wal", "chunks_head"):
            shutil.copytree(entry, staged / entry.name)


def stage_database(place: Path, name: str) -> None:
    """A copy of a SQLite database by SQLite's own backup. Raises ValueError where the copy is damaged."""
    staged = _empty(place, "staged")
    with (
        closing(sqlite3.connect(f"{(place / name).as_uri()}?mode=rw", uri=True)) as old,
        closing(sqlite3.connect(staged / name)) as new,
    ):
        old.backup(new)
        (verdict,) = new.execute("PRAGMA quick_check").fetchone()
    if verdict != "ok":
        raise ValueError(f"the copy is damaged: {place / name}: {verdict}: look at the disk, and restore an older backup")


def stage_files(place: Path) -> None:
    """Copies of files that are replaced by a rename."""
    staged, half = _empty(place, "staged"), shutil.ignore_patterns("*.tmp*", "*.new")
    for entry in _entries(place):
        if entry.is_dir():
            shutil.copytree(entry, staged / entry.name, ignore=half)
        elif not half(str(place), [entry.name]):
            shutil.copy2(entry, staged)


def pack(place: Path) -> None:
    """What was staged, as a tar on standard output; it is removed."""
    staged = place / OWN / "staged"
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        archive.add(staged, arcname=".")
    shutil.rmtree(staged)


def unpack(place: Path, below: str = "", version: str = "") -> None:
    """The tar on standard input, beside what is there; it will stand in the folder `below` of the place.

    Raises ValueError for what is no backup, and where PostgreSQL's `version` is asked for and is another.
    """
    clear(place)  # of an earlier restore that was good
    target = _empty(place, "fresh") / below
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python before 3.11.4 has none
        for member in archive:
            parts = Path(member.name).parts
            if not (member.isfile() or member.isdir()) or ".." in parts or parts[:1] == ("/",):
                raise ValueError(f"{member.name}: a backup holds files and folders: take another one")
            archive.extract(member, target)
    if version and (target / "PG_VERSION").read_text(encoding="ascii").strip() != version:
        raise ValueError(f"the cluster is not of PostgreSQL {version}: take another backup")


def swap(place: Path) -> None:
    """What was unpacked gets its place; what was there stands aside."""
    own = place / OWN
    (own / "leaving").mkdir(mode=0o700)
    _move(_entries(place), own / "leaving")
    (own / "leaving").rename(own / "before")
    _move((own / "fresh").iterdir(), place)
    (own / "fresh").rmdir()


def undo(place: Path) -> None:
    """The old state gets its place again, wherever a swap, or an undoing, was cut off."""
    own = place / OWN
    if (own / "before").exists():
        for entry in _entries(place):
            _remove(entry)
        (own / "before").rename(own / "leaving")
    if (own / "leaving").exists():
        _move((own / "leaving").iterdir(), place)
    clear(place)


def clear(place: Path) -> None:
    """Removes all that this module has made."""
    if (place / OWN).exists():
        shutil.rmtree(place / OWN)


def _empty(place: Path, name: str) -> Path:
    folder = place / OWN / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return folder


def _entries(place: Path) -> Iterator[Path]:
    yield from [entry for entry in place.iterdir() if entry.name not in _KEPT]


def _move(entries: Iterator[Path], target: Path) -> None:
    for entry in list(entries):
        entry.rename(target / entry.name)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


ACTIONS: dict[str, Callable[..., None]] = {
    "stage-prometheus": stage_prometheus, "stage-database": stage_database, "stage-files": stage_files,
    "pack": pack, "unpack": unpack, "swap": swap, "undo": undo, "clear": clear,
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """One action on one place; exit code 1 with the words of what failed."""
    action, place, *more = arguments
    try:
        ACTIONS[action](Path(place), *more)
    except (OSError, ValueError, sqlite3.Error, tarfile.TarError) as error:
        print(f"{action}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
