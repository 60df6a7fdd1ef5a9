"""Backups of containers, on a real engine: made, refused where they are not whole, and brought back row by row."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from compose import backups, container_backup, container_restore
from compose.backups import Manifest
from compose.docker import Containers
from compose.errors import ComposeError
from compose.rotate import rotate
from compose.volumes import sha256_of
from metrics import stack as names
from settings.paths import CLONE
from tests.containers import looks
from tests.waiting import until

_COUNT = "SELECT count(*) FROM price_history"
_ROWS = "SELECT count(*) || ' ' || sum(hashtextextended(t::text, 0)::numeric) FROM price_history t WHERE id <= {}"


@dataclass(frozen=True)
class Kept:
    """What a set holds: its label, the query of its rows' count and checksum with the answer, and when it was begun."""

    label: str
    query: str
    rows: str
    begun: float


def say(text: str) -> None:
    """One line of progress."""
    print("   ", text, flush=True)


def made(stack: Containers) -> Kept:
    """A set, while nobody writes rows."""
    looks.docker("stop", looks.found(stack)["stream"]["Id"])
    query, at = _ROWS.format(looks.rows(stack, "SELECT max(id) FROM price_history")), time.time()
    rows = looks.rows(stack, query)
    assert int(rows.split()[0]) > 0, rows
    looks.docker("start", looks.found(stack)["stream"]["Id"])
    done = container_backup.backup(stack, say)
    assert done.bytes > 1 << 20, done
    told = f"{names.BACKUP_BYTES.name} == {done.bytes} and {names.BACKUP_SUCCESS.name} == 1 and {names.BACKUP_AGE.name} < 60"
    until("Prometheus knows of the backup", lambda: looks.query(stack, told), 60, 0.5)
    (label,) = backups.labels(_folder(stack))
    return Kept(label, query, rows, at)


def lose_all(stack: Containers) -> None:
    """Rows go, and a password is changed: the set knows the old one."""
    looks.rows(stack, "DELETE FROM price_history")
    rotate(stack, "app_password", say)


def try_what_is_not_whole(stack: Containers, kept: Kept) -> None:
    """Refused before anything is touched; and where a cluster is no cluster, what was there is back."""
    bad = _folder(stack) / f"{kept.label[:8]}T000000Z"
    shutil.copytree(bad.with_name(kept.label), bad)
    ran = looks.found(stack)["postgres"]["State"]["StartedAt"]
    with (bad / "postgres.tar").open("r+b") as file:
        file.truncate((1 << 20) + 100)
    _refused(stack, bad, "is not what was written")
    _believe(bad)
    _refused(stack, bad, "unpacking postgres failed")
    assert looks.found(stack)["postgres"]["State"]["StartedAt"] == ran
    _hollow(bad)
    _refused(stack, bad, "does not recover")
    assert not stack.running()
    stack.up(say)
    assert looks.rows(stack, kept.query) != kept.rows
    shutil.rmtree(bad)


def kill_a_restore(stack: Containers, kept: Kept) -> None:
    """Killed once it has begun to change volumes, it is told by each command; the next start brings the old data back."""
    where = ["--home", str(stack.host.home), "--site", str(stack.site_file)]
    words = [sys.executable, "-m", "compose", "restore", "--yes", "--from", kept.label, *where]
    with subprocess.Popen(words, cwd=CLONE, start_new_session=True) as process:
        until("it changes volumes", lambda: container_restore.journal(stack.paths).exists(), 120, 0.01)
        os.killpg(process.pid, signal.SIGKILL)
    told = subprocess.run(
        [sys.executable, "-m", "compose", "backup", *where], cwd=CLONE, capture_output=True, text=True, check=False
    )
    assert (told.returncode, "a restore was cut off" in told.stderr) == (1, True), told
    subprocess.run([sys.executable, "-m", "compose", "up", *where], cwd=CLONE, check=True)
    assert not container_restore.journal(stack.paths).exists()
    assert looks.rows(stack, kept.query) != kept.rows


def bring_back(stack: Containers, kept: Kept) -> None:
    """Each row, and Prometheus's samples, are there again, and what came later is not; rows are written by the new password."""
    now, scraped = time.time(), "count(count_over_time(up[10s] @ {:.0f}))"
    until("samples that the set lacks", lambda: looks.query(stack, scraped.format(now)), 60, 0.5)
    assert container_restore.bring_back(stack, kept.label, say) == kept.label
    assert looks.rows(stack, kept.query) == kept.rows
    assert looks.query(stack, scraped.format(kept.begun)), "Prometheus has forgotten"
    assert not looks.query(stack, scraped.format(now)), "Prometheus has what the set lacks"
    count = int(looks.rows(stack, _COUNT))
    until("rows are written again", lambda: int(looks.rows(stack, _COUNT)) > count, 60, 0.5)


def _folder(stack: Containers) -> Path:
    return backups.files(stack.site(), stack.paths)


def _refused(stack: Containers, bad: Path, words: str) -> None:
    with pytest.raises(ComposeError, match=words):
        container_restore.bring_back(stack, bad.name, say)


def _believe(folder: Path) -> None:
    """A set whose sums tell of its files as they are."""
    manifest = Manifest.read(folder, backups.DOCKER)
    replace(manifest, sums={name: sha256_of(folder / f"{name}.tar") for name in manifest.sums}).write(folder)


def _hollow(folder: Path) -> None:
    """A set whose cluster has nothing but its version."""
    known = folder.parent / "PG_VERSION"
    known.write_text(f"{Manifest.read(folder, backups.DOCKER).postgres}\n", encoding="ascii")
    with tarfile.open(folder / "postgres.tar", "w") as archive:
        archive.add(known, arcname=known.name)
    known.unlink()
    _believe(folder)
