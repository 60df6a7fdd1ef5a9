"""The appliance's Alertmanager as commands ask it: alerts in, metrics out, with the password that it made itself."""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from settings import Paths, SettingsError, Site
from settings.paths import ALERTMANAGER_USER
from settings.secrets import read_secret

_SECONDS = 5


class UnreachableError(OSError):
    """Alertmanager does not answer, or refuses: the text says where and why."""


class Alertmanager:
    """The one of `site`, whose password stands below `paths`. Every method raises UnreachableError."""

    def __init__(self, site: Site, paths: Paths) -> None:
        self.url = site.alertmanager_url
        self._headers = {"Content-Type": "application/json"} | authorization(site, paths)

    def post(self, alerts: list[dict[str, Any]]) -> None:
        """Takes alerts, as Prometheus sends them."""
        self._ask("/api/v2/alerts", json.dumps(alerts).encode())

    def counts(self, integration: str) -> tuple[float, float]:
        """Notifications that were begun, and attempts that succeeded, by this kind of receiver since it started."""
        text = self._ask("/metrics").decode()
        asked, failed = (_sum(text, f"alertmanager_notification_requests{part}_total", integration) for part in ("", "_failed"))
        return _sum(text, "alertmanager_notifications_total", integration), asked - failed

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, body, self._headers)  # noqa: S310  # of site.yaml, http or https
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  # as above
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise UnreachableError(
                f"Alertmanager at {self.url} answers with status {error.code}: `make logs s=alertmanager`"
            ) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise UnreachableError(
                f"Alertmanager at {self.url} cannot be reached ({reason}): `make status`, `make up`"
            ) from error


def _sum(text: str, name: str, integration: str) -> float:
    """The sum of a counter's series for that integration; later versions tell them apart by more labels."""
    pattern = rf'^{name}{{(?:[^}}]*,)?integration="{re.escape(integration)}"[^}}]*}} (\S+)$'
    return sum(float(value) for value in re.findall(pattern, text, re.MULTILINE))


def authorization(site: Site, paths: Paths) -> dict[str, str]:
    """The header by which the appliance's own Alertmanager knows us; none for one of the site's own."""
    if site.endpoints.alertmanager:
        return {}
    try:
        password = read_secret(paths.alertmanager_password, "alertmanager_password")
    except SettingsError:  # not made yet, or not ours to read: Alertmanager then says that it wants one
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{ALERTMANAGER_USER}:{password}".encode()).decode()}
