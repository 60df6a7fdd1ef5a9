"""Asks Prometheus, Alertmanager and the inbox, each within its time; an answer that does not come is a text that says so."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

from alerts.alertmanager import authorization
from settings import Paths, SettingsError, Site
from settings.secrets import prometheus_login

SECONDS = 3.0
HOUR, STEP = 3600, 60


class SilentError(Exception):
    """No answer; the text says from where and why."""


def _get(url: str, headers: dict[str, str], name: str) -> Any:
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310  # of site.yaml, http or https
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310  # as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SilentError(f"{name} answers with status {error.code}") from error
    except (OSError, ValueError, HTTPException) as error:
        raise SilentError(f"{name} does not answer ({getattr(error, 'reason', error)})") from error


class Sources:
    """The servers of one site. Every method raises SilentError."""

    def __init__(self, site: Site, paths: Paths) -> None:
        self._site = site
        self._paths = paths

    def _prometheus(self, path: str, **query: object) -> Any:
        site, headers = self._site, {}
        try:
            if login := prometheus_login(site, self._paths):
                word = base64.b64encode(":".join(login).encode()).decode()
                headers["Authorization"] = f"Basic {word}"
        except SettingsError as error:
            raise SilentError(str(error)) from error
        return _get(f"{site.prometheus_url}/api/v1/{path}?{urlencode(query)}", headers, "Prometheus")["data"]

    def hour(self, promql: str) -> list[dict[str, Any]]:
        """Its series over the last hour, a sample a minute."""
        now = time.time()
        return list(self._prometheus("query_range", query=promql, start=now - HOUR, end=now, step=STEP)["result"])

    def now(self, promql: str) -> list[dict[str, Any]]:
        """Its series now."""
        return list(self._prometheus("query", query=promql)["result"])

    def active(self, alert: str) -> list[dict[str, Any]]:
        """What Prometheus holds pending or firing of that name."""
        return [found for found in self._prometheus("alerts")["alerts"] if found["labels"].get("alertname") == alert]

    def routed(self) -> list[dict[str, Any]]:
        """Every alert that Alertmanager holds, with what mutes it."""
        return list(_get(f"{self._site.alertmanager_url}/api/v2/alerts", authorization(self._site, self._paths), "Alertmanager"))

    def events(self) -> list[dict[str, Any]]:
        """Deploys and the like of the last day."""
        return list(_get(f"{self._site.local_url(self._site.ports.inbox)}/api/events?limit=5", {}, "The inbox")["events"])

    def incidents(self, alert: str) -> list[dict[str, Any]]:
        """The latest incidents of that name."""
        query = urlencode({"alertname": alert, "limit": 3})
        return list(_get(f"{self._site.local_url(self._site.ports.inbox)}/api/incidents?{query}", {}, "The inbox")["incidents"])
