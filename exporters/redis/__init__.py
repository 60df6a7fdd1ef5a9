"""The exporter of Redis and Valkey servers: Redis 7 and 8, Valkey 8. One connection a server, one round trip a scrape.

Each collector stands in a file of its own; `session.py` asks for all of them at once.
"""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from exporters.base import Collector, Domain
from exporters.redis import clients, memory, persistence, stats
from exporters.redis.cluster import Cluster
from exporters.redis.commands import Commands
from exporters.redis.config import Config
from exporters.redis.keys import KeyCounts, KeySizes
from exporters.redis.keyspace import Keyspace
from exporters.redis.latency import Latency
from exporters.redis.replication import Replication
from exporters.redis.scan import Budget, Pattern
from exporters.redis.sentinel import Sentinel
from exporters.redis.server import Server
from exporters.redis.session import Asker, Login, Session
from exporters.redis.slowlog import CommandLog, SlowLog
from exporters.redis.streams import Streams
from exporters.redis.table import Fields
from exporters.redis.up import DOMAIN, Up
from exporters.redis.wire import Address
from exporters.target import TargetError
from metrics.durations import seconds
from settings import Paths, SettingsError, Site
from settings.exporters import KeyPattern, RedisExporter, RedisTarget
from settings.paths import EXPORTER_USER
from settings.secrets import read_secret

_PORT = 6379


def domains(site: Site, _options: argparse.Namespace) -> tuple[Domain, ...]:
    """A domain for each server that the site names; else the appliance's own ones.

    Raises SettingsError for settings that it could not start with.
    """
    options = site.exporters.redis
    return tuple(_domain(target, options) for target in options.targets or own(site))


def own(site: Site) -> list[RedisTarget]:
    """The appliance's own servers, which are watched where the site names no others."""
    password = str(Paths.from_environment().redis_exporter_password.absolute())
    streams = {"bus": [KeyPattern(pattern="*")]}
    counts = {"cache": [KeyPattern(pattern=f"{site.cache.redis.prefix}*", db=site.cache.redis.db)]}
    return [
        RedisTarget(
            name=name, url=url, user=EXPORTER_USER, password_file=password,
            streams=streams.get(name, []), counts=counts.get(name, []),
        )
        for name, url in site.own_redis.items()
    ]  # fmt: skip


def collectors(target: RedisTarget, options: RedisExporter, session: Session) -> tuple[Collector, ...]:
    """Every collector, in the order of the exposition, less those that the site switches off.

    Raises SettingsError for a collector that does not exist.
    """
    found: tuple[Collector, ...] = (
        Up(session),
        Server(session),
        Fields(clients.NAME, clients.HELP, clients.TABLE, session),
        Fields(memory.NAME, memory.HELP, memory.TABLE, session),
        Fields(persistence.NAME, persistence.HELP, persistence.TABLE, session),
        Fields(stats.NAME, stats.HELP, stats.TABLE, session),
        Replication(session),
        Commands(session),
        Keyspace(session),
        Config(session),
        Latency(session),
        SlowLog(session),
        CommandLog(session),
        Cluster(session),
        Sentinel(session),
        Streams(session, _patterns(target.streams)),
        KeyCounts(session, _patterns(target.counts)),
        KeySizes(session, _patterns(target.keys)),
    )
    names = [collector.name for collector in found]
    if unknown := sorted(set(options.disabled_collectors) - set(names)):
        raise SettingsError(
            "site.yaml", f"exporters.redis.disabled_collectors: unknown collector {unknown[0]!r}", f"known are {', '.join(names)}"
        )
    return tuple(collector for collector in found if collector.name not in options.disabled_collectors)


def _domain(target: RedisTarget, options: RedisExporter) -> Domain:
    session = Session(target.name, _login(target), Budget(options.scan_keys, seconds(options.scan_time)))
    found = collectors(target, options, session)
    session.add(*(collector for collector in found if isinstance(collector, Asker)))
    return Domain(DOMAIN, "exporter-redis", found, target=target.name, prepare=session.prepare, close=session.close)


def _patterns(given: Sequence[KeyPattern]) -> list[Pattern]:
    return [Pattern(one.pattern, one.db) for one in given]


def _login(target: RedisTarget) -> Callable[[], Login]:
    """Where the server is and as whom to ask it, with password and certificates read anew for each connection."""
    parts = urlsplit(target.url)

    def made() -> Login:
        try:
            password = read_secret(Path(target.password_file), "password_file") if target.password_file else ""
            tls = _tls(target) if parts.scheme == "rediss" else None
        except SettingsError as error:
            raise TargetError("settings", str(error)) from error
        except (OSError, ValueError) as error:
            raise TargetError("settings", f"ca, certificate or key_file cannot be used: {error}") from error
        return Login(Address(parts.hostname or "", parts.port or _PORT, tls), target.user, password)

    return made


def _tls(target: RedisTarget) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=target.ca or None)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # on from Python 3.13: many a private authority names no key identifier
    if target.certificate:
        context.load_cert_chain(target.certificate, target.key_file)
    return context
