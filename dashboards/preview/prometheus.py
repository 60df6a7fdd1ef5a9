"""Prometheus's HTTP API, the part that dashboards need. Answers come decoded; what goes wrong is a `QueryError`.

QueryError
├── UnreachableError nobody answers there
├── TimedOutError    the answer took too long
└── RejectedError    Prometheus refused, in its own words
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, Self, TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from dashboards.preview.timerange import Range
from settings.secrets import without_user

TIMEOUT = 10.0
# More at once than it has processors make each one slower and none of them sooner; rules and other people ask it too.
AT_ONCE = min(8, max(2, os.cpu_count() or 2))
_Decoded = TypeVar("_Decoded")


class QueryError(Exception):
    """A question without an answer; its text is for a person, `reason` for a metric."""

    reason = "rejected"


class UnreachableError(QueryError):
    """Nobody answers there."""

    reason = "unreachable"


class TimedOutError(QueryError):
    """The answer took too long."""

    reason = "timeout"


class RejectedError(QueryError):
    """Prometheus refused, in its own words."""


class Series(Struct, frozen=True):
    """One series: a vector has `value`, a matrix `values`; pairs of time in seconds and the value as text."""

    metric: dict[str, str] = {}
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


class _Typed(Struct, frozen=True, rename="camel"):
    result_type: str
    result: msgspec.Raw


class _Answer(Struct, frozen=True, rename="camel"):
    status: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    error_type: str = ""
    warnings: list[str] = []


_ANSWER = msgspec.json.Decoder(_Answer)
_SERIES = msgspec.json.Decoder(list[Series])
_SCALAR = msgspec.json.Decoder(tuple[float, str])


class Prometheus:
    """One Prometheus at `url`; use as an async context manager. `observe(seconds, reason)` hears of every answer.

    `timeout` are the seconds that Prometheus may take for a query.
    """

    def __init__(
        self, url: str, user: str = "", password: str = "",
        observe: Callable[[float, str], None] = lambda _seconds, _reason: None, timeout: float = TIMEOUT,
    ) -> None:  # fmt: skip
        self.url, self.shown = url, without_user(url)
        self._timeout = timeout
        self._auth = aiohttp.BasicAuth(user, password) if user else None
        self._observe = observe
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Opens the connections' pool."""
        connector = aiohttp.TCPConnector(limit=AT_ONCE * 2)
        self._session = aiohttp.ClientSession(auth=self._auth, connector=connector, timeout=_patience(self._timeout))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes it."""
        if self._session:
            await self._session.close()

    async def range(self, expr: str, over: Range, step: float) -> list[Series]:
        """The matrix of `expr` from start to end, a value every `step` seconds. Raises QueryError."""
        form = {"query": expr, "start": repr(over.start), "end": repr(over.end), "step": repr(step)} | self._limit
        return _series(await self._ask("query_range", form))

    async def instant(self, expr: str, at: float) -> list[Series]:
        """The vector of `expr` at that time; a scalar is a vector of one. Raises QueryError."""
        return _series(await self._ask("query", {"query": expr, "time": repr(at)} | self._limit))

    @property
    def _limit(self) -> dict[str, str]:
        return {"timeout": f"{self._timeout * 1000:.0f}ms"}

    async def label_values(self, label: str, selector: str, over: Range) -> list[str]:
        """The values of a label, of all series or those that the selector finds. Raises QueryError."""
        form = {"start": repr(over.start), "end": repr(over.end)} | ({"match[]": selector} if selector else {})
        return _decoded(await self._ask(f"label/{label}/values", form, get=True), list[str])

    async def get(self, path: str, kind: type[_Decoded], **form: str) -> _Decoded:
        """The data of any other endpoint, as `kind`. Raises QueryError."""
        return _decoded(await self._ask(path, form, get=True), kind)

    async def _ask(self, path: str, form: dict[str, str], *, get: bool = False) -> msgspec.Raw:
        async with self._gate:
            began = time.monotonic()
            try:
                found = await self._answer(path, form, get=get)
            except QueryError as error:
                self._observe(time.monotonic() - began, error.reason)
                raise
            self._observe(time.monotonic() - began, "")
            return found

    async def _answer(self, path: str, form: dict[str, str], *, get: bool) -> msgspec.Raw:
        assert self._session
        given: Any = {"params": form} if get else {"data": form}
        try:
            async with self._session.request("GET" if get else "POST", f"{self.url}/api/v1/{path}", **given) as response:
                body, status = await response.read(), response.status
        except TimeoutError as error:
            raise TimedOutError(
                f"Prometheus at {self.shown} did not answer within {self._timeout:g} s: narrow the time range"
            ) from error
        except aiohttp.ClientConnectorError as error:
            why = error.os_error.strerror or str(error.os_error)
            raise UnreachableError(f"Prometheus at {self.shown} does not answer: {_short(why)}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UnreachableError(f"Prometheus at {self.shown} does not answer: {error or type(error).__name__}") from error
        return data(body, status, self.shown)


def _patience(timeout: float) -> aiohttp.ClientTimeout:
    """A little more than Prometheus has, so that it can say itself what takes so long."""
    return aiohttp.ClientTimeout(total=timeout + 0.5)


def _short(why: str) -> str:
    """The system's own words: aiohttp wraps them as "Connect call failed ('127.0.0.1', 9090)"."""
    return "connection refused" if "Connect call failed" in why else why.lower()


def data(body: bytes, status: int, url: str) -> msgspec.Raw:
    """The data of an answer. Raises QueryError for a refusal, in the words of who refuses."""
    try:
        answer = _ANSWER.decode(body)
    except msgspec.DecodeError as error:
        if status in (401, 403):
            fix = "set endpoints.prometheus_username and prometheus_password_file in site.yaml"
            raise RejectedError(f"{url} refuses the user or the password ({status}): {fix}") from error
        raise RejectedError(f"{url} answered {status} and no JSON of Prometheus: is it one?") from error
    if answer.status == "success":
        return answer.data
    if answer.error_type == "timeout":
        raise TimedOutError(f"Prometheus: {answer.error}: narrow the time range or the variables")
    raise RejectedError(f"Prometheus: {answer.error}")


def _decoded(data: msgspec.Raw, kind: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise RejectedError(f"the answer is not of Prometheus's form: {error}") from error


def _series(data: msgspec.Raw) -> list[Series]:
    typed = _decoded(data, _Typed)
    if typed.result_type in ("matrix", "vector"):
        return _SERIES.decode(typed.result)
    if typed.result_type == "scalar":
        return [Series({}, _SCALAR.decode(typed.result))]
    raise RejectedError(f"the query's result is a {typed.result_type}: a panel draws numbers")
