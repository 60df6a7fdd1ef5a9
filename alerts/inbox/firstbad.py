"""When was the first bad sample? Prometheus knows it as the alert's `activeAt`. Asked, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import aiohttp
import msgspec
from msgspec import Meta, Struct

from alerts.inbox.reach import why
from settings import Paths, Site
from settings.secrets import prometheus_login

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_TOLERANCE = 1.0  # startsAt has milliseconds, and evaluation itself takes time


class Active(Struct, frozen=True, rename="camel"):
    """An alert as `GET /api/v1/alerts` tells it."""

    labels: dict[str, str]
    state: str
    active_at: Annotated[datetime, Meta(tz=True)]
    value: str = ""


class _Data(Struct, frozen=True):
    alerts: list[Active]


class _Answer(Struct, frozen=True):
    data: _Data


@dataclass(frozen=True)
class FirstBad:
    """The first bad sample: its Unix time and the value at the latest evaluation, as Prometheus writes it."""

    at: float
    value: str


class UnansweredError(Exception):
    """Prometheus could not be asked; the text is the reason in words for a page."""


class Actives:
    """What Prometheus holds active, found by notification labels; thousands at once must not be compared each with each."""

    def __init__(self, active: list[Active]) -> None:
        self._firing: dict[tuple[str | None, str | None], list[Active]] = {}
        for alert in active:
            if alert.state == "firing":
                self._firing.setdefault((alert.labels.get("alertname"), alert.labels.get("instance")), []).append(alert)

    def match(self, labels: dict[str, str], starts_at: float) -> FirstBad | str:
        """The first bad sample of the alert with those notification labels, or in words why it is not known.

        A notification has all labels of the alert, and those that Prometheus adds on sending (external labels): so the one
        active alert whose labels are all among them, the most specific if there are several.
        """
        name, instance = labels.get("alertname"), labels.get("instance")
        near = [alert for key in {(name, instance), (name, None)} for alert in self._firing.get(key, ())]
        fitting = [alert for alert in near if alert.labels.items() <= labels.items()]
        if not fitting:
            return "Prometheus no longer knows this alert"
        most = max(len(alert.labels) for alert in fitting)
        best = [alert for alert in fitting if len(alert.labels) == most]
        if len(best) > 1:
            return "Prometheus knows several alerts with these labels"
        at = best[0].active_at.timestamp()
        if at > starts_at + _TOLERANCE:
            return "Prometheus knows a later occurrence only"
        return FirstBad(at, best[0].value)


class Prometheus:
    """Asks the Prometheus of `site`; with basic authentication where it wants that.

    Raises SettingsError when the password's file cannot be used.
    """

    def __init__(self, site: Site, paths: Paths, session: aiohttp.ClientSession) -> None:
        self._url = f"{site.prometheus_url}/api/v1/alerts"
        self._session = session
        login = prometheus_login(site, paths)
        self._headers = {"Authorization": aiohttp.encode_basic_auth(*login)} if login else {}

    async def active(self) -> list[Active]:
        """All active alerts. Raises UnansweredError."""
        try:
            async with self._session.get(self._url, timeout=_TIMEOUT, headers=self._headers) as response:
                body = await response.read()
        except TimeoutError as error:
            raise UnansweredError("Prometheus did not answer in 5 s") from error
        except aiohttp.ClientError as error:
            raise UnansweredError(f"Prometheus cannot be reached ({why(error)})") from error
        if response.status != HTTPStatus.OK:
            raise UnansweredError(f"Prometheus answered with status {response.status}")
        try:
            return msgspec.json.decode(body, type=_Answer).data.alerts
        except msgspec.DecodeError as error:
            raise UnansweredError(f"Prometheus answered what cannot be read ({error})") from error
