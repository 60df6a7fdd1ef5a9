"""Asks a service whether it works: one HTTP GET, one answer in time. Standard library only: the watchers stay small."""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Health:
    """What one question brought.

    `answered`: somebody spoke HTTP; `ok`: with status 2xx; `silent`: the connection was taken and nothing came in time;
    `why`: what is wrong, in words, also where a service that is ready calls itself degraded; `seconds`: how long it took.
    """

    answered: bool
    ok: bool
    silent: bool = False
    why: str = ""
    seconds: float = 0.0


def degraded(body: str) -> str:
    """What a ready service says does not work as it should; empty when all does. It says so as text or as JSON."""
    try:
        told = json.loads(body)
    except ValueError:
        return body if body.startswith("degraded") else ""
    if not isinstance(told, dict) or told.get("status") != "degraded":
        return ""
    return "degraded: " + ", ".join(str(item) for item in told.get("degraded", []))


def ask(url: str, timeout: float, headers: Mapping[str, str] | None = None) -> Health:
    """GET `url` within `timeout` seconds."""
    parts = urllib.parse.urlsplit(url)
    began = time.monotonic()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close", **(headers or {})})
        response = connection.getresponse()
        body = response.read(1000).decode(errors="replace").strip()
    except TimeoutError:
        return Health(answered=False, ok=False, silent=True, why=f"no answer within {timeout:g} s", seconds=timeout)
    except (OSError, http.client.HTTPException) as error:
        return Health(answered=False, ok=False, why=str(error).lower() or type(error).__name__, seconds=time.monotonic() - began)
    finally:
        connection.close()
    ok = 200 <= response.status < 300
    why = degraded(body) if ok else f"HTTP {response.status}: {body[:200]}"
    return Health(answered=True, ok=ok, why=why, seconds=time.monotonic() - began)
