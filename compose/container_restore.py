"""Brings a set back into the containers' volumes: beside what is there, then by renames; the old state stays until all is well.

The volumes that are worked on stand in `run/restore-volumes.json` meanwhile: where that is found at a start, the restore was cut
off, and the old state goes back.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from compose import backups, engine, restore, roles, state
from compose.backups import Manifest
from compose.container_backup import POSTGRES, file_of, folders, volumes
from compose.docker import Containers
from compose.errors import ComposeError
from compose.images import CONTAINERS, image
from compose.volumes import Volumes, sha256_of

if TYPE_CHECKING:
    from compose.native import Tell
    from settings import Paths

_RECOVERED_WITHIN = 3600.0  # seconds
_FALLS = 3  # times that the engine has started it again


def bring_back(stack: Containers, label: str, tell: Tell) -> str:
    """Restores the set of that label, or the newest; returns its label. The appliance runs afterwards.

    Raises ComposeError where that cannot be done; the data is then what it was.
    """
    state.refuse_newer(stack.paths)
    site, _ = stack.settings(tell)
    folders(stack, site)
    label = restore.chosen(site, stack.paths, label)
    folder = backups.files(site, stack.paths) / label
    manifest = Manifest.read(folder, backups.DOCKER)
    _check(folder, manifest)
    _refuse_other_version(folder, manifest)
    stack.create(tell)
    services = [name for name in manifest.sums if name in {service.name for service in stack.services(site)}]
    tell(f"restoring {label} beside what is there")
    held = volumes(stack, tell)
    _unpack(held, folder, manifest, services)
    tell("stopping, and putting it in place")
    try:
        stack.compose("stop")
        _swap(stack, held, services)
        if POSTGRES in services:
            _let_in(stack, manifest)
        stack.up(tell)
    except BaseException:
        with suppress(ComposeError):
            stack.compose("stop")
        go_back(stack, tell)
        tell("it does not start with the restored data: the old data is back: `make up` starts it")
        raise
    journal(stack.paths).unlink()
    for name in services:
        held.run(name, "clear")
    return label


def _check(folder: Path, manifest: Manifest) -> None:
    """Raises ComposeError for a part that is not what was written."""
    for name, known in manifest.sums.items():
        file = file_of(folder, name)
        if not file.exists() or sha256_of(file) != known:
            what = "is not there" if not file.exists() else "is not what was written"
            raise ComposeError(f"{file} {what}: nothing was changed: take another backup by from=, and look at that disk")


def _refuse_other_version(folder: Path, manifest: Manifest) -> None:
    """Raises ComposeError for a cluster of another major version than the image's, which would make an empty one."""
    if not manifest.postgres:
        return
    name = image(CONTAINERS[POSTGRES])
    told = engine.run(["docker", "run", "--rm", "--network", "none", "--entrypoint", "postgres", name, "--version"], what=name)
    if told.split()[2].partition(".")[0] != manifest.postgres:
        what = f"{folder} is of PostgreSQL {manifest.postgres}, {name} is {told.strip()}"
        raise ComposeError(f"{what}: restore it with the Watchfloor that made it, then move (docs/guides/upgrade.md)")


def _unpack(held: Volumes, folder: Path, manifest: Manifest, services: list[str]) -> None:
    try:
        for name in services:
            below = (manifest.data, manifest.postgres) if name == POSTGRES else ()
            held.unpack(name, file_of(folder, name), *below)
    except BaseException:  # what was unpacked until now may have filled a disk
        for name in services:
            with suppress(ComposeError):
                held.run(name, "clear")
        raise


def _swap(stack: Containers, held: Volumes, services: list[str]) -> None:
    new = journal(stack.paths).with_suffix(".new")
    new.write_text(json.dumps(services), encoding="utf-8")
    os.sync()
    new.replace(journal(stack.paths))
    os.sync()
    for name in services:
        held.run(name, "swap")


def _let_in(stack: Containers, manifest: Manifest) -> None:
    """Has PostgreSQL recover alone, and gives the roles the passwords of this home, by which the others come in."""
    stack.compose("up", "--detach", "--no-deps", POSTGRES)
    end = time.monotonic() + _RECOVERED_WITHIN
    while (row := next(row for row in stack.rows() if row.name == POSTGRES)).state != "ok":
        if time.monotonic() > end or (row.restarts or 0) >= _FALLS:
            raise ComposeError(f"PostgreSQL {manifest.postgres} does not recover: {stack.words(row)}")
        time.sleep(0.5)
    statements = roles.passwords(stack.paths).replace("END $$\n", "END $$;\n")
    stack.psql(statements, "roles could not be given this home's passwords")


def journal(paths: Paths) -> Path:
    """Where a restore writes down which volumes it changes."""
    return restore.journal(paths, contained=True)


def go_back(stack: Containers, tell: Tell) -> bool:
    """The old state of a restore that was cut off gets its places again; tells whether there was one."""
    try:
        services = json.loads(journal(stack.paths).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    if stack.running():
        stack.compose("stop")
    held = volumes(stack, tell)
    for name in services:
        held.run(name, "undo")
    journal(stack.paths).unlink()
    return True
