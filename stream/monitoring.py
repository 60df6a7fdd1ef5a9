"""The programming interface to the appliance's monitoring: ask for metrics and alerts, make a dashboard, record.

    async with Monitoring(site, instruments=[counts]) as monitoring:
        series = await monitoring.metrics("ws_connection_count", start, end)
        firing = await monitoring.alerts()
        known = await monitoring.create_dashboard("My service", [Panel("Requests", "sum(rate(app_request_count[5m]))")])
        monitoring.increment("app_error_count", route="/ws")

It speaks the documented HTTP APIs of Prometheus (/api/v1/query_range), Alertmanager (/api/v2/alerts) and Grafana
(/api/dashboards/db). Where they are, and by which secrets they know us, tell `endpoints` of site.yaml or the environment.

MonitoringError
├── UnreachableError   nobody answers there, or not in time
├── RefusedError       the server refused, in its own words, or answered what is not its API's
└── NotConfiguredError there is no such server
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Self, TypeVar

import aiohttp
import msgspec
from msgspec import Meta, Struct, field

from metrics.instruments import Instruments
from settings import Paths, Site
from settings.paths import ALERTMANAGER_USER
from settings.secrets import grafana_key, prometheus_login, read_secret
from stream.recorder import Recorder

STEP = 15.0  # seconds between two values of a range query
MOST_POINTS = 11_000  # of one series in one answer: Prometheus refuses more
_TIMEOUT = 10.0  # seconds
_SHOWN = 300  # characters of a server's words
_COLUMNS, _WIDTH, _HEIGHT = 24, 12, 8  # Grafana's grid, and a panel on it
_Decoded = TypeVar("_Decoded")
Moment = Annotated[datetime, Meta(tz=True)]


class MonitoringError(Exception):
    """A question without an answer; its text is for a person."""


class UnreachableError(MonitoringError):
    """Nobody answers there, or not in time."""


class RefusedError(MonitoringError):
    """The server refused, in its own words, or what answered is not the server it should be."""


class NotConfiguredError(MonitoringError):
    """There is no such server; the text says how to name one."""


class Series(Struct, frozen=True):
    """One series: its labels, and pairs of Unix time in seconds and value, in the order of time."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class AlertStatus(Struct, frozen=True, rename="camel"):
    """Whether an alert is `active`, `suppressed` or `unprocessed`, and what suppresses it."""

    state: str
    silenced_by: list[str] = []
    inhibited_by: list[str] = []


class Alert(Struct, frozen=True, rename="camel"):
    """One current alert, as Alertmanager holds it."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Moment
    ends_at: Moment
    fingerprint: str
    status: AlertStatus
    generator_url: str = field(default="", name="generatorURL")

    @property
    def name(self) -> str:
        """Its alertname."""
        return self.labels.get("alertname", "")


class Panel(Struct, frozen=True):
    """One graph of a dashboard: its title, its PromQL, and a unit as Grafana names it (`s`, `percent`, `ops`)."""

    title: str
    expr: str
    unit: str = "short"
    description: str = ""


class _Row(Struct, frozen=True):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Matrix(Struct, frozen=True):
    result: list[_Row]


class _Answer(Struct, frozen=True):
    status: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""


class _Created(Struct, frozen=True):
    uid: str


class Monitoring:
    """Use as an async context manager. `instruments` are those that this process tells at its /metrics.

    Raises SettingsError, once entered, for a secret's file that cannot be used.
    """

    def __init__(self, site: Site, instruments: Sequence[Instruments] = (), paths: Paths | None = None) -> None:
        self._site = site
        self._paths = paths or Paths.from_environment()
        self._recorder = Recorder(instruments)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Reads the secrets, opens the pool of connections."""
        endpoints = self._site.endpoints
        login = prometheus_login(self._site, self._paths)
        self._prometheus = _basic(*login) if login else {}
        own = self._paths.alertmanager_password
        named = not endpoints.alertmanager and own.exists()
        self._alertmanager = _basic(ALERTMANAGER_USER, read_secret(own, own.name)) if named else {}
        key = grafana_key(self._site) if endpoints.grafana else ""
        self._grafana = {"Authorization": f"Bearer {key}"} if key else {}
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the pool."""
        if self._session:
            await self._session.close()

    async def metrics(self, query: str, start: float, end: float, step: float = STEP) -> list[Series]:
        """The series of a PromQL expression from `start` to `end` (Unix seconds, both included), a value every `step` seconds.

        A range of more points than one answer may hold is asked for in parts. Raises MonitoringError, and ValueError for a
        range that ends before it begins.
        """
        if not (step > 0 and start <= end):
            raise ValueError(f"from {start} to {end} by {step}: give a start before the end, and a step above zero")
        found: dict[tuple[tuple[str, str], ...], Series] = {}
        part = (MOST_POINTS - 1) * step
        while start <= end:
            for row in await self._matrix(query, start, min(start + part, end), step):
                known = found.setdefault(tuple(sorted(row.metric.items())), Series(row.metric, []))
                known.points.extend((time, float(value)) for time, value in row.values)
            start += part + step
        return list(found.values())

    async def alerts(self) -> list[Alert]:
        """All alerts that Alertmanager holds now, also those that are silenced or inhibited. Raises MonitoringError."""
        url = f"{self._site.alertmanager_url}/api/v2/alerts"
        status, body = await self._ask("Alertmanager", "GET", url, headers=self._alertmanager)
        if status != HTTPStatus.OK:
            raise RefusedError(f"Alertmanager at {url} refuses ({status}): {_words(body)}")
        return _decoded("Alertmanager", url, body, list[Alert])

    async def create_dashboard(self, title: str, panels: Sequence[Panel], folder: str = "") -> str:
        """Makes a dashboard in Grafana, in the folder of that uid (empty: the general one), and returns its id (its `uid`).

        Raises NotConfiguredError without a Grafana, RefusedError when it refuses, as for a title that exists there.
        """
        base = self._site.endpoints.grafana.rstrip("/")
        if not base:
            raise NotConfiguredError("there is no Grafana to make a dashboard in: set endpoints.grafana or GRAFANA_ENDPOINT")
        if not title.strip() or not panels:
            raise ValueError("a dashboard has a title and at least one panel: give both")
        wanted: dict[str, Any] = {"dashboard": _dashboard(title, panels), "overwrite": False, "message": "made by Watchfloor"}
        wanted |= {"folderUid": folder} if folder else {}
        url = f"{base}/api/dashboards/db"
        status, body = await self._ask("Grafana", "POST", url, json=wanted, headers=self._grafana)
        if status != HTTPStatus.OK:
            raise RefusedError(f"Grafana at {base} refuses ({status}): {_words(body)}")
        return _decoded("Grafana", url, body, _Created).uid

    def record_metric(self, name: str, value: float, **labels: str) -> None:
        """Sets a gauge, or observes into a histogram. Raises RecordingError for a name that is not declared, or is not ours."""
        self._recorder.metric(name, value, labels)

    def record_duration(self, name: str, seconds: float, **labels: str) -> None:
        """Observes a duration into a histogram of seconds. Raises RecordingError as above."""
        self._recorder.duration(name, seconds, labels)

    def increment(self, name: str, **labels: str) -> None:
        """Adds 1 to a counter. Raises RecordingError as above."""
        self._recorder.increment(name, labels)

    async def _matrix(self, query: str, start: float, end: float, step: float) -> list[_Row]:
        form = {"query": query, "start": repr(start), "end": repr(end), "step": repr(step), "timeout": f"{_TIMEOUT:.0f}s"}
        url = f"{self._site.prometheus_url}/api/v1/query_range"
        status, body = await self._ask("Prometheus", "POST", url, data=form, headers=self._prometheus)
        if status == HTTPStatus.UNAUTHORIZED:
            raise RefusedError(f"Prometheus at {url} refuses ({status}): set PROMETHEUS_USERNAME and PROMETHEUS_PASSWORD")
        answer = _decoded("Prometheus", url, body, _Answer)
        if answer.status != "success":
            raise RefusedError(f"Prometheus: {answer.error}")
        return _decoded("Prometheus", url, answer.data, _Matrix).result

    async def _ask(self, who: str, method: str, url: str, **given: Any) -> tuple[int, bytes]:
        if self._session is None:
            raise RuntimeError("use it within `async with`")
        try:
            async with self._session.request(method, url, allow_redirects=False, **given) as response:
                return response.status, await response.read()
        except TimeoutError as error:
            raise UnreachableError(f"{who} at {url} did not answer within {_TIMEOUT:.0f} s") from error
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            raise UnreachableError(f"{who} at {url} does not answer: {error or type(error).__name__}") from error


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(user, password)}


def _decoded(who: str, url: str, body: bytes | msgspec.Raw, kind: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise RefusedError(f"{url} answered what is not of {who}'s API ({error}): is it one?") from error


def _words(body: bytes) -> str:
    """What a server said of a refusal: Grafana's `message`, else its text."""
    try:
        told = msgspec.json.decode(body)
        text = told["message"] if isinstance(told, dict) else told
    except (msgspec.DecodeError, KeyError):
        text = body.decode("utf-8", "replace")
    return str(text).strip()[:_SHOWN] or "it gives no reason"


def _dashboard(title: str, panels: Sequence[Panel]) -> dict[str, Any]:
    """Classic JSON of schemaVersion 42, two panels a row; without a uid, so that Grafana gives one."""
    shown = [_panel(number, panel) for number, panel in enumerate(panels)]
    times = {"from": "now-1h", "to": "now"}
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    return {
        "id": None, "uid": None, "title": title, "schemaVersion": 42, "panels": shown, "time": times, "tags": ["watchfloor"],
        "templating": {"list": [source]},
    }  # fmt: skip


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, _COLUMNS // _WIDTH)
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": number + 1, "type": "timeseries", "title": panel.title, "description": panel.description, "datasource": source,
        "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": column * _WIDTH, "y": row * _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [{"refId": "A", "expr": panel.expr, "datasource": source}],
    }  # fmt: skip
