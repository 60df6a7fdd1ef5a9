"""The environment variables that override `site.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from settings.errors import SettingsError
from settings.patterns import FEED, HOST_OR_NONE, LINE, MARKET_FEED, MEANINGS, OPEN_URL, PORT, ZONE
from settings.words import masked

SITE_VARIABLE = "WATCHFLOOR_SITE"  # the file itself

# Variable -> key; the value is what the key would hold.
VALUES = {
    "PROMETHEUS_ENDPOINT": "endpoints.prometheus",
    "PROMETHEUS_USERNAME": "endpoints.prometheus_username",
    "ALERTMANAGER_ENDPOINT": "endpoints.alertmanager",
    "GRAFANA_ENDPOINT": "endpoints.grafana",
    "MARKET_DATA_WS_URL": "stream.sources.market.endpoint",
    "ONCHAIN_WS_URL": "stream.sources.onchain.endpoint",
    "SENTIMENT_WS_URL": "stream.sources.sentiment.endpoint",
    "REDIS_HOST": "cache.redis.host",
    "REDIS_PORT": "cache.redis.port",
    "CDN_ZONE_ID": "cache.edge.zone_id",
}
# Variable -> key; the value is the secret that the key's file would hold.
SECRETS = {
    "PROMETHEUS_PASSWORD": "endpoints.prometheus_password_file",
    "GRAFANA_API_KEY": "endpoints.grafana_key_file",
    "MARKET_DATA_API_KEY": "stream.sources.market.api_key_file",
    "ONCHAIN_API_KEY": "stream.sources.onchain.api_key_file",
    "SENTIMENT_API_KEY": "stream.sources.sentiment.api_key_file",
    "REDIS_PASSWORD": "cache.redis.password_file",
    "DATABASE_URL": "database.url_file",
    "DATABASE_REPLICA_URL": "database.replica_url_file",
    "CDN_API_KEY": "cache.edge.api_key_file",
}
# What a value must look like, where it is no URL.
_PATTERNS = {
    "PROMETHEUS_USERNAME": LINE,
    "REDIS_HOST": HOST_OR_NONE,
    "REDIS_PORT": PORT,
    "CDN_ZONE_ID": ZONE,
    "MARKET_DATA_WS_URL": MARKET_FEED,
    "ONCHAIN_WS_URL": FEED,
    "SENTIMENT_WS_URL": FEED,
}


def overrides(environment: Mapping[str, str]) -> dict[str, str | int]:
    """Values that the environment gives, by key; an empty variable counts as unset.

    Raises SettingsError, naming the variable, for a value that the key would not take.
    """
    found: dict[str, str | int] = {}
    for variable, key in VALUES.items():
        value = environment.get(variable)
        if not value:
            continue
        pattern = _PATTERNS.get(variable, OPEN_URL)
        if not re.search(pattern, value):
            raise SettingsError("environment", f"{variable}: is {masked(value)!r}", f"give {MEANINGS[pattern]}")
        found[key] = int(value) if pattern == PORT else value
    return found
