"""Debian's exporters in the place of ours: the same port and the same job, where `site.yaml` says `exporter: standard`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

from compose import packages
from compose.host import Host
from compose.secrets import rewrite
from compose.service import Context, Service, listen, program
from metrics import durations, stack
from settings import Paths, Site
from settings.exporters import PostgresExporter, RedisExporter, SystemExporter
from settings.paths import DATABASE_USER, EXPORTER_USER

_Command: TypeAlias = Callable[[Context], tuple[str, ...]]
_REDIS_SHARE = 0.8  # of a scrape's time

# Off by default there, and drawn or alerted on here. Older releases have not all of them, and refuse what they do not know.
_POSTGRES_MORE = tuple(
    f"--collector.{name}"
    for name in ("database_wraparound", "long_running_transactions", "postmaster", "stat_checkpointer", "stat_statements")
)


@cache
def _known(name: str, switches: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the switches that the installed release has."""
    path = shutil.which(name)
    done = subprocess.run([path, "--help"], capture_output=True, text=True, check=False) if path else None
    told = done.stdout + done.stderr if done else ""
    return tuple(switch for switch in switches if switch.replace("--", "--[no-]") in told or f"{switch} " in told)


def _node(context: Context) -> tuple[str, ...]:
    site = context.site
    return (
        program("prometheus-node-exporter"),
        f"--web.listen-address={listen(site, site.ports.exporter_system)}",
        f"--collector.filesystem.mount-points-exclude={site.exporters.system.mount_points_exclude}",
        f"--collector.filesystem.fs-types-exclude={site.exporters.system.fs_types_exclude}",
        "--collector.processes",  # panels draw what ours tells by default
    )


def _postgres(context: Context) -> tuple[str, ...]:
    site = context.site
    # Its password stands in a file, of which the environment tells the path alone.
    return (
        program("env"),
        f"DATA_SOURCE_URI=127.0.0.1:{site.ports.postgres}/{DATABASE_USER}?sslmode=disable",
        f"DATA_SOURCE_USER={EXPORTER_USER}",
        f"DATA_SOURCE_PASS_FILE={context.paths.exporter_password.absolute()}",
        program("prometheus-postgres-exporter"),
        f"--web.listen-address={listen(site, site.ports.exporter_postgres)}",
        *_known("prometheus-postgres-exporter", _POSTGRES_MORE),
    )


def _redis(context: Context) -> tuple[str, ...]:
    site = context.site
    # It shall tell of a server that hangs before Prometheus gives the scrape up.
    patience = durations.seconds(site.scaled(site.prometheus.scrape_timeout)) * _REDIS_SHARE
    return (
        program("prometheus-redis-exporter"),
        "--redis.addr=",  # none at /metrics: each is asked for by /scrape?target=
        f"--redis.user={EXPORTER_USER}",
        f"--redis.password-file={_redis_passwords(site, context.paths)}",
        f"--connection-timeout={1000 * patience:.0f}ms",
        "--include-system-metrics",  # memory of the machine, against which one without maxmemory is measured
        f"--web.listen-address={listen(site, site.ports.exporter_redis)}",
    )


def _redis_passwords(site: Site, paths: Paths) -> Path:
    """It reads the file when it starts: under another name for other ports, supervisord starts it again."""
    ports = "-".join(url.rpartition(":")[2] for url in site.own_redis.values())
    return (paths.secrets / f"redis_exporter-{ports}.json").absolute()


def prepare(site: Site, paths: Paths, host: Host) -> None:
    """Writes what the site's choice needs beside its command line: passwords by URL for the Redis exporter, mode 0600.

    Debian 12's 1.45 looks for the URL as it was asked for, Debian 13's 1.69 for the one with the user in it.
    """
    wanted = _redis_passwords(site, paths) if site.exporters.redis.exporter == "standard" else None
    for old in paths.secrets.glob("redis_exporter-*.json"):
        if old.absolute() != wanted:
            old.unlink()
    if wanted:
        password = paths.redis_exporter_password.read_text(encoding="ascii")
        urls = [form for url in site.own_redis.values() for form in (url, url.replace("://", f"://{EXPORTER_USER}@"))]
        rewrite(wanted, json.dumps(dict.fromkeys(urls, password)), host)


# By the name of our service: its command, and the package that brings it.
_STANDARD: dict[str, tuple[_Command, str]] = {
    "exporter-system": (_node, "prometheus-node-exporter"),
    "exporter-postgres": (_postgres, "prometheus-postgres-exporter"),
    "exporter-redis": (_redis, "prometheus-redis-exporter"),
}


def scraped(site: Site, job: str) -> list[tuple[str, str]]:
    """(URL, `instance` label) of each server for which redis_exporter is asked by `/scrape?target=URL`; none where it is ours."""
    redis = site.exporters.redis
    if job != stack.JOB_REDIS or redis.exporter == "own":
        return []
    if redis.exporter == "external":
        return [(target.url, target.name) for target in redis.targets]
    return [(url, f"{site.instance_name}:{name}") for name, url in site.own_redis.items()]


def section(site: Site, service: str) -> SystemExporter | PostgresExporter | RedisExporter | None:
    """The settings of an exporter that others may stand in for."""
    sections: dict[str, SystemExporter | PostgresExporter | RedisExporter] = {
        "exporter-system": site.exporters.system,
        "exporter-postgres": site.exporters.postgres,
        "exporter-redis": site.exporters.redis,
    }
    return sections.get(service)


def external(site: Site, service: str) -> str:
    """`host:port` of the exporter that somebody else runs; empty where we do."""
    found = section(site, service)
    return found.address if found and found.exporter == "external" else ""


def chosen(site: Site, service: Service) -> Service:
    """The service as the site wants it: ours, or Debian's in its place."""
    found = section(site, service.name)
    if not found or found.exporter != "standard":
        return service
    command, _ = _STANDARD[service.name]
    return replace(service, command=command, own=False, alive="/", ready="/", rereads=False)


def packages_of(site: Site) -> tuple[packages.Package, ...]:
    """Packages that the site's choice needs."""
    sections = {package: section(site, name) for name, (_, package) in _STANDARD.items()}
    names = [package for package, found in sections.items() if found and found.exporter == "standard"]
    return tuple(package for package in packages.TESTS if package.name in names)
