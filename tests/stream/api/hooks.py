"""What schemathesis cannot know: which currencies there are. Without it nearly every valid question would be one for another."""

from __future__ import annotations

from typing import Any

import schemathesis

_KNOWN = ("BTC", "ETH", "SOL")


@schemathesis.hook
def map_body(_context: schemathesis.HookContext, body: Any) -> Any:
    """Three of four bodies that name a currency as they may, name one that is followed."""
    named = body.get("cryptoId") if isinstance(body, dict) else None
    if isinstance(named, str) and 1 <= len(named) <= 64 and sum(map(ord, named)) % 4:
        return body | {"cryptoId": _KNOWN[len(named) % len(_KNOWN)]}
    return body
