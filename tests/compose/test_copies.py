"""Copies of secrets for containers: who may read them, whose containers have to be made anew, also after a start that failed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from compose.copies import Copies

READERS = {"store": ("password",), "stream": ("password", "token"), "inbox": ("token",), "edge": ()}


def copies(folder: Path) -> Copies:
    return Copies(folder / "secrets", os.getgid())


def test_what_has_not_changed_makes_nobody_begin_anew(tmp_path: Path) -> None:
    texts = {"password": b"one", "token": b"two"}
    assert copies(tmp_path).write(texts, READERS) == ["store", "stream", "inbox"]
    copies(tmp_path).renewed()
    assert copies(tmp_path).write(texts, READERS) == []
    assert copies(tmp_path).write(texts | {"token": b"three"}, READERS) == ["stream", "inbox"]
    assert (tmp_path / "secrets" / "token").read_bytes() == b"three"


def test_a_start_that_failed_is_made_up_for_by_the_next(tmp_path: Path) -> None:
    copies(tmp_path).write({"password": b"one", "token": b"two"}, READERS)
    copies(tmp_path).renewed()
    assert copies(tmp_path).write({"password": b"new", "token": b"two"}, READERS) == ["store", "stream"]
    # The copies are new, and containers have the old ones still: nobody has said otherwise.
    assert copies(tmp_path).write({"password": b"new", "token": b"other"}, READERS) == ["store", "stream", "inbox"]
    copies(tmp_path).renewed()
    assert copies(tmp_path).write({"password": b"new", "token": b"other"}, READERS) == []


def test_the_file_of_before_stays_with_who_reads_it(tmp_path: Path) -> None:
    copies(tmp_path).write({"token": b"one"}, READERS)
    with (tmp_path / "secrets" / "token").open("rb") as file:
        copies(tmp_path).write({"token": b"two"}, READERS)
        assert file.read() == b"one"


def test_nobody_but_the_group_may_read(tmp_path: Path) -> None:
    copies(tmp_path).write({"token": b"one"}, READERS)
    folder = tmp_path / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o640
