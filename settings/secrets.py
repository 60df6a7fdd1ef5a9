"""Secrets stand in files of their own, never in `site.yaml`; here they are found, checked and read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import yaml
from msgspec import structs

from settings import environment as env
from settings.basic import Section
from settings.errors import SettingsError
from settings.lines import Steps, key, line
from settings.paths import PROMETHEUS_USER, Paths
from settings.types import Site

_OTHERS = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP  # the group may read: a service's own group is no stranger
_LARGEST = 64 * 1024  # bytes; a secret that is larger is the wrong file


def secret_files(site: Site) -> Iterator[tuple[Steps, Path]]:
    """Every file that the site names for a secret, with the steps of its key."""
    for name, section in sections(site):
        for item in structs.fields(section):
            value = getattr(section, item.name)
            if item.encode_name.endswith("_file") and value:
                yield (*name, item.encode_name), Path(value)


def sections(site: Site) -> Iterator[tuple[Steps, Section]]:
    """Every section that names files, with the steps of its key."""
    yield ("endpoints",), site.endpoints
    yield ("database",), site.database
    yield ("deadman",), site.deadman
    yield ("analysis",), site.analysis
    yield ("stream", "bus"), site.stream.bus
    for name in structs.fields(site.stream.sources):
        yield ("stream", "sources", name.name), getattr(site.stream.sources, name.name)
    yield ("stream", "tls"), site.stream.tls
    yield ("entrance",), site.entrance
    yield ("hosts_access",), site.hosts_access
    for index, job in enumerate(site.scrape):
        yield ("scrape", index, "access"), job.access
    yield ("cache", "redis"), site.cache.redis
    for index, target in enumerate(site.exporters.postgres.targets):
        yield ("exporters", "postgres", "targets", index), target
    yield ("exporters", "probe"), site.exporters.probe
    for index, probed in enumerate(site.exporters.probe.targets):
        yield ("exporters", "probe", "targets", index), probed
    for index, server in enumerate(site.exporters.redis.targets):
        yield ("exporters", "redis", "targets", index), server
    yield ("cache", "edge"), site.cache.edge
    for what, sections in (("scrape", site.scrape), ("receivers", site.receivers)):
        for index, section in enumerate(sections):
            yield (what, index), section


def check_secrets(site: Site, text: str = "", name: str = "site.yaml") -> None:
    """Raises SettingsError for the first secret file that is missing, empty or open to other users.

    `text` is the YAML that `site` came from: with it, the error names the line.
    """
    tree = yaml.compose(text, Loader=yaml.SafeLoader) if text else None
    for steps, path in secret_files(site):
        where = f"{name}:{line(tree, steps)}" if tree else name
        found = problem(path)
        if found:
            raise SettingsError(where, f"{key(steps)}: {path} {found[0]}", found[1])


def problem(path: Path) -> tuple[str, str] | None:
    """What is wrong with a secret's file, and the fix; None when it may be used."""
    try:
        status = path.stat()
    except OSError as error:
        return f"cannot be found ({error.strerror})", f"make it, then chmod 600 {path}"
    if not stat.S_ISREG(status.st_mode):
        return "is no file", "give the path of a file that holds the secret alone"
    if status.st_mode & _OTHERS:
        return f"is open to other users (mode {stat.S_IMODE(status.st_mode):04o})", f"chmod 600 {path}"
    if not 0 < status.st_size <= _LARGEST:
        return f"has {status.st_size} bytes", "write the secret into it, nothing else"
    return None


def prometheus_password(site: Site, environment: Mapping[str, str] | None = None) -> str:
    """The password of `PROMETHEUS_PASSWORD`, else of the site's file, else an empty text.

    Raises SettingsError for a file that cannot be used.
    """
    return _secret(site, "PROMETHEUS_PASSWORD", environment)


def prometheus_login(site: Site, paths: Paths, environment: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """As whom the site's Prometheus is asked, and by which password; None where it wants none.

    Raises SettingsError for a file that cannot be used.
    """
    if user := site.endpoints.prometheus_username:
        return user, prometheus_password(site, environment)
    if site.endpoints.prometheus or not site.guards_prometheus or not os.access(paths.prometheus_password, os.R_OK):
        return None
    return PROMETHEUS_USER, read_secret(paths.prometheus_password, "Prometheus's generated password")


def grafana_key(site: Site, environment: Mapping[str, str] | None = None) -> str:
    """The key of `GRAFANA_API_KEY`, else of the site's file, else an empty text.

    Raises SettingsError for a file that cannot be used.
    """
    return _secret(site, "GRAFANA_API_KEY", environment)


def cache_password(site: Site, paths: Paths, environment: Mapping[str, str] | None = None) -> str:
    """The password of the cache's Redis: `REDIS_PASSWORD`, else the site's file, else the generated one of the appliance's own.

    Empty for a Redis of the site's own without a password. Raises SettingsError for a file that cannot be used.
    """
    given = _secret(site, "REDIS_PASSWORD", environment)
    if given or site.cache.redis.host or not paths.cache_password.exists():
        return given
    return read_secret(paths.cache_password, "the cache's generated password")


def cdn_key(site: Site, environment: Mapping[str, str] | None = None) -> str:
    """The token for Cloudflare's API: `CDN_API_KEY`, else the site's file's, else an empty text.

    Raises SettingsError for a file that cannot be used.
    """
    return _secret(site, "CDN_API_KEY", environment)


def source_key(site: Site, source: str, environment: Mapping[str, str] | None = None) -> str:
    """The API key of a source (`market`, `onchain`, `sentiment`): its variable's, else its file's, else an empty text.

    Raises SettingsError for a file that cannot be used.
    """
    key = f"stream.sources.{source}.api_key_file"
    return _secret(site, next(name for name, below in env.SECRETS.items() if below == key), environment)


def database_url(site: Site, environment: Mapping[str, str] | None = None, *, replica: bool = False) -> str:
    """The URL of the site's PostgreSQL, or of its replica, password included; empty: the own one, or no replica.

    Raises SettingsError for a file that cannot be used.
    """
    return _secret(site, "DATABASE_REPLICA_URL" if replica else "DATABASE_URL", environment)


def bus_password(site: Site, paths: Paths) -> str:
    """The password of the Redis that joins stream servers: of the site's file, else of the appliance's own, else an empty text.

    Raises SettingsError for a file that cannot be used.
    """
    given = site.stream.bus
    if given.url:
        return read_secret(Path(given.password_file), "stream.bus.password_file") if given.password_file else ""
    return read_secret(paths.bus_password, "stream.bus") if paths.bus_password.exists() else ""


def _secret(site: Site, variable: str, environment: Mapping[str, str] | None) -> str:
    given = (os.environ if environment is None else environment).get(variable)
    if given:
        return given
    name = env.SECRETS[variable]
    value = attrgetter(name)(site)
    return read_secret(Path(value), name) if value else ""


def read_secret(path: Path, name: str) -> str:
    """The secret in a file, without the newline at its end; `name` is the key that errors tell.

    Raises SettingsError for a file that is missing, empty, open to other users, or cannot be read.
    """
    found = problem(path)
    if found:
        raise SettingsError(name, f"{path} {found[0]}", found[1])
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(name, f"{path} cannot be read ({error})", "make it readable for this user, as UTF-8") from error


def without_user(text: str) -> str:
    """A URL with `…` in the place of a user and password; any other text as it is."""
    if not text.startswith(("http://", "https://", "ws://", "wss://")) or "@" not in text:
        return text
    parts = urlsplit(text)
    return urlunsplit(parts._replace(netloc="…@" + parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else text
