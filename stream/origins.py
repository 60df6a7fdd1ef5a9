"""Which pages may connect: those of the server's own origin, and those that `stream.allowed_origins` names. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def is_allowed(headers: Mapping[str, str], allowed: Sequence[str]) -> bool:
    """Whether a handshake or request may come from its page; programs send no `Origin` and pass.

    The own origin is told by the `Host` header alone, because a proxy that ends TLS changes the scheme. "null" (a sandboxed
    page, a file) is nobody's origin and never passes.
    """
    origin = headers.get("Origin")
    if origin is None:
        return True
    given = _normal(origin)
    if given is None:
        return False
    host = headers.get("Host", "")
    scheme = origin.partition(":")[0].lower()
    return given == _normal(f"{scheme}://{host}") or any(given == _normal(name) for name in allowed)


def _normal(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host, port of an origin; None for what is none."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        return None
    return scheme, parts.hostname, port or _PORTS[scheme]
