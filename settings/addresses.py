"""How a server is reached that listens at some address."""

from __future__ import annotations


def reached(bind: str) -> str:
    """The host, as URLs write it, by which this machine reaches who listens at `bind`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind).strip("[]")  # noqa: S104  # compared, not bound
    return f"[{host}]" if ":" in host else host
