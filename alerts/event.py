"""Tells the on-call inbox of an event, as any program can by its HTTP API: a deploy, a load run."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

_TIMEOUT = 5.0


class RefusedError(Exception):
    """The inbox did not keep the event; the text says why."""


def post(inbox: str, event: dict[str, Any]) -> dict[str, Any]:
    """Posts to the inbox at that URL; returns the event as it was kept. Raises RefusedError."""
    request = urllib.request.Request(  # noqa: S310  # the site's own inbox
        f"{inbox}/api/events", data=json.dumps(event).encode(), headers={"X-Watchfloor": "1", "Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310  # as above
            kept: dict[str, Any] = json.load(response)
            return kept
    except urllib.error.HTTPError as error:
        raise RefusedError(_detail(error)) from error
    except (OSError, ValueError, HTTPException) as error:
        why = getattr(error, "reason", None) or error
        raise RefusedError(f"{inbox}: does not answer ({why}): start it by `make up`") from error


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"
