"""Brings a set of backups back: everything beside its place first, then by renames, with the old data kept until all is well.

What is renamed stands in `run/restore.json` meanwhile: where that is found at a start, the restore was cut off, and the old data
goes back.
"""

from __future__ import annotations

import json
import shlex
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from compose import backing, backups, pgbackrest, postgres, roles, state
from compose.backups import Manifest
from compose.bootstrap import install_lacking
from compose.errors import BadInputError, ComposeError
from compose.host import DATABASE_USER, run_as

if TYPE_CHECKING:
    from compose.native import Stack, Tell
    from settings import Paths, Site

BESIDE, BEFORE = "restored", "before"
_RECOVERED_WITHIN = 3600.0  # seconds


def restore(stack: Stack, label: str, tell: Tell) -> str:
    """Restores the set of that label, or the newest; returns its label. The appliance runs afterwards.

    Raises ComposeError where that cannot be done; the data is then what it was.
    """
    state.refuse_newer(stack.paths)
    site, _ = stack.settings(tell)
    stack.folders(site)
    label = chosen(site, stack.paths, label)
    tell(f"restoring {label} beside what is there")
    pairs = beside(stack, site, label)
    tell("stopping, and putting it in place")
    stack.down()
    swap(stack.paths, pairs)
    try:
        stack.up(tell)
    except BaseException:
        with suppress(ComposeError):
            stack.down()
        go_back(stack.paths)
        tell("it does not start with the restored data: the old data is back: `make up` starts it")
        raise
    journal(stack.paths).unlink()
    for place in pairs:
        shutil.rmtree(_named(place, BEFORE), ignore_errors=True)
    return label


def chosen(site: Site, paths: Paths, label: str) -> str:
    """The label of a set that is there."""
    known = backups.labels(backups.files(site, paths))
    if not known:
        raise ComposeError(f"no backup is there: {backups.files(site, paths)}: set backup.to in site.yaml to where they are")
    if label and label not in known:
        raise BadInputError(f"from: {label} is no backup: {backups.files(site, paths)} has {', '.join(known[-5:])}")
    return label or known[-1]


def beside(stack: Stack, site: Site, label: str) -> list[Path]:
    """Unpacks the set beside the places that it belongs to; returns these. What runs is not touched."""
    folder = backups.files(site, stack.paths) / label
    manifest = Manifest.read(folder, backups.NATIVE)
    pairs = []
    for part in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        place = stack.paths.data / part.name
        fresh = _named(place, BESIDE)
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o750)
        stack.host.give(fresh)
        run_as(["cp", "-a", f"{part}/.", f"{fresh}/"], stack.host.account())
        pairs.append(place)
    if manifest.label and site.workload:
        pairs.append(_postgres(stack, site, manifest))
    return pairs


def _named(place: Path, ending: str) -> Path:
    return place.with_name(f"{place.name}.{ending}")


def _postgres(stack: Stack, site: Site, manifest: Manifest) -> Path:
    """A cluster beside, recovered to the moment at which it is whole, with the passwords of this home."""
    binaries = postgres.installed().get(int(manifest.postgres))
    if not binaries:
        raise ComposeError(f"the backup is of PostgreSQL {manifest.postgres}: not installed: postgresql-{manifest.postgres}")
    install_lacking(stack.host, (backing.PACKAGE,))
    user, place = stack.host.account(DATABASE_USER), postgres.folder(stack.paths) / manifest.postgres
    fresh, sockets = _named(place, BESIDE), place.parent
    run_as(["rm", "-rf", str(fresh)], user)
    run_as(["mkdir", "-p", "-m", "700", str(sockets / "lock"), str(fresh)], user)
    repository = pgbackrest.place(site, stack.paths)
    # pgBackRest's own would name the spool, which that command refuses where nothing is archived asynchronously.
    fetch = shlex.join(pgbackrest.words("archive-get", fresh, repository)) + ' %f "%p"'
    target = ("--type=immediate", "--target-action=promote", f"--set={manifest.label}")
    run_as(pgbackrest.words("restore", fresh, repository, *target, f"--recovery-option=restore_command={fetch}"), user)
    control = [str(binaries / "pg_ctl"), "-D", str(fresh), "-s", "-w", "-t", f"{_RECOVERED_WITHIN:.0f}"]
    alone = f"-c listen_addresses= -c unix_socket_directories='{fresh}' -c archive_mode=off"
    run_as([*control, "-o", alone, "-l", str(fresh / "recovery.log"), "start"], user)
    try:
        _recovered(fresh)
    finally:
        run_as([*control, "-m", "fast", "stop"], user)
    single = [str(binaries / "postgres"), "--single", "-D", str(fresh), "-c", "exit_on_error=on", "-c", "archive_mode=off"]
    run_as([*single, "postgres"], user, roles.passwords(stack.paths))
    run_as(["rm", "-f", str(fresh / "recovery.log")], user)
    return place


def _recovered(data: Path) -> None:
    """Waits until the server has left recovery: it then writes, and needs the backup no longer."""
    end = time.monotonic() + _RECOVERED_WITHIN
    while (data / "recovery.signal").exists():
        if time.monotonic() > end:
            raise ComposeError(f"PostgreSQL does not come out of recovery: {data}: look at recovery.log there")
        time.sleep(0.05)


def journal(paths: Paths, *, contained: bool = False) -> Path:
    """Where a restore writes down what it renames: folders, or volumes."""
    return paths.run / ("restore-volumes.json" if contained else "restore.json")


def cut_off(stack: Stack) -> Path | None:
    """The journal of a restore that was cut off in this runtime; of the other one `make up` would bring nothing back."""
    file = journal(stack.paths, contained=stack.contained)
    return file if file.exists() else None


def refuse_cut_off(stack: Stack) -> None:
    """Raises ComposeError after a restore that was cut off: what runs then may be half of the one and half of the other."""
    if file := cut_off(stack):
        raise ComposeError(f"a restore was cut off: {file}: `make up` first: the data from before it comes back")


def swap(paths: Paths, places: list[Path]) -> None:
    """What was restored beside gets its place; what was there stays under another name."""
    for place in places:
        shutil.rmtree(_named(place, BEFORE), ignore_errors=True)
    new = journal(paths).with_suffix(".new")
    new.write_text(json.dumps([str(place) for place in places]), encoding="utf-8")
    new.replace(journal(paths))
    for place in places:
        if place.exists():
            place.rename(_named(place, BEFORE))
        _named(place, BESIDE).rename(place)


def go_back(paths: Paths) -> bool:
    """The old data of a restore that was cut off gets its places again; tells whether there was one."""
    try:
        places = [Path(name) for name in json.loads(journal(paths).read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return False
    for place in places:
        before, beside_ = _named(place, BEFORE), _named(place, BESIDE)
        if before.exists():
            shutil.rmtree(place, ignore_errors=True)
            before.rename(place)
        shutil.rmtree(beside_, ignore_errors=True)
    journal(paths).unlink()
    return True
