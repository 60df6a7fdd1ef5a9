"""`make doctor`: what on this machine would keep the appliance from starting or going on, each with its fix.

Looks and changes nothing. A problem keeps something from working, a warning will; exit code 1 tells of problems alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from compose import backing, container_doctor, machine, postgres, restore, state
from compose.backups import Record
from compose.errors import BadInputError, ComposeError
from compose.finding import Finding, Level
from compose.ports import is_free, is_own_address
from compose.supervisor import BACKUP
from compose.terminal import console
from metrics.durations import seconds
from settings import Paths, Site, look
from settings.basic import in_bytes
from settings.exposure import exposed
from settings.ports import holder
from settings.secrets import problem

if TYPE_CHECKING:
    from compose.native import Stack

_POSTGRES = 15  # Debian 12's
_COLOURS = {"ok": look.OK, "warning": look.WARNING, "problem": look.CRITICAL}


def doctor(stack: Stack, options: argparse.Namespace) -> int:
    """Tell what would keep the appliance from working, with the fix."""
    found = list(findings(stack))
    if options.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        console().print(_table(found))
    bad = [finding for finding in found if finding.level == "problem"]
    if bad:
        print(f"{len(bad)} to mend: {', '.join(finding.what for finding in bad)}", file=sys.stderr)
    return 1 if bad else 0


def _table(found: list[Finding]) -> Table:
    shown = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("LOOKED AT", "", "FOUND"):
        shown.add_column(heading, no_wrap=heading != "FOUND", vertical="top")
    for finding in found:
        words = finding.words + (f"\n→ {finding.fix}" if finding.fix else "")
        shown.add_row(finding.what, Text(finding.level, _COLOURS[finding.level]), Text(words))
    return shown


def findings(stack: Stack) -> Iterator[Finding]:
    """Every look, in the order in which `make up` would stumble."""
    yield _python()
    yield from container_doctor.engine_() if stack.contained else _programs(machine.ALWAYS, "`make setup`")
    site = Site()
    try:
        site, _ = stack.settings(lambda _: None) if stack.site_file.exists() else (site, "")
        yield Finding("site.yaml", "ok", "is understood" if stack.site_file.exists() else "is not there yet: `make up` makes it")
    except BadInputError as error:
        yield Finding(
            "site.yaml", "problem", str(error), "the line above says what is allowed; the looks below take the defaults"
        )
    if not stack.contained:
        yield _database()
        yield from _programs(asked_for(site), "`make up` of root")
    yield _state(stack)
    yield from _ports(stack, site)
    if stack.contained:
        yield container_doctor.room()
    else:
        yield from disk(stack.paths.home, site)
        yield _descriptors(site)  # those of containers are the engine's to give
    yield _clock(stack.paths.home)
    yield _memory(site)
    yield from _permissions(stack)
    yield from _certificates(site, stack.paths)
    every = seconds(site.backup.every)
    yield container_doctor.backups(stack.paths, every) if stack.contained else _backups(stack, site)


def _state(stack: Stack) -> Finding:
    """Whether this version, and the PostgreSQL that is installed, can go on with what is there."""
    paths = stack.paths
    try:
        state.refuse_newer(paths)
        if postgres.folder(paths).exists():
            postgres.programs(paths)
    except ComposeError as error:
        return Finding("state", "problem", str(error), "docs/guides/upgrade.md tells the ways")
    except PermissionError:
        return Finding("state", "problem", f"{paths.home} belongs to another user", "run it as who ran `make up`, or by sudo")
    if restore.cut_off(stack):
        return Finding("state", "warning", "a restore was cut off", "`make up` puts the data from before it back")
    return Finding("state", "ok", "is this version's" if state.file(paths).exists() else "none yet")


def _backups(stack: Stack, site: Site) -> Finding:
    record = Record.read(stack.paths)
    if not record.ok and not (stack.running() and stack.supervisor.busy(BACKUP)):
        return Finding("backups", "problem", f"the last one failed: {record.words}", "`make logs s=backup`, then `make backup`")
    if not seconds(site.backup.every):
        words = "site.yaml asks for none" + ("" if record.newest else ", and none was made")
        return Finding("backups", "warning", words, "set backup: {every: 24h, to: A FOLDER} in site.yaml")
    return Finding("backups", "ok", f"every {site.backup.every}" + ("" if record.newest else ", none yet"))


def _python() -> Finding:
    return Finding("Python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def asked_for(site: Site) -> dict[str, machine.Wanted]:
    """The programs that are needed for what this site asks for."""
    return (machine.ENTRANCE if site.entrance.enabled else {}) | (machine.BACKUP if backing.packages_of(site) else {})


def _database() -> Finding:
    versions = postgres.installed()
    newest = max(versions, default=0)
    if newest >= _POSTGRES:
        return Finding("postgresql", "ok", ", ".join(map(str, sorted(versions))))
    words = f"{newest} is too old" if newest else "is not installed: /usr/lib/postgresql"
    return Finding("postgresql", "problem", words, f"install {_POSTGRES} or newer: Debian 12 has it (`make setup`)")


def _programs(wanted: Mapping[str, machine.Wanted], brings: str) -> Iterator[Finding]:
    for program in machine.programs(wanted):
        if not program.version:
            yield Finding(program.name, "problem", "is not installed, or does not tell its version", f"{brings} installs it")
        elif program.too_old:
            fix = f"install {program.oldest} or newer: Debian 12 has it"
            yield Finding(program.name, "problem", f"{program.version} is too old", fix)
        else:
            yield Finding(program.name, "ok", program.version)


def _ports(stack: Stack, site: Site) -> Iterator[Finding]:
    if not is_own_address(site.bind):
        yield Finding("address", "problem", f"{site.bind} is no address of this machine", "set bind: in site.yaml, or 127.0.0.1")
        return
    if exposed(site):
        words = f"{site.bind} shows every service to the network without TLS and a password"
        yield Finding("address", "warning", words, "set bind: 127.0.0.1 and entrance.enabled: true in site.yaml")
    if not stack.contained and not is_own_address("127.0.0.1"):
        fix = "give it back: `ip address add 127.0.0.1/8 dev lo`; `bind:` may be ::1 all the same"
        yield Finding("loopback", "problem", "127.0.0.1 is not there: PostgreSQL and both Redis listen on it alone", fix)
    if stack.running():
        yield Finding("ports", "ok", "the appliance runs and holds its own: `make status` tells how they are")
        return
    taken = 0
    for service, port in stack.listening(site):
        if not is_free(service.address(site), port):
            taken += 1
            fix = f"stop that one, or give {service.name} another under ports: in site.yaml"
            other = machine.appliance_of(port)
            who = f"{holder(port)}{f' of the appliance in {other}' if other else ''}"
            fix = f"`make down` there, or {fix.removeprefix('stop that one, or ')}" if other else fix
            yield Finding(f"port {port}", "problem", f"{service.name} needs it, {who} has it", fix)
    if not taken:
        yield Finding("ports", "ok", "all are free")


def disk(home: Path, site: Site) -> Iterator[Finding]:
    """Room and inodes where state lives; Prometheus may fill what site.yaml lets it."""
    room = machine.room(home)
    kept = in_bytes(site.prometheus.retention_size)
    used = machine.size(home / "data" / "prometheus")
    free, wanted = f"{room.free / 2**30:.1f} GB free at {room.place}", max(0, kept - used)
    if room.free < 2**30 or room.free < room.total / 100:
        yield Finding("disk", "problem", free, "make room: PostgreSQL and Prometheus stop where it is full")
    elif room.free < wanted:
        fix = f"lower prometheus.retention_size ({site.prometheus.retention_size}) in site.yaml, or make room"
        yield Finding("disk", "warning", f"{free}, and Prometheus may take {wanted / 2**30:.1f} GB more", fix)
    else:
        yield Finding("disk", "ok", free)
    if room.inodes and room.free_inodes < room.inodes / 100:
        yield Finding("inodes", "problem", f"{room.free_inodes} of {room.inodes} are free", "remove small files there")


def _clock(home: Path) -> Finding:
    ahead = machine.newest_ahead(home)
    if ahead > 60:
        words = f"the newest file of the appliance is {ahead / 60:.0f} min younger than now: the clock was set back"
        return Finding("clock", "problem", words, "set it right: Prometheus takes no sample older than it has")
    if machine.clock_synchronised() is False:
        fix = "run a time service: `timedatectl set-ntp true`, or chrony"
        return Finding("clock", "warning", "nothing keeps it right: the kernel calls it not synchronised", fix)
    told = (
        "kept right by a time service" if machine.clock_synchronised() else "whether anything keeps it right cannot be seen here"
    )
    return Finding("clock", "ok", told)


def _descriptors(site: Site) -> Finding:
    limit, wanted = machine.descriptors(), 4096
    if limit < wanted:
        fix = f"raise it: `ulimit -n {wanted}`, for good in /etc/security/limits.conf"
        return Finding("open files", "problem", f"at most {limit}: the services need {wanted}", fix)
    if site.workload and limit < 16_384:
        fix = "raise it for thousands of clients: `ulimit -n 65536`"
        return Finding("open files", "warning", f"at most {limit}: each client of the stream is one", fix)
    return Finding("open files", "ok", f"at most {limit}")


def _memory(site: Site) -> Finding:
    memory = machine.memory()
    words = f"{memory.available / 2**30:.1f} GB available of {memory.total / 2**30:.1f}, {memory.swap / 2**30:.1f} GB of swap"
    least = (2 if site.workload else 1) * 2**30
    if memory.available + memory.swap >= least:
        return Finding("memory", "ok", words)
    fix = "add swap, or leave out the workload: `workload: false` in site.yaml" if site.workload else "add swap"
    return Finding("memory", "warning", f"{words}: the appliance wants {least / 2**30:.0f} GB", fix)


def _permissions(stack: Stack) -> Iterator[Finding]:
    paths = stack.paths
    if not paths.secrets.exists():
        yield Finding("secrets", "ok", "none yet: `make up` makes them")
        return
    try:
        files = sorted(path for path in paths.secrets.iterdir() if path.is_file())
    except PermissionError:
        yield Finding("secrets", "problem", f"{paths.secrets} belongs to another user", "run it as who ran `make up`, or by sudo")
        return
    bad = [(path, wrong) for path in files if (wrong := problem(path))]
    for path, (words, fix) in bad:
        yield Finding(f"secret {path.name}", "problem", words, fix)
    if paths.secrets.stat().st_mode & 0o007:
        yield Finding("secrets", "problem", f"{paths.secrets} is open to other users", f"chmod 700 {paths.secrets}")
    elif not bad:
        yield Finding("secrets", "ok", f"{len(files)} files, for their owner alone")


def _given(site: Site, paths: Paths) -> Iterator[tuple[str, str]]:
    """Whose certificates are looked at, and their files; empty where there is none."""
    yield "stream.tls", site.stream.tls.certificate
    if site.entrance.enabled:
        yield "entrance", site.entrance.certificate or _readable(paths.certificate)
        yield "of the appliance's authority", _readable(paths.authority)
    for target in site.exporters.redis.targets:
        yield f"exporters.redis {target.name}", target.certificate
    for name, access in (("hosts_access", site.hosts_access), *((f"scrape {job.job}", job.access) for job in site.scrape)):
        yield name, access.certificate
        yield f"of the authority of {name}", access.authority


def _readable(path: Path) -> str:
    return str(path) if os.access(path, os.R_OK) else ""


def _certificates(site: Site, paths: Paths) -> Iterator[Finding]:
    for what, file in _given(site, paths):
        if not file:
            continue
        try:
            left = machine.certificate_days(Path(file))
        except (OSError, ValueError) as error:
            yield Finding(
                f"certificate {what}", "problem", f"{file}: {error}", "give a certificate in PEM that services may read"
            )
            continue
        level: Level = "problem" if left < 0 else "warning" if left < 14 else "ok"
        words = f"{file}: expired {-left:.0f} days ago" if left < 0 else f"{file}: {left:.0f} days left"
        fix = "renew it (the entrance's own: `make certs`)"
        if file == str(paths.authority):
            fix = f"`rm {file}`, `make certs`, and give the new one to whoever trusts the old"
        yield Finding(f"certificate {what}", level, words, "" if level == "ok" else fix)
