"""Silences through Alertmanager's HTTP API v2 (the same from 0.25 to 0.34)."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

import aiohttp
import msgspec
from msgspec import Meta, Struct, field

from alerts.inbox.matchers import Matcher, fit
from alerts.inbox.reach import why

_PATIENCE = 3.0  # seconds: the page waits for silences, and a person for the page
_TIMEOUT = aiohttp.ClientTimeout(total=_PATIENCE)
_SHOWN = 300  # characters of an error's text

Moment = Annotated[datetime, Meta(tz=True)]


class RefusedError(Exception):
    """Alertmanager did not do it: `status` is what our own answer should be, the text is for the person who asked."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Status(Struct, frozen=True):
    state: str


class Silence(Struct, frozen=True, rename="camel"):
    """One silence. Its state is `active`, `pending` or `expired`."""

    id: str
    matchers: list[Matcher]
    starts_at: Moment
    ends_at: Moment
    created_by: str = ""
    comment: str = ""
    status: _Status = field(default_factory=lambda: _Status("active"))

    @property
    def state(self) -> str:
        """Its state in Alertmanager's word."""
        return self.status.state

    def covers(self, labels: dict[str, str]) -> bool:
        """Whether it keeps an alert with those labels quiet now."""
        return self.state == "active" and fit(self.matchers, labels)


class Alertmanager:
    """The silences of one Alertmanager. Every method raises RefusedError when it does not answer or refuses."""

    def __init__(self, url: str, session: aiohttp.ClientSession, auth: aiohttp.BasicAuth | None = None) -> None:
        self._url = url.rstrip("/") + "/api/v2"
        self._session = session
        self._auth = auth

    async def silences(self) -> list[Silence]:
        """All silences it remembers: active first, then pending, then expired; the soonest end first."""
        body = await self._ask("GET", "/silences")
        try:
            found = msgspec.json.decode(body, type=list[Silence])
        except msgspec.DecodeError as error:
            raise RefusedError(HTTPStatus.BAD_GATEWAY, f"Alertmanager answered what cannot be read: {error}") from error
        order = {"active": 0, "pending": 1, "expired": 2}
        return sorted(found, key=lambda silence: (order.get(silence.state, 3), silence.ends_at))

    async def silence(self, matchers: list[Matcher], starts: float, ends: float, author: str, comment: str) -> str:
        """Makes a silence from `starts` to `ends` (Unix times); returns its id."""
        wanted = {
            "matchers": [msgspec.to_builtins(matcher) for matcher in matchers],
            "startsAt": datetime.fromtimestamp(starts, UTC).isoformat(),
            "endsAt": datetime.fromtimestamp(ends, UTC).isoformat(),
            "createdBy": author,
            "comment": comment,
        }
        body = await self._ask("POST", "/silences", wanted)
        try:
            return str(msgspec.json.decode(body)["silenceID"])
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise RefusedError(HTTPStatus.BAD_GATEWAY, "Alertmanager answered without the silence's id") from error

    async def expire(self, identifier: str) -> None:
        """Ends the silence of that id now."""
        await self._ask("DELETE", f"/silence/{identifier}")

    async def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        try:
            async with self._session.request(method, self._url + path, json=body, auth=self._auth, timeout=_TIMEOUT) as response:
                answer = await response.read()
        except TimeoutError as error:
            raise RefusedError(HTTPStatus.GATEWAY_TIMEOUT, f"Alertmanager did not answer in {_PATIENCE:g} s") from error
        except aiohttp.ClientError as error:
            raise RefusedError(HTTPStatus.BAD_GATEWAY, f"Alertmanager cannot be reached ({why(error)})") from error
        if response.status == HTTPStatus.OK:
            return answer
        reason = answer.decode("utf-8", "replace").strip().strip('"')[:_SHOWN] or response.reason or "no reason given"
        known = response.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
        status = HTTPStatus(response.status) if known else HTTPStatus.BAD_GATEWAY
        raise RefusedError(status, f"Alertmanager refuses ({response.status}): {reason}")
