"""Where the cache's Redis is, from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from settings import Paths, Site
from settings.secrets import cache_password
from stream.cache.shared import RedisAddress

_STANDARD = 6379


def redis_address(site: Site, paths: Paths, environment: Mapping[str, str] | None = None) -> RedisAddress:
    """The Redis that the site names, else the appliance's own. Raises SettingsError for a password file that cannot be used."""
    wanted = site.cache.redis
    password = cache_password(site, paths, environment)
    if wanted.host:
        return RedisAddress(wanted.host, wanted.port or _STANDARD, password, wanted.db, wanted.prefix)
    host = urlsplit(site.local_url(site.ports.cache_redis)).hostname or ""
    return RedisAddress(host, wanted.port or site.ports.cache_redis, password, wanted.db, wanted.prefix)
