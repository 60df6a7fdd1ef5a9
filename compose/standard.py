"""Debian's exporters in the place of ours: the same port and the same job, where `site.yaml` says `exporter: standard`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TypeAlias

from compose import packages
from compose.service import Context, Service, listen, program
from settings import Site
from settings.exporters import PostgresExporter, RedisExporter, SystemExporter
from settings.paths import DATABASE_USER, EXPORTER_USER

_Command: TypeAlias = Callable[[Context], tuple[str, ...]]


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


# By the name of our service: its command, and the package that brings it.
_STANDARD: dict[str, tuple[_Command, str]] = {
    "exporter-system": (_node, "prometheus-node-exporter"),
    "exporter-postgres": (_postgres, "prometheus-postgres-exporter"),
}


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
