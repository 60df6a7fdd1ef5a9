"""A service's volume, packed, filled and put back, by the program that does it within a container; no engine is needed."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from compose import volume

BLOCK = "01KB6Z5W3N0000000000000000"


def act(action: str, place: Path, *more: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-m", "compose.volume", action, str(place), *more]
    return subprocess.run(words, input=given, capture_output=True, check=False)


def done(action: str, place: Path, *more: str, given: bytes = b"") -> bytes:
    ended = act(action, place, *more, given=given)
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout


def tree(place: Path) -> dict[str, str]:
    """What is in a volume, without what the program itself keeps there."""
    files = (path for path in place.rglob("*") if path.is_file() and volume.OWN not in path.parts)
    return {str(path.relative_to(place)): path.read_text() for path in files}


def filled(place: Path, **files: str) -> Path:
    for name, text in files.items():
        path = place / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place


def test_prometheus_is_packed_without_what_it_makes_anew(tmp_path: Path) -> None:
    place = filled(
        tmp_path / "old", **{f"{BLOCK}/index": "i", "wal/000": "w", "chunks_head/1": "c", "lock": "", "queries.active": "q"}
    )
    done("stage-prometheus", place)
    (place / "wal" / "000").write_text("it goes on")
    packed = done("pack", place)
    assert not (place / volume.OWN / "staged").exists()
    fresh = filled(tmp_path / "new", lock="")
    done("unpack", fresh, "", given=packed)
    assert tree(fresh) == {"lock": ""}
    done("swap", fresh)
    assert tree(fresh) == {f"{BLOCK}/index": "i", "wal/000": "w", "chunks_head/1": "c"}


def test_a_database_is_copied_whole_while_a_transaction_is_open(tmp_path: Path) -> None:
    place = filled(tmp_path / "inbox", half__new="")
    with closing(sqlite3.connect(place / "inbox.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE told (text)")
        writer.execute("INSERT INTO told VALUES ('kept')")
        writer.execute("BEGIN")
        writer.execute("INSERT INTO told VALUES ('never committed')")
        done("stage-database", place, "inbox.db")
        packed = done("pack", place)
    fresh = filled(tmp_path / "fresh")
    fresh.mkdir()
    done("unpack", fresh, "", given=packed)
    done("swap", fresh)
    with closing(sqlite3.connect(fresh / "inbox.db")) as reader:
        assert reader.execute("SELECT text FROM told").fetchall() == [("kept",)]


def test_a_damaged_or_missing_database_is_no_backup(tmp_path: Path) -> None:
    place = filled(tmp_path, **{"inbox.db": "no database at all" * 400})
    ended = act("stage-database", place, "inbox.db")
    assert (ended.returncode, ended.stderr) == (1, b"stage-database: file is not a database\n")
    ended = act("stage-database", place, "other.db")
    assert (ended.returncode, ended.stderr) == (1, b"stage-database: unable to open database file\n")
    assert not (place / "other.db").exists()


def test_half_written_files_stay_behind(tmp_path: Path) -> None:
    place = filled(tmp_path / "old", nflog="n", models__one="m", models__two_new="t")
    (place / "silences.new").write_text("half")
    (place / "models" / "x.tmp1").write_text("half")
    done("stage-files", place)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    done("unpack", fresh, "", given=done("pack", place))
    done("swap", fresh)
    assert tree(fresh) == {"nflog": "n", "models/one": "m", "models/two_new": "t"}


def test_what_is_unpacked_below_a_folder_stands_there(tmp_path: Path) -> None:
    source, fresh = (
        filled(tmp_path / "old", PG_VERSION="18"),
        filled(tmp_path / "new", **{"18/docker/PG_VERSION": "18", "18/docker/x": ""}),
    )
    done("stage-files", source)
    done("unpack", fresh, "18/docker", given=done("pack", source))
    done("swap", fresh)
    assert tree(fresh) == {"18/docker/PG_VERSION": "18"}
    assert (fresh / "18" / "docker").stat().st_mode & 0o777 == 0o700


def unpacked(place: Path) -> Path:
    """A volume with three old files, and three others unpacked beside them."""
    filled(place / volume.OWN / "fresh", b="new", c="new", d="new")
    return filled(place, a="old", b="old", c="old")


@pytest.fixture
def swapping(tmp_path: Path) -> Path:
    return unpacked(tmp_path / "it")


OLD, NEW = dict.fromkeys("abc", "old"), dict.fromkeys("bcd", "new")


def test_undone_the_old_state_is_back_and_nothing_else(swapping: Path) -> None:
    done("swap", swapping)
    assert tree(swapping) == NEW
    done("undo", swapping)
    assert tree(swapping) == OLD
    assert not (swapping / volume.OWN).exists()


def test_cleared_the_new_state_stays(swapping: Path) -> None:
    done("swap", swapping)
    done("clear", swapping)
    done("undo", swapping)
    assert (tree(swapping), [path.name for path in swapping.iterdir() if path.is_dir()]) == (NEW, [])


class CutOffError(Exception):
    """As if the machine had ended here."""


def cut_off(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """The step after so many of them on the file system does not come any more."""
    left = [after]

    def counting(do: Callable[..., object]) -> Callable[..., object]:
        def step(*words: object, **more: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise CutOffError
            return do(*words, **more)

        return step

    for name in ("rename", "unlink", "mkdir", "rmdir"):
        monkeypatch.setattr(Path, name, counting(getattr(Path, name)))


@pytest.mark.parametrize("after", range(12))
def test_wherever_a_swap_and_its_undoing_are_cut_off_the_old_state_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    for again in range(12):
        place = unpacked(tmp_path / str(again))
        for steps, action in ((after, volume.swap), (again, volume.undo)):
            with monkeypatch.context() as broken, contextlib.suppress(CutOffError):
                cut_off(broken, steps)
                action(place)
        volume.undo(place)
        assert tree(place) == OLD
        assert not (place / volume.OWN).exists()


def test_a_swap_that_was_not_undone_is_not_begun_again(swapping: Path) -> None:
    for left in ("leaving", "before"):
        kept = swapping / volume.OWN / left / "precious"
        filled(kept.parent, precious="old")
        ended = act("swap", swapping)
        assert ended.returncode == 1
        assert kept.exists()
        kept.unlink()
        kept.parent.rmdir()


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../outside"])  # noqa: S108  # nothing is written there
def test_a_tar_that_leads_out_of_the_volume_is_refused(swapping: Path, name: str) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    ended = act("unpack", swapping, "", given=held.getvalue())
    assert (ended.returncode, ended.stderr.decode()) == (
        1,
        f"unpack: {name}: a backup holds files and folders: take another one\n",
    )
    assert tree(swapping) == OLD


def test_a_link_is_no_part_of_a_backup(swapping: Path) -> None:
    held, link = io.BytesIO(), tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(link)
    assert act("unpack", swapping, "", given=held.getvalue()).returncode == 1


def test_a_cluster_of_another_version_is_refused_before_it_has_its_place(swapping: Path, tmp_path: Path) -> None:
    source = filled(tmp_path / "source", PG_VERSION="17\n")
    done("stage-files", source)
    packed = done("pack", source)
    ended = act("unpack", swapping, "18/docker", "18", given=packed)
    assert (ended.returncode, b"is not of PostgreSQL 18" in ended.stderr) == (1, True)
    done("unpack", swapping, "18/docker", "17", given=packed)
    assert tree(swapping) == OLD


def test_what_an_earlier_restore_left_is_gone_before_the_next(swapping: Path, tmp_path: Path) -> None:
    done("swap", swapping)
    source = filled(tmp_path / "source", e="newest")
    done("stage-files", source)
    done("unpack", swapping, given=done("pack", source))
    done("undo", swapping)
    assert tree(swapping) == NEW


def test_a_tar_that_ends_early_changes_nothing(swapping: Path, tmp_path: Path) -> None:
    source = filled(tmp_path / "large", x="x" * 100_000)
    done("stage-files", source)
    packed = done("pack", source)
    ended = act("unpack", swapping, "", given=packed[:50_000])
    assert (ended.returncode, ended.stderr) == (1, b"unpack: unexpected end of data\n")
    assert tree(swapping) == OLD
