"""Command lines of the servers that we run and did not write."""

from __future__ import annotations

import re

from compose import edge, redis_users
from compose.service import Context, listen, program
from settings import Site
from settings.basic import in_bytes

_BUS_ROOM = 8  # times the most that one room's history may take: four rooms, each with as much again for Redis's own use
_BUS_OWN = 32 << 20  # bytes that the bus's Redis has beside that, for itself and its clients, however short the histories are


def prometheus(context: Context) -> tuple[str, ...]:
    """Collects and judges; its retention is the site's."""
    site, paths = context.site, context.paths
    return (
        program("prometheus"),
        f"--config.file={paths.rendered}/prometheus.yml",
        f"--storage.tsdb.path={paths.data}/prometheus",
        f"--storage.tsdb.retention.time={site.prometheus.retention_time}",
        f"--storage.tsdb.retention.size={site.prometheus.retention_size}",
        f"--web.listen-address={listen(site, site.ports.prometheus)}",
        f"--web.external-url={site.public(site.ports.prometheus)}/",
        f"--web.cors.origin={re.escape(site.public(site.ports.prometheus))}",
        "--web.route-prefix=/",
        *((f"--web.config.file={paths.prometheus_web}",) if site.guards_prometheus else ()),
        # What is sent before Alertmanager was found is lost; half a minute later it is said again.
        f"--rules.alert.resend-delay={site.scaled('30s')}",
        "--log.level=warn",
    )


def alertmanager(context: Context) -> tuple[str, ...]:
    """On its own: gossip is off, and nobody is answered without a password."""
    site, paths = context.site, context.paths
    return (
        program("prometheus-alertmanager", "alertmanager"),
        f"--config.file={paths.rendered}/alertmanager/alertmanager.yml",
        f"--storage.path={paths.data}/alertmanager",
        # Its API allows every origin: without a password any page in an on-call person's browser could mute all alerts.
        f"--web.config.file={paths.alertmanager_web}",
        f"--web.listen-address={listen(site, site.ports.alertmanager)}",
        f"--web.external-url={site.public(site.ports.alertmanager)}/",
        "--web.route-prefix=/",
        "--cluster.listen-address=",
        "--log.level=warn",
    )


def _addresses(site: Site) -> tuple[str, ...]:
    """Loopback alone; in a container, which has a network of its own, every address: who may reach it, the networks say."""
    return ("*", "-::*") if site.contained else ("127.0.0.1",)


def _titled(site: Site) -> tuple[str, ...]:
    """Its process names the rules of its users: where they change, so does the command line, and it is started anew."""
    return (
        "--proc-title-template",
        f"{{title}} {{listen-addr}} {{server-mode}} rules-{redis_users.version(site.cache.redis.prefix)}",
    )


def bus(context: Context) -> tuple[str, ...]:
    """A Redis that keeps: its log is on disk, and it refuses rather than forgets."""
    site, paths = context.site, context.paths
    return (
        program("redis-server"),
        "--bind", *_addresses(site), "--port", str(site.ports.bus),
        "--aclfile", str(paths.bus_users), *_titled(site),
        "--dir", f"{paths.data}/bus",
        # A restart keeps the numbering. When the machine itself falls, a second may be lost: it is noticed (docs/topics/bus.md).
        "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        # An entry that was accepted must not go to make room: when it is full, it takes no more.
        "--maxmemory", str(_BUS_OWN + _BUS_ROOM * site.stream.history.size), "--maxmemory-policy", "noeviction",
        "--loglevel", "warning",
    )  # fmt: skip


def cache_redis(context: Context) -> tuple[str, ...]:
    """A Redis that forgets: nothing on disk, the least recently used go first. Its users stand in a file of their own."""
    site, paths = context.site, context.paths
    return (
        program("redis-server"), str(paths.cache_config),
        "--port", str(site.ports.cache_redis), "--bind", *_addresses(site), "--dir", str(paths.data / "cache-redis"),
        "--save", "", "--appendonly", "no", "--maxmemory", str(in_bytes(site.cache.redis.maxmemory)),
        "--maxmemory-policy", "allkeys-lru", "--databases", str(max(16, site.cache.redis.db + 1)), "--daemonize", "no",
        *_titled(site),
    )  # fmt: skip


def varnish(context: Context) -> tuple[str, ...]:
    """Keeps answers of the API; how, stands in compose/edge.py."""
    return edge.command(
        context.site, context.paths, program("varnishd", "/usr/sbin/varnishd"), listen(context.site, context.site.ports.edge)
    )
