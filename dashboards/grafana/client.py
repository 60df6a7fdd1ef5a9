"""Grafana's HTTP API, the part that an import and its proof need. Answers come decoded; what goes wrong is a `GrafanaError`.

GrafanaError
├── UnreachableError   nobody answers there, or not in time, or what answers is no Grafana
├── DeniedError        the token is not known (401), or may not do this (403)
└── RefusedError       Grafana refused for another reason, in its own words

https://grafana.com/docs/grafana/latest/developers/http_api/ tells paths, bodies and answers.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Self

import aiohttp
import msgspec

TIMEOUT = 30.0  # seconds for one answer: a panel's queries are one question
OLDEST = 11  # the first major version that has every panel type and option that the dashboards use
_SHOWN = 300  # characters of a server's words


class GrafanaError(Exception):
    """Something that could not be done; the text is for a person, `what: where: fix`."""


class UnreachableError(GrafanaError):
    """Nobody answers there, or what answers is no Grafana."""


class DeniedError(GrafanaError):
    """The token is not known, or may not do this."""


class RefusedError(GrafanaError):
    """Grafana refused; `status` is HTTP's, `kind` the word by which Grafana tells conflicts apart (`version-mismatch`, …)."""

    def __init__(self, text: str, status: int, kind: str = "") -> None:
        super().__init__(text)
        self.status, self.kind = status, kind


class Client:
    """One Grafana at `url`, known there by `token`; use as an async context manager."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Opens the connections' pool."""
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes it."""
        if self._session:
            await self._session.close()

    async def version(self) -> str:
        """The version that Grafana tells; empty where it hides it.

        Raises UnreachableError for what is no Grafana, RefusedError for one that is older than `OLDEST`.
        """
        health = await self.find("/api/health")
        if not isinstance(health, dict) or "database" not in health:
            raise UnreachableError(f"what answers is no Grafana: {self.url}: give the address that a browser opens")
        told = str(health.get("version", ""))
        major = re.match(r"\d+", told)
        if major and int(major[0]) < OLDEST:
            raise RefusedError(f"Grafana {told} is too old: {self.url}: the dashboards need {OLDEST} or newer", 0)
        return told

    async def get(self, path: str, **params: str) -> Any:
        """A decoded answer. Raises GrafanaError."""
        return await self.ask("GET", path, params=params)

    async def find(self, path: str) -> Any:
        """A decoded answer, or None where there is no such thing (404). Raises GrafanaError."""
        try:
            return await self.get(path)
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def post(self, path: str, body: Any) -> Any:
        """The decoded answer to a body of JSON. Raises GrafanaError."""
        return await self.ask("POST", path, json=body)

    async def ask(self, method: str, path: str, *, accepted: tuple[int, ...] = (), **given: Any) -> Any:
        """One request; a status of `accepted` is an answer too. Raises GrafanaError."""
        assert self._session
        try:
            # A redirection would turn a POST into a GET, or take the token elsewhere.
            async with self._session.request(method, self.url + path, allow_redirects=False, **given) as response:
                status, body, moved = response.status, await response.read(), response.headers.get("Location", "")
        except TimeoutError as error:
            raise UnreachableError(f"no answer within {TIMEOUT:.0f} s: {self.url}{path}: is it overloaded?") from error
        except aiohttp.InvalidURL as error:
            raise UnreachableError(f"no address: {self.url}: give one such as https://grafana.example.org") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UnreachableError(f"nobody answers: {self.url}: {_reason(error)}: check address and network") from error
        if 300 <= status < 400:
            raise UnreachableError(f"is redirected: {self.url}{path}: to {moved}: give that address")
        decoded = self._decoded(path, status, body)
        if status < 300 or status in accepted:
            return decoded
        raise self._refusal(f"{method} {path}", status, decoded)

    def _decoded(self, path: str, status: int, body: bytes) -> Any:
        if not body:
            return None
        try:
            return msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                return {"message": body[:_SHOWN].decode(errors="replace").strip()}
            why = "give the address that a browser opens"
            raise UnreachableError(f"what answers is no Grafana: {self.url}{path}: status {status}, no JSON: {why}") from error

    def _refusal(self, what: str, status: int, decoded: Any) -> GrafanaError:
        told = decoded if isinstance(decoded, dict) else {}
        words = str(told.get("message", ""))[:_SHOWN] or "without a word"
        if status == HTTPStatus.UNAUTHORIZED:
            return DeniedError(f"the token is not known: {self.url}: {words}: make one of a service account, give it again")
        if status == HTTPStatus.FORBIDDEN:
            return DeniedError(f"the token may not do this: {what}: {words}: give its service account the role Editor or Admin")
        return RefusedError(f"Grafana refuses ({status}): {what}: {words}", status, str(told.get("status", "")))


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error:
        why = error.os_error.strerror or str(error.os_error)
        return "connection refused" if "Connect call failed" in why else why.lower()
    return str(error).lower() or type(error).__name__
