"""A source's address as people may see it: without user, password, path and query, each of which holds keys at some sources."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import aiohttp


def shown(url: str) -> str:
    """Scheme, host and port alone."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))


def told(error: Exception) -> str:
    """An error as people may see it: those that quote the address are told by their names alone."""
    quotes = isinstance(error, aiohttp.InvalidURL | aiohttp.ClientResponseError)
    return type(error).__name__ if quotes else f"{type(error).__name__}: {error}"
