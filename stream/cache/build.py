"""A process's cache, from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from metrics.durations import seconds
from metrics.instruments import Instruments
from settings import Paths, SettingsError, Site
from settings.paths import CACHE_USER
from settings.secrets import cache_password, cdn_key, read_secret
from stream.cache.cache import Cache
from stream.cache.cloudflare import Cloudflare
from stream.cache.layer import Edge
from stream.cache.shared import RedisAddress
from stream.cache.tally import Tally
from stream.cache.varnish import Varnish

_STANDARD = 6379


def build_cache(site: Site, paths: Paths, environment: Mapping[str, str] | None = None) -> Cache:
    """The cache that a site wants; make it within a running loop.

    Raises SettingsError for a secret's file that cannot be used, or a zone of Cloudflare without a key.
    """
    tally = Tally()
    edge = build_edge(site, paths, tally.instruments, environment)
    return Cache(site.cache, redis_address(site, paths, environment), edge, tally)


def redis_address(site: Site, paths: Paths, environment: Mapping[str, str] | None = None) -> RedisAddress:
    """The Redis that the site names, else the appliance's own. Raises SettingsError for a password file that cannot be used."""
    wanted = site.cache.redis
    password = cache_password(site, paths, environment)
    if wanted.host:
        return RedisAddress(wanted.host, wanted.port or _STANDARD, password, wanted.db, wanted.prefix, wanted.username)
    host = urlsplit(site.local_url(site.ports.cache_redis)).hostname or ""
    user = CACHE_USER if password else ""  # without one, nobody has made the users yet
    return RedisAddress(host, wanted.port or site.ports.cache_redis, password, wanted.db, wanted.prefix, user)


def edge_secret(paths: Paths) -> str:
    """The word by which the edge is known; empty before `make up` has made it."""
    return read_secret(paths.edge_secret, "the edge's generated secret") if paths.edge_secret.exists() else ""


def build_edge(
    site: Site, paths: Paths, counts: Instruments, environment: Mapping[str, str] | None = None
) -> Edge | None:  # fmt: skip
    """The third layer, if the site wants one. Raises SettingsError as `build_cache` does."""
    wanted, secret = site.cache.edge, edge_secret(paths)
    if not wanted.enabled:
        return None
    ttl, limit = seconds(wanted.ttl), seconds(wanted.timeout)
    if not wanted.zone_id:
        return Varnish(site.local_url(site.ports.edge), secret, ttl, limit, counts)
    key = cdn_key(site, environment)
    if not key:
        fix = "give cache.edge.api_key_file, or CDN_API_KEY in the environment"
        raise SettingsError("cache.edge.zone_id", "names a zone that nothing may purge", fix)
    return Cloudflare(wanted.url or site.public_url, secret, ttl, limit, counts, zone=wanted.zone_id, key=key)
